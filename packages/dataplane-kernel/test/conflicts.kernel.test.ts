/** Things in the way: named in the error, left alone when they are others', replaced when ours. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { parseIp, vni } from '@weft/core'
import { namespaceName } from '../src/index.ts'
import {
  createNamespace,
  deleteNamespace,
  Kernel,
  namespaceIdentity,
  openUdpSocket,
} from '@weft/linux'
import { expect, test } from 'vitest'
import {
  atEnd,
  desired,
  failuresOf,
  hosts,
  inside,
  local,
  network,
  nextDrift,
  remote,
  scratch,
  subnet,
  type TestHost,
} from './world.ts'

const BLUE = subnet(4096, '10.0.1.0/24')
const GREEN = subnet(4097, '10.0.2.0/24')
const THEIRS = { vni: vni(4096), port: 4789, learning: false }

test('a VNI that somebody holds in another namespace is theirs, and they are named', async () => {
  const [a] = hosts(1) as [TestHost]
  const elsewhere = scratch()
  using other = Kernel.open(elsewhere)
  a.kernel.links.createIn(other.namespace.fd, { kind: 'vxlan', name: 'theirs', vxlan: THEIRS })
  const dataplane = await a.open()
  const report = await dataplane.apply(
    desired(a, {
      blue: network([BLUE], { remote: { c2: remote('n2', '10.0.1.3') } }),
      green: network([GREEN]),
    }),
  )
  expect(failuresOf(report)).toEqual([
    'networks/blue ERR_DEPENDENCY',
    'networks/blue/remote/c2 ERR_DEPENDENCY',
    'networks/blue/subnets/4096 ERR_CONFLICT',
  ])
  const owner = report.failures.find(({ error }) => error.code === 'ERR_CONFLICT')?.error.details
  expect(owner).toMatchObject({ owner: `VXLAN device theirs in ${elsewhere}` })
  expect([...(await dataplane.observe()).items.keys()]).toEqual([
    'networks/green',
    'networks/green/subnets/4097',
  ])
  other.links.delete('theirs')
  const both = { blue: network([BLUE]), green: network([GREEN]) }
  const again = await dataplane.apply(desired(a, both))
  expect(failuresOf(again)).toEqual([])
})

test('a name whose namespace a crash prevented is taken over; a file is left alone', async () => {
  const [a] = hosts(1) as [TestHost]
  const [empty, full] = [a.network('blue'), a.network('green')]
  writeFileSync(empty, '')
  writeFileSync(full, 'not ours')
  atEnd(() => rmSync(full))
  const dataplane = await a.open()
  const state = { blue: network([BLUE]), green: network([GREEN]) }
  expect(failuresOf(await dataplane.apply(desired(a, state)))).toEqual([
    'networks/green ERR_CONFLICT',
    'networks/green/subnets/4097 ERR_DEPENDENCY',
  ])
  expect(namespaceIdentity(empty)).not.toBe(null)
  expect(readFileSync(full, 'utf8')).toBe('not ours')
})

test('a VNI of a leftover of ours in a namespace without a name is taken over', async () => {
  const [a] = hosts(1) as [TestHost]
  const first = await a.open()
  await first.apply(desired(a, { blue: network([BLUE]) }))
  await first.close('detach')
  // A process keeps the namespace alive, and is the only way to it.
  const name = namespaceName(a.name, 'blue')
  const keeper = spawn('ip', ['netns', 'exec', name, 'sleep', '60'], { stdio: 'ignore' })
  atEnd(() => keeper.kill('SIGKILL'))
  const identity = namespaceIdentity(a.network('blue'))
  await expect
    .poll(() => namespaceIdentity(`/proc/${keeper.pid}/ns/net`), { timeout: 2000, interval: 10 })
    .toBe(identity)
  deleteNamespace({ name })
  const second = await a.open()
  const report = await second.apply(desired(a, { blue: network([BLUE]) }))
  expect(failuresOf(report)).toEqual([])
  expect(namespaceIdentity(a.network('blue'))).not.toBe(identity)
})

test('a VNI held where nobody can look is a conflict until that ends', async () => {
  const [a] = hosts(1) as [TestHost]
  const first = await a.open()
  await first.apply(desired(a, { blue: network([BLUE]) }))
  await first.close('detach')
  const kept = Kernel.open(a.network('blue'))
  atEnd(() => kept.close())
  deleteNamespace({ name: namespaceName(a.name, 'blue') })
  const second = await a.open()
  const state = { blue: network([BLUE]) }
  const report = await second.apply(desired(a, state))
  expect(failuresOf(report)).toContain('networks/blue/subnets/4096 ERR_CONFLICT')
  kept.close()
  await expect
    .poll(async () => failuresOf(await second.apply(desired(a, state))), { timeout: 3000 })
    .toEqual([])
})

test('a name that somebody deletes is there again, and nothing inside notices', async () => {
  const [a] = hosts(1) as [TestHost]
  const c1 = scratch()
  const dataplane = await a.open()
  const state = { blue: network([BLUE], { local: { c1: local(c1, '10.0.1.2') } }) }
  expect(failuresOf(await dataplane.apply(desired(a, state)))).toEqual([])
  const identity = namespaceIdentity(a.network('blue'))
  const before = inside(c1, 'ip -o link show eth0')
  const drift = nextDrift(dataplane)
  deleteNamespace({ name: namespaceName(a.name, 'blue') })
  expect(await drift).toEqual(['networks/blue'])
  expect(namespaceIdentity(a.network('blue'))).toBe(identity)
  expect(inside(c1, 'ip -o link show eth0')).toBe(before)
  expect((await dataplane.apply(desired(a, state))).changed).toBe(0)
})

test('a name that is a stranger’s by now is a conflict, and its VNI is free', async () => {
  const [a] = hosts(1) as [TestHost]
  const dataplane = await a.open()
  const state = { blue: network([BLUE]) }
  expect(failuresOf(await dataplane.apply(desired(a, state)))).toEqual([])
  const name = namespaceName(a.name, 'blue')
  const drift = nextDrift(dataplane)
  deleteNamespace({ name })
  createNamespace({ name })
  await drift
  expect(failuresOf(await dataplane.apply(desired(a, state)))).toContain(
    'networks/blue ERR_CONFLICT',
  )
  expect(a.kernel.links.list({ kind: 'vxlan' })).toEqual([])
  const theirs = { vni: vni(4096), port: 4789, learning: false }
  a.kernel.links.create({ kind: 'vxlan', name: 'free', vxlan: theirs, up: true })
})

test('half of a network left by a process that died in between is made whole', async () => {
  const [a] = hosts(1) as [TestHost]
  const c1 = scratch()
  const state = { blue: network([BLUE], { local: { c1: local(c1, '10.0.1.2') } }) }
  const first = await a.open()
  await first.apply(desired(a, state))
  await first.close('detach')
  using kernel = Kernel.open(a.network('blue'))
  kernel.links.delete('br0')
  const second = await a.open()
  const report = await second.apply(desired(a, state))
  expect(failuresOf(report)).toEqual([])
  const links = inside(a.network('blue'), 'ip -o link').match(/(br|vxlan|veth)[0-9]+/g)
  expect([...new Set(links)].sort()).toEqual(['br0', 'veth0', 'vxlan0'])
  const { items } = await second.observe()
  expect(items.get('networks/blue/local/c1')).toBe('02:42:0a:00:01:02 10.0.1.2')
})

test('a UDP port that is taken is a conflict about the port, and nothing stays', async () => {
  const [a] = hosts(1) as [TestHost]
  const socket = createSocket('udp4')
  const local = { ip: parseIp('0.0.0.0'), port: 4800 }
  socket.bind({ fd: openUdpSocket({ namespace: a.path, local }) })
  atEnd(() => socket.close())
  const dataplane = await a.open()
  const report = await dataplane.apply(desired(a, { blue: network([BLUE]) }, 4800))
  expect(failuresOf(report)).toEqual([
    'networks/blue ERR_DEPENDENCY',
    'networks/blue/subnets/4096 ERR_CONFLICT',
  ])
  const taken = report.failures.find(({ error }) => error.code === 'ERR_CONFLICT')
  expect(taken?.error.details).toMatchObject({ owner: expect.stringContaining('4800') })
  expect((await dataplane.observe()).items).toEqual(new Map())
  expect(failuresOf(await dataplane.apply(desired(a, { blue: network([BLUE]) }, 4801)))).toEqual([])
})

test('a namespace of our name without our mark is somebody else’s', async () => {
  const [a] = hosts(1) as [TestHost]
  createNamespace({ name: namespaceName(a.name, 'blue') })
  const dataplane = await a.open()
  const report = await dataplane.apply(desired(a, { blue: network([BLUE]) }))
  expect(failuresOf(report)).toEqual([
    'networks/blue ERR_CONFLICT',
    'networks/blue/subnets/4096 ERR_DEPENDENCY',
  ])
  await dataplane.close('teardown')
  expect(inside(a.network('blue'), 'ip -o link')).toContain('lo')
})

test('a missing container fails alone; it is plugged in when it is there', async () => {
  const [a] = hosts(1) as [TestHost]
  const [c1, c2] = [scratch(), scratch()]
  const missing = `${c1}-not-yet`
  const state = network([BLUE], {
    local: { c1: local(missing, '10.0.1.2'), c2: local(c2, '10.0.1.3') },
  })
  const dataplane = await a.open()
  const report = await dataplane.apply(desired(a, { blue: state }))
  expect(failuresOf(report)).toEqual(['networks/blue/local/c1 ERR_ATTACHMENT_MISSING'])
  expect(inside(a.network('blue'), 'ip -o link show type veth').trim().split('\n')).toHaveLength(1)
  createNamespace({ name: missing.split('/').at(-1) ?? '' })
  expect(failuresOf(await dataplane.apply(desired(a, { blue: state })))).toEqual([])
})

test('a file that is no namespace is a missing attachment', async () => {
  const [a] = hosts(1) as [TestHost]
  const dataplane = await a.open()
  const state = network([BLUE], { local: { c1: local('/etc/hostname', '10.0.1.2') } })
  const report = await dataplane.apply(desired(a, { blue: state }))
  expect(failuresOf(report)).toEqual(['networks/blue/local/c1 ERR_ATTACHMENT_MISSING'])
})

test('the host’s own namespace is no container’s, whatever path leads to it now', async () => {
  const [a] = hosts(1) as [TestHost]
  const dataplane = await a.open()
  const container = spawn('unshare', ['--net', 'sleep', '60'], { stdio: 'ignore' })
  const process = spawn('nsenter', [`--net=${a.path}`, 'sleep', '60'], { stdio: 'ignore' })
  atEnd(() => [container, process].map((one) => one.kill('SIGKILL')))
  const identityOf = ({ pid }: typeof process): string | null =>
    namespaceIdentity(`/proc/${pid}/ns/net`)
  await expect.poll(() => identityOf(process)).toBe(namespaceIdentity(a.path))
  await expect.poll(() => identityOf(container)).not.toBe(namespaceIdentity())
  const now = `/proc/${process.pid}/ns/net`
  const state = network([BLUE], {
    local: {
      c1: local(now, '10.0.1.2'),
      c2: local(`/proc/${container.pid}/ns/net`, '10.0.1.3'),
    },
  })
  const before = inside(a.path, 'ip -o link')
  const report = await dataplane.apply(desired(a, { blue: state }))
  expect(failuresOf(report)).toEqual(['networks/blue/local/c1 ERR_ATTACHMENT_MISSING'])
  expect(inside(a.path, 'ip -o link')).toBe(before)
})

test('without the tunnel’s address nothing is made, and what is there stays', async () => {
  const [a] = hosts(1) as [TestHost]
  const dataplane = await a.open()
  await dataplane.apply(desired(a, { blue: network([BLUE]) }))
  const before = (await dataplane.observe()).items
  const lost = { ...a, ip: parseIp('198.51.100.1') }
  const both = { blue: network([BLUE]), green: network([GREEN]) }
  const report = await dataplane.apply(desired(lost, both))
  expect(failuresOf(report)).toContain('tunnel ERR_ATTACHMENT_MISSING')
  expect(report.changed).toBe(0)
  expect((await dataplane.observe()).items).toEqual(before)
})
