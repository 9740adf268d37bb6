/** A switch whose subnet is encrypted: what leaves, what comes in, and what is told of the rest. */
import { ipBytes, parseIp, setU16, setU32, u16, u32, u8 } from '@weft/core'
import { ESP_HEADER_BYTES, InboundAssociation, OutboundAssociation, spiOf } from '@weft/encryption'
import { nodeCipherSuites, nodeEntropy } from '@weft/runtime-node'
import { foldSum, sumBytes, udp } from '@weft/wire'
import { describe, expect, test } from 'vitest'
import { SEALED_MTU_MAX_BYTES, type EngineSubnet } from '../src/engine/index.ts'
import {
  ALL_OFFLOADS,
  blue,
  EngineKit,
  PEER,
  stateOf,
  tunnelled,
  VNI,
} from './engine-kit.ts'
import { BURST, frameOf, segmentsOf, superFrameOf } from './naive-segments.ts'
import {
  ALL_BUT_ONE,
  FAR_VTEP,
  keysOf,
  NEAR_VTEP,
  SealedEnd,
  sealedPair,
  TUNNEL_PORT,
} from './sealed-kit.ts'

const SUITE = nodeCipherSuites['aes-128-gcm-8']
const FRAME = frameOf({ ...BURST, protocol: 'udp' }, new Uint8Array(100).fill(0x5a))
const FAMILIES = [4, 6] as const

/** What stands in an ESP packet, opened by an association of our own. */
function textOf(packet: Uint8Array, family: 4 | 6, tag = 8): Uint8Array {
  const ends = { source: parseIp(NEAR_VTEP[family]), destination: parseIp(FAR_VTEP[family]) }
  const spi = spiOf({ ...ends, tag }, 'sixteen-byte')
  const layout = { spi, salt: spi, extendedSequence: false, protocol: 17 }
  const options = { ...layout, replayWindowPackets: 0, windowPerRun: false }
  const [key] = keysOf([tag])
  if (key === undefined) throw new Error('bug: no key')
  const copy = packet.slice()
  const end = new InboundAssociation(options, key.openCipher(SUITE)).open(copy, 0, copy.length)
  expect(end).toBeTypeOf('number')
  return copy.slice(ESP_HEADER_BYTES, Number(end))
}

/** A packet with this text, from the far end, as only somebody with the key can make it. */
function madeWith(text: Uint8Array, protocol = 17): Uint8Array {
  const ends = { source: parseIp(FAR_VTEP[4]), destination: parseIp(NEAR_VTEP[4]) }
  const spi = spiOf({ ...ends, tag: 8 }, 'sixteen-byte')
  const layout = { spi, salt: spi, extendedSequence: false, protocol, sequenceAfter: 0 }
  const [key] = keysOf([8])
  if (key === undefined) throw new Error('bug: no key')
  const out = new OutboundAssociation(layout, key.openCipher(SUITE), nodeEntropy)
  const bytes = new Uint8Array(text.length + 64)
  bytes.set(text, ESP_HEADER_BYTES)
  const end = out.seal(bytes, ESP_HEADER_BYTES, ESP_HEADER_BYTES + text.length)
  return bytes.slice(0, Number(end))
}

/** UDP with VXLAN with a frame, for this port. */
function textFor(port: number, inner: Uint8Array = tunnelled(FRAME)): Uint8Array {
  const text = new Uint8Array(udp.headerLength + inner.length)
  setU16(text, 0, 50_000)
  setU16(text, 2, port)
  setU16(text, 4, text.length)
  text.set(inner, udp.headerLength)
  return text
}

