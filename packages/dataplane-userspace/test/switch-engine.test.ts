/** What a switch answers, routes, refuses and counts, case by case. */
import { macFromBytes, parseCidr, parseIp, parseMac, toHex, u16, u8 } from '@weft/core'
import {
  arpReplyFrame,
  arpRequestFrame,
  describeFrame,
  dissect,
  echoFrame,
  ipv4,
  multicastMac,
  neighbourAdvertisementFrame,
  neighbourSolicitationFrame,
  solicitedNode,
  transportChecksumState,
  udpFrame,
  type Envelope,
  type Layer,
} from '@weft/wire'
import { describe, expect, test } from 'vitest'
import { ICMP_ERROR_BYTES_MAX, ICMPV6_ERROR_BYTES_MAX } from '../src/engine/icmp-errors.ts'
import { DROP_REASONS, SWITCH_MTU_MAX_BYTES } from '../src/engine/index.ts'
import {
  ALL_OFFLOADS,
  blue,
  C1,
  C2,
  EngineKit,
  GATEWAY,
  NEAR,
  PEER,
  port,
  sourceOf,
  stateOf,
  tunnelled,
} from './engine-kit.ts'
import { BURST, frameOf, leavePartial, superFrameOf } from './naive-segments.ts'

const PLAIN_STATE = stateOf({ 4097: blue() })
const OTHER = { mac: parseMac('02:42:0a:00:02:02'), ip4: parseIp('10.0.2.2') }
const AFAR = { mac: parseMac('02:42:0a:00:02:03'), ip4: parseIp('10.0.2.3') }

/** A second subnet of network blue: one endpoint here on port 5, one on the peer. */
const ROUTED = stateOf({
  4097: blue(),
  4098: blue({
    prefixes: [{ cidr: parseCidr('10.0.2.0/24'), gateway: parseIp('10.0.2.1') }],
    ports: new Map([[OTHER.mac, port(5, [OTHER.ip4])]]),
    forwarding: new Map([[AFAR.mac, 0]]),
    neighbours: new Map([[AFAR.ip4, AFAR.mac]]),
  }),
  4099: blue({
    network: 'green',
    prefixes: [{ cidr: parseCidr('10.0.3.0/24'), gateway: null }],
    ports: new Map(),
  }),
})

function envelope(overrides: Partial<Envelope> = {}): Envelope {
  return {
    sourceMac: C1.mac,
    destinationMac: C2.mac,
    source: C1.ip4,
    destination: C2.ip4,
    ...overrides,
  }
}

function datagram(bytes: number, overrides: Partial<Envelope> = {}): Uint8Array {
  const payload = new Uint8Array(bytes).fill(0x5a)
  return udpFrame(envelope(overrides), { sourcePort: 9, destinationPort: 10, payload })
}

function onlyFrame(kit: EngineKit): Uint8Array {
  expect(kit.delivered).toHaveLength(1)
  return kit.delivered[0]?.bytes ?? new Uint8Array(0)
}

function layerOfKind(frame: Uint8Array, kind: Layer['kind']): Layer | undefined {
  return dissect(frame).find((layer) => layer.kind === kind)
}

