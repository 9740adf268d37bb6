/** Super-segments are cut as an obviously right machine cuts them, and put together again. */
import { setU8, toHex, u8 } from '@weft/core'
import { ipv4, TCP_FLAG, transportChecksumState, type TcpOption } from '@weft/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ALL_OFFLOADS,
  blue,
  C2,
  EngineKit,
  PEER,
  port,
  stateOf,
  tunnelled,
} from './engine-kit.ts'
import { COALESCED_DATAGRAMS_MAX } from '../src/engine/coalescer.ts'
import { SEGMENTS_MAX } from '../src/engine/segmenter.ts'
import { BURST, frameOf, segmentsOf, slowSum, superFrameOf, type Burst } from './naive-segments.ts'

const timestamps: TcpOption[] = [{ kind: 'timestamps', value: 123_456, echo: 654_321 }]

function payloadOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >>> 8)) & 0xff)
}

const bursts: fc.Arbitrary<Burst> = fc
  .record({
    family: fc.constantFrom<4 | 6>(4, 6),
    protocol: fc.constantFrom<'tcp' | 'udp'>('tcp', 'udp'),
    bytes: fc.integer({ min: 1, max: 9000 }),
    seed: fc.nat(255),
    flags: fc.nat(0xff),
    sequence: fc.oneof(fc.nat(0xffff_ffff), fc.integer({ min: 0xffff_f000, max: 0xffff_ffff })),
    identification: fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xfff0, max: 0xffff })),
    hasOptions: fc.boolean(),
  })
  .map(({ bytes, seed, hasOptions, ...rest }) => ({
    ...rest,
    payload: payloadOf(bytes, seed),
    options: hasOptions ? timestamps : [],
  }))

function sent(kit: EngineKit): string[] {
  return kit.datagrams().map(({ bytes }) => toHex(bytes))
}

/** A node on which c2 lives. */
function receiver(offloads = ALL_OFFLOADS): EngineKit {
  return new EngineKit(
    stateOf({ 4097: blue({ ports: new Map([[C2.mac, port(3, [C2.ip4, C2.ip6], offloads)]]) }) }),
  )
}

