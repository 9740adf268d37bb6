/** Valid headers of every shape, for the codec laws. */
import { ipFromBytes, macFromBytes, vni, VNI_MAX, type Ip, type Mac } from '@weft/core'
import fc from 'fast-check'
import {
  ETHER_TYPE,
  IPV6_EXTENSION,
  type ArpMessage,
  type EspHeader,
  type EthernetHeader,
  type HeaderOption,
  type IcmpMessage,
  type Icmpv6Message,
  type Ipv4Header,
  type Ipv6Extension,
  type Ipv6Header,
  type NeighbourOption,
  type TcpHeader,
  type TcpOption,
  type UdpHeader,
  type VlanTag,
  type VxlanHeader,
} from '../src/index.ts'

const u8s = fc.nat({ max: 0xff })
const u16s = fc.nat({ max: 0xffff })
const u32s = fc.nat({ max: 0xffff_ffff })
const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const bodies = fc.uint8Array({ maxLength: 40 })

export const macs: fc.Arbitrary<Mac> = octets(6).map((bytes) => macFromBytes(bytes))
export const ipv4s: fc.Arbitrary<Ip> = octets(4).map((bytes) => ipFromBytes(bytes, 0, 4))
/** Zero groups are common in real addresses and shorten their text: draw them often. */
export const ipv6s: fc.Arbitrary<Ip> = fc
  .tuple(octets(16), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
  .map(([bytes, zeros]) => {
    const kept = bytes.map((byte, i) => (zeros[i >>> 1] === true ? 0 : byte))
    return ipFromBytes(kept, 0, 6)
  })

const isTag = (type: number): boolean => type === ETHER_TYPE.vlan || type === ETHER_TYPE.serviceVlan

const vlanTags: fc.Arbitrary<VlanTag> = fc.record({
  etherType: fc.constantFrom<number>(ETHER_TYPE.vlan, ETHER_TYPE.serviceVlan),
  priority: fc.nat({ max: 7 }),
  dropEligible: fc.boolean(),
  vlanId: fc.nat({ max: 0xfff }),
})

export const ethernetHeaders: fc.Arbitrary<EthernetHeader> = fc.record({
  destination: macs,
  source: macs,
  tags: fc.array(vlanTags, { maxLength: 4 }),
  etherType: u16s.filter((type) => !isTag(type)),
})

export const arpMessages: fc.Arbitrary<ArpMessage> = fc.record({
  operation: u16s,
  senderMac: macs,
  senderIp: ipv4s,
  targetMac: macs,
  targetIp: ipv4s,
})

/** Options that fill whole words, so that padding behind them is never in doubt. */
function plainOptions(known: readonly number[]): fc.Arbitrary<HeaderOption> {
  const noOperation = fc.constant({ type: 1, body: new Uint8Array(0) })
  const other = fc.record({
    type: fc.integer({ min: 2, max: 255 }).filter((type) => !known.includes(type)),
    body: fc.uint8Array({ maxLength: 4 }),
  })
  return fc.oneof(noOperation, other)
}

/** An end with padding that is not merely implied: noise, or whole words of zeros. */
const endOptions: fc.Arbitrary<HeaderOption> = octets(7).map((body) => {
  const marked = Uint8Array.from(body)
  marked[0] = 1
  return { type: 0, body: marked }
})

const ipv4Options = fc
  .tuple(fc.array(plainOptions([]), { maxLength: 4 }), fc.option(endOptions))
  .map(([options, end]) => alignEnd(options, end))

/** The end's padding must reach to a whole word: put no-operations in front of it. */
function alignEnd(options: readonly HeaderOption[], end: HeaderOption | null): HeaderOption[] {
  if (end === null) return [...options]
  let length = 0
  for (const { type, body } of options) length += (type < 2 ? 1 : 2) + body.length
  const filler = Array.from({ length: (4 - (length % 4)) % 4 }, () => ({
    type: 1,
    body: new Uint8Array(0),
  }))
  return [...options, ...filler, end]
}

export const ipv4Headers: fc.Arbitrary<Ipv4Header> = fc.record({
    dscp: fc.nat({ max: 63 }),
    ecn: fc.nat({ max: 3 }),
    totalLength: fc.integer({ min: 60, max: 100 }),
    identification: u16s,
    reserved: fc.boolean(),
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.nat({ max: 0x1fff }).map((eights) => 8 * eights),
    ttl: u8s,
    protocol: u8s,
    source: ipv4s,
    destination: ipv4s,
    options: ipv4Options,
})

const fragments: fc.Arbitrary<Ipv6Extension> = fc.record({
  kind: fc.constant('fragment' as const),
  offset: fc.constantFrom(0, 8, 1448, 65_528),
  more: fc.boolean(),
  identification: u32s,
  reserved: fc.nat({ max: 0x3ff }),
})

const otherExtensions: fc.Arbitrary<Ipv6Extension> = fc
  .tuple(
    fc.constantFrom<number>(
      IPV6_EXTENSION.hopByHop,
      IPV6_EXTENSION.routing,
      IPV6_EXTENSION.destinationOptions,
      IPV6_EXTENSION.authentication,
      IPV6_EXTENSION.mobility,
    ),
    fc.nat({ max: 2 }),
    octets(32),
  )
  .map(([type, units, noise]) => {
    const words = type === IPV6_EXTENSION.authentication
    const length = words ? 12 + 4 * units : 8 + 8 * units
    return { kind: 'other', type, body: noise.slice(0, length - 2) }
  })

const protocols = u8s.filter(
  (protocol) => !Object.values<number>(IPV6_EXTENSION).includes(protocol),
)

/** A fragment that is not the first hides what follows: nothing may stand behind it. */
const extensionChains = fc.array(fc.oneof(fragments, otherExtensions), { maxLength: 8 })
  .map((chain) => {
    const last = chain.findIndex((each) => each.kind === 'fragment' && each.offset > 0)
    return last < 0 ? chain : chain.slice(0, last + 1)
  })

function chainLength(chain: readonly Ipv6Extension[]): number {
  return chain.reduce((sum, each) => sum + (each.kind === 'other' ? 2 + each.body.length : 8), 0)
}

export const ipv6Headers: fc.Arbitrary<Ipv6Header> = fc
  .record({
    trafficClass: u8s,
    flowLabel: fc.nat({ max: 0xfffff }),
    payloadLength: fc.nat({ max: 16 }),
    hopLimit: u8s,
    source: ipv6s,
    destination: ipv6s,
    extensions: extensionChains,
    protocol: protocols,
  })
  .map((header) => {
    const payloadLength = header.payloadLength + chainLength(header.extensions)
    return { ...header, payloadLength }
  })

/** Bytes behind an IPv6 header and its extensions. */
export function ipv6PayloadBytes(header: Ipv6Header): number {
  return header.payloadLength - chainLength(header.extensions)
}

const isKnownIcmp = (type: number): boolean => [0, 3, 8, 11].includes(type)

export const icmpMessages: fc.Arbitrary<IcmpMessage> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('echo-request' as const, 'echo-reply' as const),
    identifier: u16s,
    sequence: u16s,
    body: bodies,
  }),
  fc.record({
    kind: fc.constant('unreachable' as const),
    code: u8s,
    reserved: u16s,
    mtu: u16s,
    quote: bodies,
  }),
  fc.record({
    kind: fc.constant('time-exceeded' as const),
    code: u8s,
    reserved: u32s,
    quote: bodies,
  }),
  fc.record({
    kind: fc.constant('other' as const),
    type: u8s.filter((type) => !isKnownIcmp(type)),
    code: u8s,
    rest: u32s,
    body: bodies,
  }),
)