describe('neighbours', () => {
  test('ARP for a remote address and for the gateway', () => {
    for (const of of [C2, GATEWAY]) {
      const asker = { mac: C1.mac, ip: C1.ip4 }
      const kit = new EngineKit(PLAIN_STATE).fromPort(0, arpRequestFrame(asker, of.ip4))
      const reply = arpReplyFrame({ mac: of.mac, ip: of.ip4 }, asker)
      expect(kit.delivered).toMatchObject([{ port: 0 }])
      expect(toHex(onlyFrame(kit))).toBe(toHex(reply))
    }
  })

  test('neighbour solicitations, byte for byte as the frame builder has it', () => {
    for (const of of [C2, GATEWAY]) {
      const asker = { mac: C1.mac, ip: C1.ip6 }
      const kit = new EngineKit(PLAIN_STATE).fromPort(0, neighbourSolicitationFrame(asker, of.ip6))
      const expected = neighbourAdvertisementFrame({ mac: of.mac, ip: of.ip6 }, asker)
      expect(toHex(onlyFrame(kit))).toBe(toHex(expected))
    }
  })

  test('who asks without an address of its own is told with everyone', () => {
    const none = parseIp('::')
    const asked = neighbourSolicitationFrame({ mac: C1.mac, ip: none }, C2.ip6)
    const frame = onlyFrame(new EngineKit(PLAIN_STATE).fromPort(0, asked))
    expect(macFromBytes(frame)).toBe(multicastMac(parseIp('ff02::1')))
    expect(describeFrame(frame)).toContain('fd00:1::3 > ff02::1')
    expect(transportChecksumState(frame, 14)).toBe('good')
  })

  test('a checksum that was left to us is finished before the question is judged', () => {
    const asked = neighbourSolicitationFrame({ mac: C1.mac, ip: C1.ip6 }, C2.ip6)
    leavePartial(asked, 54, 2)
    const kit = new EngineKit(PLAIN_STATE)
    kit.fromPort(0, asked, { flags: 1, checksumStart: 54, checksumOffset: 2 })
    expect(macFromBytes(onlyFrame(kit), 6)).toBe(C2.mac)
  })

  test('the gateway alone may be asked, as neighbours are confirmed', () => {
    const asked = arpRequestFrame({ mac: C1.mac, ip: C1.ip4 }, GATEWAY.ip4)
    asked.set([0x02, 0x77, 0x65, 0x00, 0x10, 0x01])
    expect(macFromBytes(onlyFrame(new EngineKit(PLAIN_STATE).fromPort(0, asked)), 6)).toBe(
      GATEWAY.mac,
    )
  })

  test('a solicitation that crossed a router, or is damaged, is no question', () => {
    const asked = neighbourSolicitationFrame({ mac: C1.mac, ip: C1.ip6 }, C2.ip6)
    for (const at of [14 + 7, 60]) {
      const wrong = asked.slice()
      wrong[at] = (wrong[at] ?? 0) ^ 1
      const kit = new EngineKit(PLAIN_STATE).fromPort(0, wrong)
      expect(kit.delivered).toMatchObject([{ port: 1 }])
    }
    expect(macFromBytes(asked)).toBe(multicastMac(solicitedNode(C2.ip6)))
  })
})

describe('the gateway', () => {
  test.each([
    ['4', { source: C1.ip4, destination: GATEWAY.ip4 }],
    ['6', { source: C1.ip6, destination: GATEWAY.ip6 }],
  ])('answers echo requests over IPv%s', (_family, addresses) => {
    const body = new TextEncoder().encode('are you there')
    const echo = { identifier: 3, sequence: 4, body }
    const there = envelope({ ...addresses, destinationMac: GATEWAY.mac, ttl: 3 })
    const request = echoFrame(there, { kind: 'echo-request', ...echo })
    const kit = new EngineKit(PLAIN_STATE).fromPort(0, request)
    const back = envelope({
      source: addresses.destination,
      destination: addresses.source,
      sourceMac: GATEWAY.mac,
      destinationMac: C1.mac,
    })
    expect(toHex(onlyFrame(kit))).toBe(toHex(echoFrame(back, { kind: 'echo-reply', ...echo })))
  })

  test('anything else for it is dropped and counted', () => {
    const frame = datagram(10, { destinationMac: GATEWAY.mac, destination: GATEWAY.ip4 })
    const kit = new EngineKit(PLAIN_STATE).fromPort(0, frame)
    const big = superFrameOf({ ...BURST, payload: new Uint8Array(3000) }, 1000)
    big.frame.set([0x02, 0x77, 0x65, 0x00, 0x10, 0x01])
    big.frame.set([10, 0, 1, 1], 30)
    ipv4.updateHeaderChecksum(big.frame, 14)
    kit.fromPort(0, big.frame, big.offloads)
    expect(kit.delivered).toEqual([])
    expect(kit.dropped()).toMatchObject({ 'frame-for-gateway': 2 })
  })

  test('routes to other subnets of the network, here and there', () => {
    for (const to of [OTHER, AFAR]) {
      const frame = datagram(10, { destinationMac: GATEWAY.mac, destination: to.ip4, ttl: 9 })
      const kit = new EngineKit(ROUTED).fromPort(0, frame)
      const expected = datagram(10, {
        sourceMac: parseMac('02:77:65:00:10:02'),
        destinationMac: to.mac,
        destination: to.ip4,
        ttl: 8,
      })
      if (to === OTHER) expect(toHex(onlyFrame(kit))).toBe(toHex(expected))
      else {
        expect(kit.datagrams().map(({ bytes }) => toHex(bytes))).toEqual([
          toHex(tunnelled(expected, 4098)),
        ])
      }
    }
  })

  test('routes super-segments, one hop fewer in each segment', () => {
    const { frame, offloads } = superFrameOf({ ...BURST, payload: new Uint8Array(3000) }, 1000)
    frame.set([0x02, 0x77, 0x65, 0x00, 0x10, 0x01])
    frame.set([10, 0, 2, 3], 30)
    ipv4.updateHeaderChecksum(frame, 14)
    const kit = new EngineKit(ROUTED).fromPort(0, frame, offloads)
    const segments = kit.datagrams().map(({ bytes }) => bytes)
    expect(segments.map((bytes) => u8(bytes, 8 + 22))).toEqual([63, 63, 63])
    expect(segments.map((bytes) => transportChecksumState(bytes, 22))).toEqual([
      'good',
      'good',
      'good',
    ])
  })

  test('does not route to nobody, to no subnet, or into another network', () => {
    const kit = new EngineKit(ROUTED)
    for (const nowhere of ['10.0.2.77', '10.0.9.9', '10.0.3.4']) {
      const destination = parseIp(nowhere)
      kit.fromPort(0, datagram(10, { destinationMac: GATEWAY.mac, destination }))
    }
    expect([kit.delivered, kit.datagrams()]).toEqual([[], []])
    expect(kit.dropped()).toEqual({ 'frame-unroutable': 3 })
  })

  test('says so when a packet was routed once too often', () => {
    const frame = datagram(10, { destinationMac: GATEWAY.mac, destination: OTHER.ip4, ttl: 1 })
    const kit = new EngineKit(ROUTED).fromPort(0, frame)
    const told = onlyFrame(kit)
    expect(describeFrame(told)).toContain('icmp time exceeded code 0')
    expect(describeFrame(told)).toContain('10.0.1.1 > 10.0.1.2')
    expect(kit.dropped()).toEqual({ 'frame-expired': 1 })
  })
})

