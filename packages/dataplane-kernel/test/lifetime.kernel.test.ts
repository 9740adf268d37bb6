/** From open to close: adoption that touches nothing, orphans collected, nothing left behind. */
import { silentLogger } from '@weft/core'
import { Kernel, openMonitor, type Notice } from '@weft/linux'
import { nodeRuntime } from '@weft/runtime-node'
import { kernelBackend } from '../src/index.ts'
import { expect, test } from 'vitest'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  inside,
  local,
  network,
  openFds,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4096, '10.0.1.0/24', 'fd00:1::/64')
const GREEN = subnet(4097, '10.0.2.0/24')

test('a successor that is told the same makes no change that anybody could hear of', async () => {
  const [a] = hosts(1) as [TestHost]
  const c1 = scratch()
  const state = {
    blue: network([BLUE, GREEN], {
      local: { c1: local(c1, '10.0.1.2', 'fd00:1::2') },
      remote: { c2: remote('n2', '10.0.1.3', 'fd00:1::3'), c3: remote('n3', '10.0.2.3') },
    }),
  }
  const first = await a.open()
  expect(failuresOf(await first.apply(desired(a, state)))).toEqual([])
  await first.close('detach')
  await expect.poll(() => tentative(c1), { timeout: 10_000 }).toEqual([])
  const heard: Notice[] = []
  const topics = ['links', 'neighbours', 'addresses', 'routes'] as const
  for (const namespace of [a.network('blue'), c1]) {
    const monitor = openMonitor(
      { namespace, topics },
      {
        changed: (read) => heard.push(...read()),
        overrun: () => expect.fail('overrun'),
        failed: (fault) => expect.fail(fault.diagnostic),
      },
    )
    atEnd(() => monitor.close())
  }
  const before = inside(a.network('blue'), 'ip -o link')
  const second = await a.open()
  const report = await second.apply(desired(a, state))
  expect([report.changed, report.collected, failuresOf(report)]).toEqual([0, [], []])
  expect(inside(a.network('blue'), 'ip -o link')).toBe(before)
  // The monitor is proved to hear: what comes now is the first thing it has heard of.
  second.events.on('drift', () => expect.fail('adoption is no drift'))
  const without = network([BLUE, GREEN], { local: Object.fromEntries(state.blue.local) })
  await second.apply(desired(a, { blue: without }))
  await expect.poll(() => heard.length, { timeout: 2000 }).toBeGreaterThan(0)
  expect(heard.filter(({ gone }) => !gone).map(({ about }) => about)).toEqual(
    heard.filter(({ gone }) => !gone).map(() => 'neighbour'),
  )
  expect(heard.every((notice) => notice.gone || isDying(notice))).toBe(true)
})

/** Addresses that the kernel gave an interface and still looks for elsewhere. */
function tentative(path: string): unknown {
  using kernel = Kernel.open(path)
  return kernel.addresses.list().filter(({ flags }) => (flags & IFA_F_TENTATIVE) !== 0)
}

/** linux/if_addr.h */
const IFA_F_TENTATIVE = 0x40

/** A neighbour on its way out is told as failed before it is told as gone. */
function isDying(notice: Notice): boolean {
  return notice.about === 'neighbour' && (notice.neighbour.state & 0x20) !== 0
}

test('what a predecessor left and nobody wants is removed and reported', async () => {
  const [a] = hosts(1) as [TestHost]
  const first = await a.open()
  await first.apply(
    desired(a, {
      blue: network([BLUE], { remote: { c2: remote('n2', '10.0.1.3') } }),
      green: network([GREEN]),
    }),
  )
  await first.close('detach')
  const second = await a.open()
  const { items } = await second.observe()
  expect([...items.keys()].filter((path) => path.split('/').length === 2).sort()).toEqual([
    'networks/blue',
    'networks/green',
  ])
  const report = await second.apply(desired(a, { blue: network([BLUE]) }))
  expect([...report.collected].sort()).toEqual([
    'networks/blue/fdb/4096/02:42:0a:00:01:03',
    'networks/blue/neighbours/4096/10.0.1.3',
    'networks/green',
  ])
})

test('teardown leaves no namespace, no device and no descriptor', async () => {
  const [a] = hosts(1) as [TestHost]
  const c1 = scratch()
  const warm = await a.open()
  await warm.close('teardown')
  const before = openFds()
  for (let i = 0; i < 5; i++) {
    const dataplane = await a.open()
    const blue = network([BLUE], { local: { c1: local(c1, '10.0.1.2') } })
    await dataplane.apply(desired(a, { blue }))
    await dataplane.close('teardown')
  }
  expect(openFds()).toBe(before)
  expect(inside(c1, 'ip -o link').trim().split('\n')).toHaveLength(1)
  expect(() => inside(a.network('blue'), 'true')).toThrow()
})

test('several instances share a machine without seeing each other', async () => {
  const [a, b] = hosts(2) as [TestHost, TestHost]
  const [one, two] = [await a.open(), await b.open()]
  await one.apply(desired(a, { blue: network([BLUE]) }))
  await two.apply(desired(b, { blue: network([BLUE]) }))
  await two.close('teardown')
  expect([...(await one.observe()).items.keys()]).toHaveLength(2)
})

test('one instance has one owner at a time', async () => {
  const [a] = hosts(1) as [TestHost]
  const before = openFds()
  const first = await a.open()
  await expect(a.open()).rejects.toMatchObject({
    code: 'ERR_CONFLICT',
    details: { item: `instance ${a.options.instance}` },
  })
  await first.close('detach')
  const second = await a.open()
  await second.close('teardown')
  expect(openFds()).toBe(before)
})

test('probing tells what the kernel can do and leaves nothing', async () => {
  const [a] = hosts(1) as [TestHost]
  const before = openFds()
  const probed = await kernelBackend.probe(a.options)
  expect(probed.usable && [...probed.capabilities.encapsulations]).toContain('vxlan')
  expect(openFds()).toBe(before)
})

test('who has just probed hands over what was found', async () => {
  const [a] = hosts(1) as [TestHost]
  const runtime = { ...nodeRuntime(), log: silentLogger }
  const nothing = { usable: false, reason: 'vxlan: ENOENT: nothing there' } as const
  await expect(kernelBackend.open(runtime, a.options, nothing)).rejects.toMatchObject({
    code: 'ERR_UNSUPPORTED',
    details: { item: a.name, capability: nothing.reason },
  })
  const probed = await kernelBackend.probe(a.options)
  const dataplane = await kernelBackend.open(runtime, a.options, probed)
  atEnd(() => dataplane.close('teardown'))
  expect(probed).toEqual({ usable: true, capabilities: dataplane.capabilities })
})

test('an underlay namespace that is not there is an error that names it', async () => {
  const [a] = hosts(1) as [TestHost]
  const options = { ...a.options, underlayNamespace: '/run/netns/no-such' }
  await expect(kernelBackend.open(nodeRuntime(), options)).rejects.toMatchObject({
    code: 'ERR_HOST',
    details: { item: '/run/netns/no-such' },
  })
})