describe.each(FAMILIES)('over IPv%d', (family) => {
  test('a frame leaves as VXLAN in UDP in ESP, and arrives as it was', () => {
    const [near, far] = sealedPair(family)
    const [packet = new Uint8Array(0), ...more] = near.send(0, FRAME)
    expect(more).toEqual([])
    expect(near.kit.transmitted).toEqual([])
    const text = textOf(packet, family)
    expect(text.slice(udp.headerLength)).toEqual(tunnelled(FRAME))
    expect([u16(text, 2), u16(text, 4)]).toEqual([TUNNEL_PORT, text.length])
    expect(u16(text, 0)).toBe(near.kit.sealed[0]?.sourcePort)
    const frames = far.receive(packet, NEAR_VTEP[family]).map(({ bytes }) => bytes)
    expect(frames).toEqual([FRAME])
    expect(far.kit.engine.counters()).toMatchObject({ received: 1, dropped: new Map() })
    expect(near.kit.engine.counters()).toMatchObject({ transmitted: 1, dropped: new Map() })
  })

  test('the UDP checksum inside is right where there has to be one', () => {
    const [near] = sealedPair(family)
    for (const length of [0, 1, 2, 3, 99, 1300]) {
      const frame = frameOf({ ...BURST, protocol: 'udp' }, new Uint8Array(length).fill(0xa7))
      const [packet = new Uint8Array(0)] = near.send(0, frame)
      const text = textOf(packet, family)
      const ends = [NEAR_VTEP[family], FAR_VTEP[family]].map((ip) => ipBytes(parseIp(ip)))
      const addresses = ends.map((bytes) => sumBytes(bytes, 0, bytes.length))
      const pseudo = addresses.reduce((a, b) => a + b, 17 + text.length)
      const sum = foldSum(pseudo + sumBytes(text, 0, text.length))
      if (family === 6) expect(sum).toBe(0xffff)
      else expect(udp.checksum(text, 0)).toBe(0)
    }
  })
})

test('a super-segment leaves in sealed segments, and becomes one again from one burst', () => {
  const [near, far] = sealedPair(4, { offloads: ALL_OFFLOADS })
  const big = superFrameOf({ ...BURST, payload: new Uint8Array(8000).fill(3) }, 1000)
  const packets = near.send(0, big.frame, big.offloads)
  const segments = segmentsOf({ ...BURST, payload: new Uint8Array(8000).fill(3) }, 1000)
  expect(packets.map((packet) => textOf(packet, 4).slice(16))).toEqual(segments)
  const length = packets[0]?.length ?? 0
  const train = Uint8Array.from(packets.flatMap((packet) => [...packet]))
  const delivered = far.receive(train, NEAR_VTEP[4], length)
  expect(delivered).toHaveLength(1)
  expect(delivered[0]).toMatchObject({ gsoType: 1, segmentBytes: 1000 })
  expect(delivered[0]?.bytes.slice(-8000)).toEqual(new Uint8Array(8000).fill(3))
  expect(far.kit.engine.counters().received).toBe(8)
})

test('of a burst that comes packet by packet what is held is delivered with the last', () => {
  const [near, far] = sealedPair(4, { offloads: ALL_OFFLOADS })
  const big = superFrameOf({ ...BURST, payload: new Uint8Array(3000).fill(3) }, 1000)
  const [one, two, three] = near.send(0, big.frame, big.offloads)
  const kit = far.kit
  kit.fromBurst([one, two, three].map((bytes) => bytes ?? new Uint8Array(0)), PEER_NEAR)
  expect(kit.delivered).toHaveLength(1)
  expect(kit.delivered[0]?.bytes.slice(-3000)).toEqual(new Uint8Array(3000).fill(3))
  // Whatever the last one is.
  const again = near.send(0, big.frame, big.offloads)
  kit.fromBurst([...again.slice(0, 2), new Uint8Array(0)], PEER_NEAR)
  expect(kit.delivered).toHaveLength(2)
})

const PEER_NEAR = { ...PEER, word3: PEER.word3 - 1 }