describe('segmentation', () => {
  test('every burst is cut as the naive machine cuts it', () => {
    fc.assert(
      fc.property(bursts, fc.integer({ min: 8, max: 1370 }), (burst, segmentBytes) => {
        fc.pre(burst.payload.length / segmentBytes <= SEGMENTS_MAX)
        const { frame, offloads } = superFrameOf(burst, segmentBytes)
        const kit = new EngineKit(stateOf({ 4097: blue() })).fromPort(0, frame, offloads)
        const expected = segmentsOf(burst, segmentBytes).map((one) => toHex(tunnelled(one)))
        expect(sent(kit)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['tcp', 4],
    ['tcp', 6],
    ['udp', 4],
    ['udp', 6],
  ] as const)('every split of a super-segment: %s over IPv%i', (protocol, family) => {
    const burst = { ...BURST, protocol, family, payload: payloadOf(97, 3), flags: 0x99 }
    for (let segmentBytes = 1; segmentBytes <= 98; segmentBytes++) {
      const { frame, offloads } = superFrameOf(burst, segmentBytes)
      const kit = new EngineKit(stateOf({ 4097: blue() })).fromPort(0, frame, offloads)
      const expected = segmentsOf(burst, segmentBytes).map((one) => toHex(tunnelled(one)))
      expect(sent(kit)).toEqual(expected)
    }
  })

  test('a port that takes no super-segments gets the same pieces', () => {
    fc.assert(
      fc.property(bursts, fc.integer({ min: 100, max: 1370 }), (burst, segmentBytes) => {
        const state = stateOf({
          4097: blue({
            ports: new Map([
              ...blue().ports,
              [C2.mac, port(2, [C2.ip4])],
            ]),
          }),
        })
        const { frame, offloads } = superFrameOf(burst, segmentBytes)
        const kit = new EngineKit(state).fromPort(0, frame, offloads)
        expect(kit.delivered.map(({ port, bytes }) => [port, toHex(bytes)])).toEqual(
          segmentsOf(burst, segmentBytes).map((one) => [2, toHex(one)]),
        )
        expect(kit.delivered.every(({ flags, gsoType }) => flags === 0 && gsoType === 0)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('SEGMENTS_MAX segments and no more', () => {
    const at = { ...BURST, payload: payloadOf(SEGMENTS_MAX, 1) }
    const kit = new EngineKit(stateOf({ 4097: blue() }))
    const most = superFrameOf(at, 1)
    expect(kit.fromPort(0, most.frame, most.offloads).datagrams()).toHaveLength(SEGMENTS_MAX)
    const more = superFrameOf({ ...at, payload: payloadOf(SEGMENTS_MAX + 1, 1) }, 1)
    kit.fromPort(0, more.frame, more.offloads)
    expect(kit.dropped()).toEqual({ 'frame-bad-offload': 1 })
  })

  test('UDP without a checksum stays without over IPv4', () => {
    const burst: Burst = { ...BURST, protocol: 'udp', payload: payloadOf(50, 1) }
    const { frame, offloads } = superFrameOf(burst, 20)
    frame.fill(0, 40, 42)
    const kit = new EngineKit(stateOf({ 4097: blue() }))
    kit.fromPort(0, frame, { ...offloads, flags: 0 })
    const states = kit.datagrams().map(({ bytes }) => transportChecksumState(bytes, 22))
    expect(states).toEqual(['absent', 'absent', 'absent'])
  })

  test.each([
    ['no segment size', { segmentBytes: 0 }],
    ['fragments of UDP, which were not offered', { gsoType: 3 }],
    ['the other family', { gsoType: 4 }],
    ['the other transport', { gsoType: 5 }],
    ['a type that there is not', { gsoType: 77 }],
  ])('%s is refused', (_what, wrong) => {
    const { frame, offloads } = superFrameOf({ ...BURST, payload: payloadOf(3000, 1) }, 1000)
    const kit = new EngineKit(stateOf({ 4097: blue() }))
    kit.fromPort(0, frame, { ...offloads, ...wrong })
    expect(kit.datagrams()).toEqual([])
    expect(kit.dropped()).toEqual({ 'frame-bad-offload': 1 })
  })
})

describe('checksums left to us', () => {
  test('every start and every offset comes out as the slow sum says', () => {
    const frame = frameOf({ ...BURST, protocol: 'udp' }, payloadOf(25, 9))
    for (let start = 0; start <= frame.length; start++) {
      for (let offset = 0; start + offset <= frame.length; offset++) {
        const kit = new EngineKit(stateOf({ 4097: blue() }))
        kit.fromPort(0, frame, { flags: 1, checksumStart: start, checksumOffset: offset })
        const [datagram] = kit.datagrams()
        if (start + offset + 2 > frame.length) {
          expect(kit.dropped()).toEqual({ 'frame-bad-offload': 1 })
          expect(datagram).toBeUndefined()
          continue
        }
        const sum = ~slowSum(frame, start, frame.length) & 0xffff
        const expected = frame.slice()
        expected[start + offset] = (sum === 0 ? 0xffff : sum) >>> 8
        expected[start + offset + 1] = (sum === 0 ? 0xffff : sum) & 0xff
        // The place of the MAC decides where a frame goes; those starts are for the fuzzer.
        if (start + offset < 6) continue
        expect(toHex(datagram?.bytes ?? frame)).toBe(toHex(tunnelled(expected)))
      }
    }
  })

  test('a sum of nothing is written as all ones', () => {
    const frame = frameOf(BURST, payloadOf(4, 0))
    frame.fill(0, 54)
    frame.set([0xff, 0xff], 54)
    const kit = new EngineKit(stateOf({ 4097: blue() }))
    kit.fromPort(0, frame, { flags: 1, checksumStart: 54, checksumOffset: 2 })
    expect([...(kit.datagrams()[0]?.bytes.subarray(64) ?? [])]).toEqual([0xff, 0xff])
  })
})

describe('coalescing', () => {
  test('what was cut arrives as the one frame it was, and its checksum is whole', () => {
    fc.assert(
      fc.property(bursts, fc.integer({ min: 8, max: 1370 }), (burst, segmentBytes) => {
        const flags = (burst.flags & TCP_FLAG.psh) | TCP_FLAG.ack
        const whole = { ...burst, flags, identification: burst.identification }
        const segments = segmentsOf(whole, segmentBytes)
        fc.pre(burst.protocol === 'tcp' || segments.length <= COALESCED_DATAGRAMS_MAX)
        const kit = receiver()
        kit.fromUnderlay(train(segments), PEER, datagramBytes(segments))
        expect(kit.delivered).toHaveLength(1)
        const [got] = kit.delivered
        if (got === undefined) return
        if (segments.length === 1) {
          expect(toHex(got.bytes)).toBe(toHex(segments[0] ?? got.bytes))
          return
        }
        const asSent = superFrameOf(whole, segmentBytes)
        expect(got.segmentBytes).toBe(segmentBytes)
        expect(got.gsoType).toBe(asSent.offloads.gsoType)
        if (burst.protocol === 'udp') {
          expect(toHex(got.bytes)).toBe(toHex(asSent.frame))
          expect([got.flags, got.checksumOffset]).toEqual([1, 6])
        } else {
          expect(got.flags).toBe(0)
          expect(toHex(got.bytes)).toBe(toHex(frameOf(whole, whole.payload)))
        }
      }),
      { numRuns: 300 },
    )
  })

  test.each(['tcp', 'udp'] as const)('every split is put together again: %s', (protocol) => {
    const bytes = COALESCED_DATAGRAMS_MAX
    const burst: Burst = { ...BURST, protocol, payload: payloadOf(bytes, 5) }
    for (let segmentBytes = 1; segmentBytes < bytes; segmentBytes++) {
      const segments = segmentsOf(burst, segmentBytes)
      const kit = receiver()
      kit.fromUnderlay(train(segments), PEER, datagramBytes(segments))
      expect(kit.delivered.map(({ bytes }) => bytes.length)).toEqual([
        frameOf(burst, burst.payload).length,
      ])
    }
  })

  test('one damaged bit anywhere makes the whole wrong, or is not joined', () => {
    const segments = segmentsOf({ ...BURST, payload: payloadOf(90, 5) }, 30)
    const clean = train(segments)
    const stride = datagramBytes(segments)
    for (let at = 0; at < clean.length; at++) {
      // VXLAN and Ethernet have no checksum here: that is the underlay's.
      if (at % stride < 8 + 14) continue
      const damaged = clean.slice()
      setU8(damaged, at, u8(damaged, at) ^ 0x10)
      const kit = receiver()
      kit.fromUnderlay(damaged, PEER, datagramBytes(segments))
      const good = kit.delivered.flatMap(({ bytes }) =>
        ipv4.check(bytes, 14, bytes.length) === null && transportChecksumState(bytes, 14) === 'good'
          ? [bytes.length - 54]
          : [],
      )
      // Whatever the receiver will take is at most what was not damaged.
      expect(good.reduce((sum, length) => sum + length, 0)).toBeLessThan(90)
    }
  })

  test.each<[string, (segments: Uint8Array[]) => void]>([
    ['a gap', (segments) => segments.splice(1, 1)],
    ['another order', (segments) => segments.reverse()],
    ['another window', (segments) => setU8(segments[1] ?? new Uint8Array(0), 48, 9)],
    ['an urgent flag', (segments) => setU8(segments[1] ?? new Uint8Array(0), 47, 0x30)],
    ['a SYN', (segments) => setU8(segments[1] ?? new Uint8Array(0), 47, 0x12)],
    ['another source MAC', (segments) => setU8(segments[1] ?? new Uint8Array(0), 11, 9)],
    ['another port', (segments) => setU8(segments[1] ?? new Uint8Array(0), 35, 9)],
    ['another acknowledgement', (segments) => setU8(segments[1] ?? new Uint8Array(0), 45, 9)],
    ['an IP header that is wrong', (segments) => setU8(segments[1] ?? new Uint8Array(0), 22, 9)],
  ])('%s is not joined', (_what, change) => {
    const segments = segmentsOf({ ...BURST, payload: payloadOf(90, 5) }, 30)
    change(segments)
    const kit = receiver()
    kit.fromUnderlay(train(segments), PEER, datagramBytes(segments))
    expect(kit.delivered.length).toBeGreaterThan(1)
    const delivered = kit.delivered.reduce((sum, { bytes }) => sum + bytes.length - 54, 0)
    expect(delivered).toBe(segments.length * 30)
  })

  test('FIN and PSH end what is joined', () => {
    const one = { ...BURST, payload: payloadOf(60, 5), flags: TCP_FLAG.ack | TCP_FLAG.psh }
    const two = { ...one, sequence: 1060, identification: 9 }
    const segments = [...segmentsOf(one, 30), ...segmentsOf(two, 30)]
    const kit = receiver()
    kit.fromUnderlay(train(segments), PEER, datagramBytes(segments))
    expect(kit.delivered.map(({ bytes }) => [bytes.length - 54, u8(bytes, 47)])).toEqual([
      [60, 0x18],
      [60, 0x18],
    ])
  })

  test('a port without the offload gets them one by one, and damaged UDP too', () => {
    const burst: Burst = { ...BURST, protocol: 'udp', payload: payloadOf(90, 5) }
    const segments = segmentsOf(burst, 30)
    const plain = receiver(0)
    plain.fromUnderlay(train(segments), PEER, datagramBytes(segments))
    expect(plain.delivered.map(({ bytes }) => toHex(bytes))).toEqual(segments.map(toHex))
    setU8(segments[1] ?? new Uint8Array(0), 50, 99)
    const kit = receiver()
    kit.fromUnderlay(train(segments), PEER, datagramBytes(segments))
    expect(kit.delivered.map(({ bytes }) => toHex(bytes))).toEqual(segments.map(toHex))
  })

  test('no more than COALESCED_BYTES_MAX, 65,535, becomes one packet', () => {
    const whole: Burst = { ...BURST, payload: payloadOf(70_000, 5) }
    const segments = segmentsOf(whole, 1400)
    const kit = receiver()
    kit.fromUnderlay(train(segments), PEER, datagramBytes(segments))
    expect(kit.delivered.map(({ bytes }) => bytes.length - 54)).toEqual([46 * 1400, 4 * 1400])
  })
})

function train(segments: readonly Uint8Array[]): Uint8Array {
  const datagrams = segments.map((one) => tunnelled(one))
  const bytes = new Uint8Array(datagrams.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const datagram of datagrams) {
    bytes.set(datagram, at)
    at += datagram.length
  }
  return bytes
}

function datagramBytes(segments: readonly Uint8Array[]): number {
  return 8 + (segments[0]?.length ?? 0)
}
