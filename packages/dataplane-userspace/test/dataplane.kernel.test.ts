/** The userspace dataplane on real TAPs and sockets: what the compliance suite does not ask. */
import { hasCode, parseIp } from '@weft/core'
import type { Dataplane } from '@weft/dataplane'
import { closeFd, Kernel, openUdpSocket } from '@weft/linux'
import { nodeRuntime } from '@weft/runtime-node'
import { describe, expect, test } from 'vitest'
import { userspaceBackend, userspaceOptions } from '../src/index.ts'
import { killSwitch } from '../src/testing/index.ts'
import {
  desired,
  failuresOf,
  hosts,
  local,
  network,
  openFds,
  reaches,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4097, '10.0.1.0/24', 'fd00:1::/64')

interface Pair {
  readonly a: TestHost
  readonly b: TestHost
  readonly c1: string
  readonly c2: string
  readonly near: Dataplane
  readonly far: Dataplane
}

/** Two hosts with a container each. */
async function pair(): Promise<Pair> {
  const [a, b] = hosts(2) as [TestHost, TestHost]
  const [c1, c2] = [scratch(), scratch()]
  const [near, far] = [await a.open(), await b.open()]
  const here = { c1: local(c1, '10.0.1.2', 'fd00:1::2') }
  const there = { c2: local(c2, '10.0.1.3', 'fd00:1::3') }
  const beyond = { c2: remote('n2', '10.0.1.3', 'fd00:1::3') }
  const blueA = network([BLUE], { local: here, remote: beyond })
  const back = { c1: remote('n1', '10.0.1.2', 'fd00:1::2') }
  const blueB = network([BLUE], { local: there, remote: back })
  expect(failuresOf(await near.apply(desired(a, { blue: blueA })))).toEqual([])
  expect(failuresOf(await far.apply(desired(b, { blue: blueB })))).toEqual([])
  return { a, b, c1, c2, near, far }
}

function linkIn(path: string): { index: number; mtuBytes: number; alias: string | null } | null {
  using kernel = Kernel.open(path)
  return kernel.links.get('eth0')
}

test('containers reach each other over both families; hosts get no device', async () => {
  const { a, c1, c2 } = await pair()
  expect(await reaches(c1, c2, '10.0.1.3')).toBe(true)
  expect(await reaches(c2, c1, 'fd00:1::2')).toBe(true)
  expect(a.kernel.links.list().map(({ name }) => name)).toEqual(['lo', 'eth0'])
  const alias = `weft/${a.name}/networks/blue/local/c1`
  expect(linkIn(c1)).toMatchObject({ mtuBytes: 1450, alias })
})

test('subnets of a network reach each other through their gateways', async () => {
  const [a, b] = hosts(2) as [TestHost, TestHost]
  const green = subnet(4098, '10.0.2.0/24')
  const [c1, c2, c3] = [scratch(), scratch(), scratch()]
  const [near, far] = [await a.open(), await b.open()]
  const subnets = [subnet(4097, '10.0.1.0/24'), green]
  const here = { c1: local(c1, '10.0.1.2'), c3: local(c3, '10.0.2.4') }
  const blueA = network(subnets, { local: here, remote: { c2: remote('n2', '10.0.2.3') } })
  const others = { c1: remote('n1', '10.0.1.2'), c3: remote('n1', '10.0.2.4') }
  const blueB = network(subnets, { local: { c2: local(c2, '10.0.2.3') }, remote: others })
  expect(failuresOf(await near.apply(desired(a, { blue: blueA })))).toEqual([])
  expect(failuresOf(await far.apply(desired(b, { blue: blueB })))).toEqual([])
  expect(await reaches(c1, c3, '10.0.2.4')).toBe(true)
  expect(await reaches(c1, c2, '10.0.2.3')).toBe(true)
  expect(await reaches(c2, c1, '10.0.1.2')).toBe(true)
})

describe('a switch that dies', () => {
  test('is announced and replaced; interfaces stay, and counters do not go back', async () => {
    const { c1, c2, near } = await pair()
    expect(await reaches(c1, c2, '10.0.1.3')).toBe(true)
    const before = await near.counters()
    const index = linkIn(c1)?.index
    const failed: Error[] = []
    near.events.on('failed', ({ error }) => void failed.push(error))
    await killSwitch(near)
    // Only a switch that lives can answer.
    expect((await near.observe()).items.has('networks/blue/local/c1')).toBe(true)
    expect(await reaches(c1, c2, '10.0.1.3')).toBe(true)
    expect(await reaches(c2, c1, '10.0.1.2')).toBe(true)
    expect(failed).toHaveLength(1)
    expect(linkIn(c1)?.index).toBe(index)
    const after = await near.counters()
    expect(after.transmitted).toBeGreaterThan(before.transmitted)
    expect(after.drift).toBe(0)
  })

  test('again and again: verbs wait for the next one and are carried out', async () => {
    const { a, c1, c2, near } = await pair()
    for (let i = 0; i < 3; i++) {
      const killed = killSwitch(near)
      const { items } = await near.observe()
      expect(items.get('networks/blue/local/c1')).toContain('10.0.1.2')
      await killed
    }
    const blue = network([BLUE], { local: { c1: local(c1, '10.0.1.2', 'fd00:1::2') } })
    const killed = killSwitch(near)
    expect(failuresOf(await near.apply(desired(a, { blue })))).toEqual([])
    await killed
    expect(await reaches(c1, c2, '10.0.1.3')).toBe(false)
  })
})