describe('packets that are too big', () => {
  test('over IPv4 the sender is told what goes, with ICMP_ERROR_BYTES_MAX, 576', () => {
    const frame = datagram(1423, { dontFragment: true })
    const kit = new EngineKit(PLAIN_STATE).fromPort(0, frame)
    const told = onlyFrame(kit)
    expect(describeFrame(told)).toContain('icmp fragmentation needed, mtu 1450')
    expect(layerOfKind(told, 'ipv4')).toMatchObject({
      header: { source: C2.ip4, destination: C1.ip4, totalLength: 576 },
    })
    expect([macFromBytes(told), macFromBytes(told, 6)]).toEqual([C1.mac, C2.mac])
    expect(toHex(told.subarray(42))).toBe(toHex(frame.subarray(14, 14 + ICMP_ERROR_BYTES_MAX - 28)))
    expect(kit.dropped()).toEqual({ 'frame-too-long': 1 })
  })

  test('over IPv6 too, with ICMPV6_ERROR_BYTES_MAX, 1,280', () => {
    const frame = datagram(1403, { source: C1.ip6, destination: C2.ip6 })
    const told = onlyFrame(new EngineKit(PLAIN_STATE).fromPort(0, frame))
    expect(layerOfKind(told, 'icmpv6')).toMatchObject({
      header: { kind: 'packet-too-big', mtu: 1450 },
      checksum: 'good',
    })
    expect(told).toHaveLength(14 + ICMPV6_ERROR_BYTES_MAX)
    expect(toHex(told.subarray(62))).toBe(toHex(frame.subarray(14, 14 + 1232)))
  })

  test('a super-segment whose segments are too big is one', () => {
    const { frame, offloads } = superFrameOf({ ...BURST, payload: new Uint8Array(9000) }, 1411)
    const kit = new EngineKit(PLAIN_STATE).fromPort(0, frame, offloads)
    expect(describeFrame(onlyFrame(kit))).toContain('fragmentation needed, mtu 1450')
    const fits = superFrameOf({ ...BURST, payload: new Uint8Array(9000) }, 1410)
    kit.fromPort(0, fits.frame, fits.offloads)
    expect(kit.datagrams()).toHaveLength(7)
  })

  test.each([
    ['may be cut', datagram(1423)],
    ['is for many', datagram(1423, { dontFragment: true, destination: parseIp('224.0.0.9') })],
    ['is from nobody', datagram(1423, { dontFragment: true, source: parseIp('0.0.0.0') })],
    ['is not IP', new Uint8Array(1500).fill(2)],
    ['is an IPv6 error', errorFrame()],
  ])('nothing is said about one that %s', (_what, frame) => {
    const kit = new EngineKit(PLAIN_STATE).fromPort(0, frame)
    expect(kit.delivered).toEqual([])
    expect(kit.dropped()).toEqual({ 'frame-too-long': 1 })
  })

  test('an MTU above SWITCH_MTU_MAX_BYTES, 65,485, counts as that', () => {
    const state = stateOf({ 4097: blue({ mtuBytes: 100_000 }) })
    const longest = new Uint8Array(14 + SWITCH_MTU_MAX_BYTES)
    longest.set(frameOf(BURST, new Uint8Array(0)).subarray(0, 12))
    const kit = new EngineKit(state).fromPort(0, longest)
    expect(kit.datagrams()[0]?.bytes).toHaveLength(65_507)
    kit.fromPort(0, new Uint8Array([...longest, 0]))
    // A tag is within the same datagram.
    longest.set([0x81, 0x00], 12)
    kit.fromPort(0, longest)
    expect(kit.datagrams()).toHaveLength(2)
    kit.fromPort(0, new Uint8Array([...longest, 0]))
    expect(kit.dropped()).toEqual({ 'frame-too-long': 2 })
  })
})