const neighbourOptions: fc.Arbitrary<NeighbourOption> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('source-link-layer' as const, 'target-link-layer' as const),
    mac: macs,
  }),
  fc.record({ kind: fc.constant('mtu' as const), mtu: u32s, reserved: u16s }),
  fc.record({
    kind: fc.constant('prefix' as const),
    prefix: ipv6s,
    length: u8s,
    flags: u8s,
    validSeconds: u32s,
    preferredSeconds: u32s,
    reserved: u32s,
  }),
  fc.record({
    kind: fc.constant('other' as const),
    type: fc.integer({ min: 6, max: 255 }),
    body: fc.oneof(octets(6), octets(14)),
  }),
)
const optionLists = fc.array(neighbourOptions, { maxLength: 4 })

export const icmpv6Messages: fc.Arbitrary<Icmpv6Message> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('echo-request' as const, 'echo-reply' as const),
    identifier: u16s,
    sequence: u16s,
    body: bodies,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constantFrom('unreachable' as const, 'time-exceeded' as const),
    code: u8s,
    reserved: u32s,
    quote: bodies,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constant('packet-too-big' as const),
    code: u8s,
    mtu: u32s,
    quote: bodies,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constant('other' as const),
    type: fc.integer({ min: 138, max: 255 }),
    code: u8s,
    body: bodies,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constant('router-solicitation' as const),
    reserved: u32s,
    options: optionLists,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constant('router-advertisement' as const),
    hopLimit: u8s,
    flags: u8s,
    lifetimeSeconds: u16s,
    reachableMs: u32s,
    retransmitMs: u32s,
    options: optionLists,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constant('neighbour-solicitation' as const),
    reserved: u32s,
    target: ipv6s,
    options: optionLists,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constant('neighbour-advertisement' as const),
    router: fc.boolean(),
    solicited: fc.boolean(),
    override: fc.boolean(),
    reserved: fc.nat({ max: 0x1fff_ffff }),
    target: ipv6s,
    options: optionLists,
    checksum: u16s,
  }),
  fc.record({
    kind: fc.constant('redirect' as const),
    reserved: u32s,
    target: ipv6s,
    destination: ipv6s,
    options: optionLists,
    checksum: u16s,
  }),
)

export const udpHeaders: fc.Arbitrary<UdpHeader> = fc.record({
  sourcePort: u16s,
  destinationPort: u16s,
  length: fc.integer({ min: 8, max: 40 }),
  checksum: u16s,
})

const tcpOptions: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.record({ kind: fc.constant('mss' as const), bytes: u16s }),
  fc.record({ kind: fc.constant('window-scale' as const), shift: u8s }),
  fc.constant({ kind: 'sack-permitted' as const }),
  fc.record({ kind: fc.constant('timestamps' as const), value: u32s, echo: u32s }),
  plainOptions([2, 3, 4, 8]).map((option) => ({ kind: 'other' as const, ...option })),
)

export const tcpHeaders: fc.Arbitrary<TcpHeader> = fc.record({
  sourcePort: u16s,
  destinationPort: u16s,
  sequence: u32s,
  acknowledgement: u32s,
  flags: fc.nat({ max: 0xfff }),
  window: u16s,
  checksum: u16s,
  urgent: u16s,
  options: fc.array(tcpOptions, { maxLength: 4 }),
})

export const vxlanHeaders: fc.Arbitrary<VxlanHeader> = fc.record({
  flags: u8s.map((flags) => flags | 0x08),
  reserved: fc.nat({ max: 0xff_ffff }),
  vni: fc.nat({ max: VNI_MAX }).map(vni),
  trailer: u8s,
})


export const espHeaders: fc.Arbitrary<EspHeader> = fc.record({ spi: u32s, sequence: u32s })