describe('what is not to be had', () => {
  test('the tunnel’s port: a conflict that names it, and all is well when it is free', async () => {
    const [a] = hosts(1) as [TestHost]
    const c1 = scratch()
    const holder = openUdpSocket({ namespace: a.path, local: { ip: a.ip, port: 4789 } })
    const dataplane = await a.open()
    const blue = network([BLUE], { local: { c1: local(c1, '10.0.1.2', 'fd00:1::2') } })
    const report = await dataplane.apply(desired(a, { blue }))
    expect(failuresOf(report)).toEqual([
      'networks/blue ERR_DEPENDENCY',
      'networks/blue/local/c1 ERR_DEPENDENCY',
      'networks/blue/subnets/4097 ERR_CONFLICT',
    ])
    const conflict = report.failures.find(({ error }) => error.code === 'ERR_CONFLICT')
    expect(conflict?.error.details).toMatchObject({ owner: `another socket on ${a.ip}:4789` })
    expect(linkIn(c1)).toBeNull()
    closeFd(holder)
    expect(failuresOf(await dataplane.apply(desired(a, { blue })))).toEqual([])
  })

  test('the container: that endpoint alone fails, and comes when its namespace does', async () => {
    const [a] = hosts(1) as [TestHost]
    const dataplane = await a.open()
    const blue = network([BLUE], { local: { c1: local('/run/netns/none', '10.0.1.2') } })
    const report = await dataplane.apply(desired(a, { blue }))
    expect(failuresOf(report)).toEqual(['networks/blue/local/c1 ERR_ATTACHMENT_MISSING'])
  })

  test('an MTU that the underlay lacks, and encryption without a key', async () => {
    const [a] = hosts(1, 1400) as [TestHost]
    const dataplane = await a.open()
    const big = network([BLUE], { mtu: 1351 })
    const secret = network([subnet(4098, '10.0.2.0/24')], { encapsulation: 'vxlan-esp' })
    const report = await dataplane.apply(desired(a, { big, secret }))
    expect(failuresOf(report)).toEqual(
      expect.arrayContaining(['networks/big ERR_MTU', 'networks/secret ERR_INVALID_ITEM']),
    )
  })

  test('an instance that is open already', async () => {
    const [a] = hosts(1) as [TestHost]
    await a.open()
    await expect(a.open()).rejects.toSatisfy((error) => hasCode(error, 'ERR_CONFLICT'))
  })

  test('an underlay’s namespace that is not there', async () => {
    const options = userspaceOptions({ instance: 'x', underlayNamespace: '/run/netns/none' })
    const opening = userspaceBackend.open(nodeRuntime(), options)
    await expect(opening).rejects.toSatisfy((error) => hasCode(error, 'ERR_HOST'))
  })
})

test('the probe names what it lacks and leaves no trace', async () => {
  const before = openFds()
  const probed = await userspaceBackend.probe(userspaceOptions({ instance: 'probe' }))
  expect(probed).toMatchObject({ usable: true, fallbacks: [] })
  expect(probed.usable && probed.capabilities.persistent).toBe(false)
  expect(openFds()).toBe(before)
})

test('what is opened is closed: interfaces, sockets, threads', async () => {
  const [a] = hosts(1) as [TestHost]
  const c1 = scratch()
  const counts: number[] = []
  for (let i = 0; i < 3; i++) {
    const dataplane = await a.open()
    const blue = network([BLUE], { local: { c1: local(c1, '10.0.1.2', 'fd00:1::2') } })
    expect(failuresOf(await dataplane.apply(desired(a, { blue })))).toEqual([])
    await dataplane.close('teardown')
    expect(linkIn(c1)).toBeNull()
    counts.push(openFds())
  }
  expect(counts[2]).toBe(counts[1])
  const free = openUdpSocket({ namespace: a.path, local: { ip: parseIp('192.0.2.1'), port: 4789 } })
  closeFd(free)
})