describe('what does not leave', () => {
  test('for lack of keys: counted, and not in clear either', () => {
    const near = new SealedEnd(NEAR_VTEP[4], FAR_VTEP[4])
    expect(near.send(0, FRAME)).toEqual([])
    near.secure([])
    expect(near.send(0, FRAME)).toEqual([])
    near.secure(keysOf([1]), [])
    expect(near.send(0, FRAME)).toEqual([])
    expect(near.kit.transmitted).toEqual([])
    expect(near.kit.dropped()).toEqual({ 'frame-not-sealed': 3 })
    near.secure(keysOf([1]))
    expect(near.send(0, FRAME)).toHaveLength(1)
    near.kit.engine.secure(null)
    expect(near.send(0, FRAME)).toEqual([])
  })

  test('where the engine knows no encryption at all', () => {
    const spec: Partial<EngineSubnet> = { encapsulation: 'vxlan-esp' }
    const kit = new EngineKit(stateOf({ [VNI]: blue(spec) }))
    const local = { ip: parseIp(NEAR_VTEP[4]), port: TUNNEL_PORT }
    const keys = keysOf([1])
    const peers = new Set([parseIp(FAR_VTEP[4])])
    expect(kit.engine.secure({ local, peers, keys })).toEqual([
      { peer: null, code: 'ERR_UNSUPPORTED' },
    ])
    expect(keys[0]?.isZeroed).toBe(true)
    kit.fromPort(0, FRAME).engine.flush()
    expect([kit.sealed, kit.transmitted]).toEqual([[], []])
    expect(kit.dropped()).toEqual({ 'frame-not-sealed': 1 })
  })

  test('behind the last sequence number: never again under this key, and told before', () => {
    const near = new SealedEnd(NEAR_VTEP[4], FAR_VTEP[4], { sequenceAfter: ALL_BUT_ONE })
    near.secure(keysOf([1]))
    expect(near.send(0, FRAME)).toHaveLength(1)
    expect(near.send(0, FRAME)).toEqual([])
    const big = superFrameOf({ ...BURST, payload: new Uint8Array(3000) }, 1000)
    expect(near.send(0, big.frame, big.offloads)).toEqual([])
    expect(near.kit.dropped()).toEqual({ 'frame-sequence-exhausted': 4 })
    const soon = new SealedEnd(NEAR_VTEP[4], FAR_VTEP[4], { sequenceAfter: 3 * 2 ** 30 - 4 })
    soon.secure(keysOf([1]))
    expect(soon.kit.engine.rekeysWanted()).toEqual([])
    soon.send(0, FRAME)
    expect(soon.kit.engine.rekeysWanted()).toMatchObject([{ peer: FAR_VTEP[4] }])
    expect(soon.kit.engine.rekeysWanted()).toEqual([])
  })

  test('over the MTU that is left beside ESP', () => {
    const [near, far] = sealedPair(4, { subnet: { mtuBytes: 65_535 } })
    const burst = { ...BURST, protocol: 'udp' } as const
    const most = frameOf(burst, new Uint8Array(SEALED_MTU_MAX_BYTES - 28))
    const [packet = new Uint8Array(0)] = near.send(0, most)
    // What UDP carries over IPv4, with the longest tag.
    expect(packet.length + 8).toBeLessThanOrEqual(65_507)
    expect(far.receive(packet, NEAR_VTEP[4]).map(({ bytes }) => bytes)).toEqual([most])
    expect(near.send(0, frameOf(burst, new Uint8Array(SEALED_MTU_MAX_BYTES - 27)))).toEqual([])
    expect(near.kit.dropped()).toEqual({ 'frame-too-long': 1 })
  })
})