describe('what is refused', () => {
  const sealed = stateOf({ 4097: blue({ encapsulation: 'vxlan-esp' }) })
  const frame = datagram(10)
  const flagless = tunnelled(frame).with(0, 0)

  test.each<[string, EngineKit]>([
    ['frame-unplugged', new EngineKit(PLAIN_STATE).fromPort(9, frame)],
    ['frame-malformed', new EngineKit(PLAIN_STATE).fromPort(0, frame.subarray(0, 13))],
    [
      'frame-for-sender',
      new EngineKit(PLAIN_STATE).fromPort(1, datagram(9, { destinationMac: NEAR.mac })),
    ],
    [
      'frame-unknown-destination',
      new EngineKit(PLAIN_STATE).fromPort(0, datagram(9, { destinationMac: OTHER.mac })),
    ],
    ['frame-not-sealed', new EngineKit(sealed).fromPort(0, frame)],
    ['datagram-not-sealed', new EngineKit(sealed).fromUnderlay(tunnelled(frame), PEER)],
    [
      'datagram-unknown-peer',
      new EngineKit(PLAIN_STATE).fromUnderlay(tunnelled(frame), sourceOf('192.0.2.3')),
    ],
    ['datagram-short', new EngineKit(PLAIN_STATE).fromUnderlay(new Uint8Array(7), PEER)],
    ['datagram-short', new EngineKit(PLAIN_STATE).fromUnderlay(new Uint8Array(0), PEER)],
    ['datagram-bad-flags', new EngineKit(PLAIN_STATE).fromUnderlay(flagless, PEER)],
    ['datagram-unknown-vni', new EngineKit(PLAIN_STATE).fromUnderlay(tunnelled(frame, 5), PEER)],
  ])('%s', (reason, kit) => {
    expect([kit.delivered, kit.datagrams()]).toEqual([[], []])
    expect(kit.dropped()).toEqual({ [reason]: 1 })
    expect(DROP_REASONS).toContain(reason)
  })

  test.each([
    ['frame-malformed', frame.subarray(0, 13)],
    ['frame-too-long', datagram(1423, { destinationMac: C1.mac })],
    ['frame-unknown-destination', datagram(10, { destinationMac: OTHER.mac })],
    ['frame-unknown-destination', datagram(10, { destinationMac: GATEWAY.mac })],
  ])('%s, out of a datagram that is ours and counted', (reason, inner) => {
    const kit = new EngineKit(PLAIN_STATE).fromUnderlay(tunnelled(inner), PEER)
    expect([kit.delivered, kit.datagrams()]).toEqual([[], []])
    expect(kit.dropped()).toEqual({ [reason]: 1 })
    expect(kit.engine.counters().received).toBe(1)
  })

  test('a sealed network is whole on its own node', () => {
    const kit = new EngineKit(sealed).fromPort(0, datagram(10, { destinationMac: NEAR.mac }))
    expect(kit.delivered).toMatchObject([{ port: 1 }])
  })

  test('a subnet that is gone is gone for ports and datagrams at once', () => {
    const kit = new EngineKit(PLAIN_STATE)
    const back = tunnelled(datagram(10, { destinationMac: C1.mac }))
    kit.fromUnderlay(back, PEER)
    expect(kit.delivered).toHaveLength(1)
    kit.engine.load({ ...PLAIN_STATE, subnets: new Map() })
    kit.fromUnderlay(back, PEER).fromPort(0, frame)
    expect(kit.dropped()).toEqual({ 'frame-unplugged': 1, 'datagram-unknown-vni': 1 })
  })
})

