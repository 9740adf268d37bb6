/** Encrypted networks between userspace dataplanes, with an ear on the wire between them. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseIp, toHex } from '@weft/core'
import { nextDrift } from '@weft/dataplane/testing'
import { SALT_BYTES, spiOf } from '@weft/encryption'
import { closeFd, openUdpSocket } from '@weft/linux'
import { LINK_TYPE_ETHERNET, writePcapng } from '@weft/wire'
import { describe, expect, test } from 'vitest'
import { forgetKeys, killSwitch } from '../src/testing/index.ts'
import { BLUE, keysOf, Pair } from './encrypted-pair.ts'
import { Flood, transfer } from './encrypted-traffic.ts'
import { atEnd, desired, failuresOf, hosts, local, network, scratch, subnet } from './world.ts'
import type { TestHost } from './world.ts'

describe.each([
  { name: 'IP', esp: {}, mtu: 1424 },
  { name: 'IPv6', family: 6, esp: {}, mtu: 1404 },
  { name: 'IP with tags of 16 bytes', esp: { suite: 'aes-128-gcm-16' }, mtu: 1416 },
  { name: 'UDP', esp: { path: 'udp' }, mtu: 1416 },
  { name: 'UDP over IPv6', family: 6, esp: { path: 'udp' }, mtu: 1396 },
] as const)('over $name', ({ mtu, ...options }) => {
  test('containers reach each other, and nothing shows', async () => {
    const pair = await Pair.open(options)
    expect(await pair.apply(7n, 8n, 9n)).toEqual([])
    expect(await pair.reaches()).toBe(true)
    expect(await transfer(pair, 300_000)).toBe(true)
    await pair.wire.flush()
    const { esp, espInUdp, secrets, vxlan } = pair.wire
    expect([vxlan, secrets]).toEqual([0, 0])
    // A veth carries what UDP_SEGMENT put together as one.
    const isUdp = 'path' in options.esp
    expect(isUdp ? espInUdp : esp).toBeGreaterThan(isUdp ? 10 : 100)
    const { items } = await pair.near.observe()
    expect(items.get('networks/blue')).toBe(`vxlan-esp mtu ${mtu}`)
    expect(items.get('guards/4097')).toBe('port 4789 encrypted only')
    const peer = pair.stateOf(pair.a, []).peers.get('n2')?.tunnel.ip
    expect(items.get(`associations/${peer}`)).toBe('seals 8 opens 7 8 9')
    const again = await pair.near.apply(pair.stateOf(pair.a, keysOf(7n, 8n, 9n)))
    expect([again.changed, again.failures]).toEqual([0, []])
    // What fits exactly is one packet: nothing was cut in two on the wire.
    const longest = Math.max(...pair.wire.frames.map(({ length }) => length))
    expect(longest).toBeGreaterThan(1490)
    if (!isUdp) expect(longest).toBeLessThanOrEqual(1514)
  })
})

test('keys change at each end in turn under a stream and 10,000 datagrams a second', async () => {
  const pair = await Pair.open()
  expect(await pair.apply(7n, 8n, 9n)).toEqual([])
  expect(await pair.reaches()).toBe(true)
  const flood = new Flood(pair, 10_000)
  await flood.more(2000)
  const stream = transfer(pair, 20_000_000)
  for (const [i, times] of [[8n, 9n, 10n], [9n, 10n, 11n], [10n, 11n, 12n]].entries()) {
    const ends = [
      () => pair.near.apply(pair.stateOf(pair.a, keysOf(...times))),
      () => pair.far.apply(pair.stateOf(pair.b, keysOf(...times))),
    ]
    for (const apply of i % 2 === 0 ? ends : ends.reverse()) {
      await flood.more(2000)
      expect(failuresOf(await apply())).toEqual([])
    }
  }
  await flood.more(2000)
  expect(await stream).toBe(true)
  const lost = await flood.end()
  const [near, far] = [await pair.near.counters(), await pair.far.counters()]
  const security = ['frame-not-sealed', 'datagram-unknown-spi', 'datagram-bad-icv', 'datagram-late']
  for (const reason of security) {
    expect([near.dropped.get(reason), far.dropped.get(reason)]).toEqual([undefined, undefined])
  }
  // What the underlay and the sockets took from each other is all there is.
  expect(near.transmitted - far.received).toBe(0)
  expect(lost).toBe(0)
  await pair.wire.flush()
  expect([pair.wire.vxlan, pair.wire.secrets]).toEqual([0, 0])
  const { items } = await pair.near.observe()
  expect(items.get('associations/192.0.2.2')).toBe('seals 11 opens 10 11 12')
})

test('a switch that dies gets its keys anew, and nothing shows meanwhile', async () => {
  const pair = await Pair.open()
  expect(await pair.apply(7n, 8n, 9n)).toEqual([])
  expect(await pair.reaches()).toBe(true)
  const flood = new Flood(pair, 1000)
  for (const dataplane of [pair.near, pair.far]) {
    await flood.more(200)
    await killSwitch(dataplane)
    expect((await dataplane.observe()).items.has('guards/4097')).toBe(true)
  }
  expect(await pair.reaches()).toBe(true)
  await flood.end()
  // A later process, of which the peer knows nothing.
  await pair.near.close('teardown')
  pair.near = await pair.a.open()
  expect(await pair.apply(7n, 8n, 9n)).toEqual([])
  expect(await pair.reaches()).toBe(true)
  await pair.far.close('teardown')
  await pair.wire.flush()
  expect([pair.wire.vxlan, pair.wire.secrets]).toEqual([0, 0])
})

test('what a switch forgets is noticed and told again', async () => {
  const pair = await Pair.open()
  expect(await pair.apply(7n, 8n, 9n)).toEqual([])
  const drift = nextDrift(pair.near)
  await forgetKeys(pair.near)
  expect(await drift).toEqual(['associations/192.0.2.2'])
  expect(await pair.reaches()).toBe(true)
})

test('a peer that left is neither sealed for nor believed, and is taken back', async () => {
  const pair = await Pair.open()
  expect(await pair.apply(7n, 8n, 9n)).toEqual([])
  const alone = { c1: local(pair.c1, '10.0.1.2', 'fd00:1::2') }
  const blue = network([BLUE], { encapsulation: 'vxlan-esp', local: alone })
  const state = { ...pair.stateOf(pair.a, keysOf(7n, 8n, 9n)), networks: new Map([['blue', blue]]) }
  expect(failuresOf(await pair.near.apply(state))).toEqual([])
  expect((await pair.near.observe()).items.has('associations/192.0.2.2')).toBe(false)
  expect(await pair.reaches()).toBe(false)
  const back = await pair.near.apply(pair.stateOf(pair.a, keysOf(7n, 8n, 9n)))
  expect(failuresOf(back)).toEqual([])
  expect(await pair.reaches()).toBe(true)
})

test('keys that cannot be are refused by name, and nothing is programmed', async () => {
  const [a] = hosts(1) as [TestHost]
  const dataplane = await a.open()
  const c1 = scratch()
  const blue = network([BLUE], { encapsulation: 'vxlan-esp', local: { c1: local(c1, '10.0.1.2') } })
  const long = { tag: 1, byteLength: 32, isZeroed: false, writeKeyMaterial: () => 36 }
  for (const keys of [[], [long]]) {
    const report = await dataplane.apply({ ...desired(a, { blue }), keys })
    expect(failuresOf(report)).toContain('networks/blue ERR_INVALID_ITEM')
    expect((await dataplane.observe()).items).toEqual(new Map())
  }
})

test('a port for ESP that is taken stops encrypted networks and no others', async () => {
  const [a] = hosts(1, 1500, { esp: { path: 'udp' } }) as [TestHost]
  const holder = openUdpSocket({ namespace: a.path, local: { ip: a.ip, port: 4500 } })
  const dataplane = await a.open()
  const blue = network([BLUE], { encapsulation: 'vxlan-esp' })
  const green = network([subnet(4098, '10.0.2.0/24')])
  const state = (): ReturnType<typeof desired> => desired(a, { blue, green })
  const keys = keysOf(7n, 8n, 9n)
  expect(failuresOf(await dataplane.apply({ ...state(), keys }))).toEqual([
    'networks/blue ERR_DEPENDENCY',
    'networks/blue/subnets/4097 ERR_CONFLICT',
  ])
  const { items } = await dataplane.observe()
  expect([items.has('networks/green'), items.has('networks/blue')]).toEqual([true, false])
  closeFd(holder)
  expect(failuresOf(await dataplane.apply({ ...state(), keys }))).toEqual([])
})

test('tshark, given a key, reads the VXLAN inside; without one nothing', async () => {
  const pair = await Pair.open()
  expect(await pair.apply(7n, 8n, 9n)).toEqual([])
  expect(await pair.reaches()).toBe(true)
  await pair.wire.flush()
  const path = recordingOf(pair.wire.frames)
  const keys = ['192.0.2.1 192.0.2.2', '192.0.2.2 192.0.2.1'].map(associationOf)
  const plain = tshark(path, [])
  expect(plain.length).toBeGreaterThan(0)
  expect(plain.every((line) => line.startsWith('50 ') && !line.includes('4097'))).toBe(true)
  const read = tshark(path, keys)
  expect(read).toHaveLength(plain.length)
  expect(read.every((line) => line.includes(' 4097 '))).toBe(true)
  expect(read).toContain('50,17 4097 192.0.2.1,10.0.1.2 192.0.2.2,10.0.1.3')
})

/** The frames as a recording, gone after the test. */
function recordingOf(frames: readonly Uint8Array[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-esp-'))
  atEnd(() => rmSync(folder, { recursive: true }))
  const about = { interfaceId: 0, timestampNs: null, direction: 'unknown', comment: null } as const
  const packets = frames.map((bytes) => ({ ...about, bytes, originalLength: bytes.length }))
  const interfaces = [{ name: 'eth0', linkType: LINK_TYPE_ETHERNET, snapBytes: 66_000 }]
  const path = join(folder, 'wire.pcapng')
  writeFileSync(path, writePcapng({ comment: null, interfaces, packets }))
  return path
}

/** Source and destination, as tshark wants to be told of an association under key 8. */
function associationOf(ends: string): string {
  const [source = '', destination = ''] = ends.split(' ')
  const input = { source: parseIp(source), destination: parseIp(destination), tag: 8 }
  const spi = spiOf(input, 'sixteen-byte')
  const material = new Uint8Array(16 + SALT_BYTES)
  keysOf(7n, 8n, 9n)[0]?.writeKeyMaterial(material, 0, spi)
  const name = `0x${spi.toString(16).padStart(8, '0')}`
  const cipher = 'AES-GCM with 8 octet ICV [RFC4106]'
  const fields = ['IPv4', source, destination, name, cipher, `0x${toHex(material)}`, 'NULL', '']
  return `uat:esp_sa:${fields.map((field) => `"${field}"`).join(',')}`
}

/** A line for each frame of ESP: protocols of IP, the VNI, and addresses. */
function tshark(path: string, associations: readonly string[]): readonly string[] {
  const preferences = ['esp.enable_encryption_decode:TRUE', ...associations]
  const fields = ['ip.proto', 'vxlan.vni', 'ip.src', 'ip.dst']
  const args = [
    ...['-r', path, '-n', '-Y', 'esp', '-T', 'fields', '-E', 'separator= '],
    ...preferences.flatMap((preference) => ['-o', preference]),
    ...fields.flatMap((field) => ['-e', field]),
  ]
  return execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .filter((line) => line.trim() !== '')
}