describe('what is not believed', () => {
  const refused = (far: SealedEnd, packet: Uint8Array, from: string = NEAR_VTEP[4]): unknown => {
    expect(far.receive(packet, from)).toEqual([])
    return far.kit.dropped()
  }

  test('in clear, for an encrypted subnet; sealed, for one that is in clear', () => {
    const [, far] = sealedPair()
    far.kit.fromUnderlay(tunnelled(FRAME), PEER_NEAR)
    expect(far.kit.delivered).toEqual([])
    expect(far.kit.dropped()).toEqual({ 'datagram-not-sealed': 1 })
    const [near, open] = sealedPair()
    open.kit.engine.load({
      ...stateOf({ [VNI]: blue() }),
      peers: new Map([[0, { ip: parseIp(NEAR_VTEP[4]), port: TUNNEL_PORT }]]),
    })
    expect(refused(open, near.send(0, FRAME)[0] ?? FRAME)).toEqual({ 'datagram-not-clear': 1 })
  })

  test('twice; from before a restart; too old', () => {
    const [near, far] = sealedPair()
    const [first = FRAME] = near.send(0, FRAME)
    expect(far.receive(first, NEAR_VTEP[4])).toHaveLength(1)
    expect(refused(far, first)).toEqual({ 'datagram-replayed': 1 })
    const again = new SealedEnd(NEAR_VTEP[4], FAR_VTEP[4], { label: 'after a restart' })
    again.secure(keysOf([8, 7, 9]))
    const [fresh = FRAME] = again.send(0, FRAME)
    expect(u32(fresh, 4)).toBe(1)
    expect(far.receive(fresh, NEAR_VTEP[4])).toHaveLength(1)
    expect(refused(far, first)).toEqual({ 'datagram-replayed': 2 })
    const [old = FRAME] = near.send(0, FRAME)
    let last = FRAME
    for (let i = 0; i < 2048; i++) last = near.send(0, FRAME)[0] ?? FRAME
    expect(far.receive(last, NEAR_VTEP[4])).toHaveLength(1)
    expect(refused(far, old)).toEqual({ 'datagram-replayed': 2, 'datagram-late': 1 })
  })

  test('damaged, cut short, or under a key that only has the name', () => {
    const [near, far] = sealedPair()
    const [packet = FRAME] = near.send(0, FRAME)
    for (const at of [8, 20, packet.length - 1]) {
      const forged = packet.with(at, u8(packet, at) ^ 1)
      expect(refused(far, forged)).toMatchObject({ 'datagram-bad-icv': expect.any(Number) })
    }
    const other = new SealedEnd(NEAR_VTEP[4], FAR_VTEP[4])
    other.secure(keysOf([8, 7, 9], 100))
    expect(refused(far, other.send(0, FRAME)[0] ?? FRAME)).toEqual({ 'datagram-bad-icv': 4 })
    for (const length of [1, 15, 16, 25]) refused(far, packet.slice(0, length))
    expect(far.kit.dropped()).toEqual({ 'datagram-bad-icv': 4, 'datagram-short': 4 })
    expect(far.receive(packet, NEAR_VTEP[4])).toHaveLength(1)
  })

  test('under a key that we lack, from somebody else’s address, or from nobody', () => {
    const [near, far] = sealedPair()
    near.secure(keysOf([11]))
    const [packet = FRAME] = near.send(0, FRAME)
    expect(refused(far, packet)).toEqual({ 'datagram-unknown-spi': 1 })
    expect(refused(far, packet, '192.0.2.9')).toMatchObject({ 'datagram-unknown-peer': 1 })
    far.secure(keysOf([11, 8]))
    expect(far.receive(packet, NEAR_VTEP[4])).toHaveLength(1)
  })

  test('authentic nonsense', () => {
    const [near] = sealedPair()
    const of = (packet: Uint8Array): unknown => refused(near, packet, FAR_VTEP[4])
    expect(of(madeWith(textFor(4790)))).toEqual({ 'datagram-wrong-port': 1 })
    expect(of(madeWith(new Uint8Array(7)))).toMatchObject({ 'datagram-short': 1 })
    const long = textFor(TUNNEL_PORT)
    setU16(long, 4, long.length + 1)
    expect(of(madeWith(long))).toMatchObject({ 'datagram-short': 2 })
    expect(of(madeWith(textFor(TUNNEL_PORT, new Uint8Array(8))))).toMatchObject({
      'datagram-bad-flags': 1,
    })
    expect(of(madeWith(textFor(TUNNEL_PORT, tunnelled(FRAME, 77))))).toMatchObject({
      'datagram-unknown-vni': 1,
    })
    expect(of(madeWith(new Uint8Array(40), 59))).toMatchObject({ 'datagram-dummy': 1 })
    expect(of(madeWith(new Uint8Array(40), 6))).toMatchObject({ 'datagram-bad-protocol': 1 })
  })
})