describe('counting and sending', () => {
  test('datagrams are counted one by one, by network, and lost networks are not listed', () => {
    const { frame, offloads } = superFrameOf({ ...BURST, payload: new Uint8Array(3000) }, 1000)
    const kit = new EngineKit(PLAIN_STATE).fromPort(0, frame, offloads)
    kit.fromUnderlay(tunnelled(datagram(5, { destinationMac: C1.mac })), PEER)
    expect(kit.engine.counters()).toEqual({
      transmitted: 3,
      received: 1,
      dropped: new Map(),
      networks: new Map([['blue', { transmitted: 3, received: 1 }]]),
    })
    kit.engine.load({ ...PLAIN_STATE, subnets: new Map() })
    expect(kit.engine.counters()).toMatchObject({ transmitted: 3, networks: new Map() })
  })

  test('datagrams from a stranger are counted each', () => {
    const bytes = new Uint8Array(250)
    const kit = new EngineKit(PLAIN_STATE).fromUnderlay(bytes, sourceOf('1.2.3.4'), 100)
    expect(kit.dropped()).toEqual({ 'datagram-unknown-peer': 3 })
  })

  test('one flow keeps its source port, and flows spread', () => {
    const kit = new EngineKit(PLAIN_STATE)
    for (let flow = 0; flow < 32; flow++) {
      for (const twice of [1, 2]) kit.fromPort(0, frameOfPort(2000 + flow, twice))
    }
    const byFlow = Map.groupBy(kit.datagrams(), ({ bytes }) => u16(bytes, 8 + 34))
    const ports = [...byFlow.values()].map((of) => new Set(of.map(({ sourcePort }) => sourcePort)))
    expect(ports.every((of) => of.size === 1)).toBe(true)
    expect(new Set(ports.flatMap((of) => [...of])).size).toBeGreaterThan(28)
  })

  test('a port with offloads gets unfinished checksums as they are, one without finished', () => {
    const frame = datagram(10, { destinationMac: NEAR.mac })
    const finished = toHex(frame)
    leavePartial(frame, 34, 6)
    const offloads = { flags: 1, checksumStart: 34, checksumOffset: 6 }
    const without = new EngineKit(PLAIN_STATE).fromPort(0, frame, offloads)
    expect(without.delivered.map(({ flags, bytes }) => [flags, toHex(bytes)])).toEqual([
      [0, finished],
    ])
    const state = stateOf({
      4097: blue({ ports: new Map([...blue().ports, [NEAR.mac, port(1, [], ALL_OFFLOADS)]]) }),
    })
    const taking = new EngineKit(state).fromPort(0, frame, offloads)
    expect(taking.delivered).toMatchObject([{ port: 1, bytes: frame, ...offloads }])
  })
})

function frameOfPort(sourcePort: number, length: number): Uint8Array {
  return udpFrame(envelope(), { sourcePort, destinationPort: 1, payload: new Uint8Array(length) })
}

/** An ICMPv6 message too long to be an error, and one by its type. */
function errorFrame(): Uint8Array {
  const addresses = { source: C1.ip6, destination: C2.ip6 }
  const body = new Uint8Array(1450)
  const echo = { kind: 'echo-request' as const, identifier: 1, sequence: 1, body }
  return echoFrame(envelope(addresses), echo).with(54, 1)
}