describe('keys', () => {
  test('change at either end first, and nothing is lost', () => {
    const [near, far] = sealedPair()
    const inOrder = [[8, 7, 9], [9, 8, 10], [10, 9, 11]] as const
    for (const [i, tags] of inOrder.entries()) {
      const ends = i % 2 === 0 ? [near, far] : [far, near]
      for (const end of ends) {
        expect(end.secure(keysOf(tags))).toEqual([])
        for (let n = 0; n < 3; n++) {
          const [there = FRAME] = near.send(0, FRAME)
          expect(far.receive(there, NEAR_VTEP[4])).toHaveLength(1)
        }
      }
    }
    const expected = { seals: 10, opens: [9, 10, 11] }
    const [read] = near.kit.engine.associations().values()
    expect({ ...read, opens: [...(read?.opens ?? [])].sort((a, b) => a - b) }).toEqual(expected)
    expect(far.kit.dropped()).toEqual({})
  })

  test('whose name was given again are taken at their word', () => {
    const [near, far] = sealedPair()
    for (const end of [near, far]) expect(end.secure(keysOf([8, 7, 9], 50))).toEqual([])
    const [packet = FRAME] = near.send(0, FRAME)
    expect(far.receive(packet, NEAR_VTEP[4])).toHaveLength(1)
  })

  test('that cannot be used leave all as it was, and are zeroed', () => {
    const [near, far] = sealedPair()
    const [short] = keysOf([8])
    const wrong = [short, ...keysOf([8])].filter((key) => key !== undefined)
    expect(near.secure(wrong)).toEqual([{ peer: null, code: 'ERR_KEY_REPEATED' }])
    expect(wrong.every(({ isZeroed }) => isZeroed)).toBe(true)
    const [packet = FRAME] = near.send(0, FRAME)
    expect(far.receive(packet, NEAR_VTEP[4])).toHaveLength(1)
  })

  test('are zeroed when the engine is closed', () => {
    const near = new SealedEnd(NEAR_VTEP[4], FAR_VTEP[4])
    const keys = keysOf([1, 2])
    near.secure(keys)
    near.kit.engine.close()
    expect(keys.every(({ isZeroed }) => isZeroed)).toBe(true)
    expect(near.send(0, FRAME)).toEqual([])
  })
})

test('another address of ours is another pair of SPIs', () => {
  const [near, far] = sealedPair()
  const local = { ip: parseIp('192.0.2.7'), port: TUNNEL_PORT }
  near.kit.engine.secure({ local, peers: new Set([parseIp(FAR_VTEP[4])]), keys: keysOf([8]) })
  const [packet = FRAME] = near.send(0, FRAME)
  const ends = { source: local.ip, destination: parseIp(FAR_VTEP[4]), tag: 8 }
  expect(u32(packet, 0)).toBe(spiOf(ends, 'sixteen-byte'))
  expect(far.receive(packet, NEAR_VTEP[4])).toEqual([])
})

test('trains with one bad packet deliver the others', () => {
  const [near, far] = sealedPair()
  const packets = [1, 2, 3].flatMap(() => near.send(0, FRAME))
  const train = Uint8Array.from(packets.flatMap((packet) => [...packet]))
  const length = packets[0]?.length ?? 0
  setU32(train, length + 40, 0)
  expect(far.receive(train, NEAR_VTEP[4], length)).toHaveLength(2)
  expect(far.kit.dropped()).toEqual({ 'datagram-bad-icv': 1 })
})
