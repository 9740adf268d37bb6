/** Wraps a frame for the underlay: Ethernet, IP, UDP and VXLAN in front of it (RFC 7348 §5). */
import { assert, ipFamily, type Ip, type Mac } from '@weft/core'
import { ETHER_TYPE, ethernet } from './ethernet.ts'
import { entropyPortOf } from './flow-hash.ts'
import { IP_PROTOCOL } from './ip-protocol.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import type { PacketBuffer } from './packet-buffer.ts'
import { writeTransportChecksum } from './transport-checksum.ts'
import { udp } from './udp.ts'
import { vxlan, VXLAN_PORT, type VxlanHeader } from './vxlan.ts'

/** Bytes VXLAN takes from the underlay's MTU over IPv4: inner Ethernet, IPv4, UDP, VXLAN. */
export const VXLAN_OVERHEAD_IPV4_BYTES = 50
/** Bytes VXLAN takes from the underlay's MTU over IPv6. */
export const VXLAN_OVERHEAD_IPV6_BYTES = 70

/** The outer half of an encapsulated frame. */
export interface VxlanEncapsulation {
  readonly vxlan: VxlanHeader
  /** Tunnel addresses, both of one family. */
  readonly source: Ip
  readonly destination: Ip
  /** The next hop on the underlay. */
  readonly sourceMac: Mac
  readonly destinationMac: Mac
  /** Time to live, or hop limit. */
  readonly ttl: number
  /** Differentiated services and congestion bits; 0 unless given. */
  readonly trafficClass?: number
  /** Destination port; 4789 unless given. */
  readonly port?: number
  /** Source port; from the hash of the inner flow unless given. */
  readonly sourcePort?: number
  /** Compute a UDP checksum? Unless given: no over IPv4, yes over IPv6 (RFC 7348 §5, RFC 6936). */
  readonly checksum?: boolean
}

/** Prepend the outer headers to the Ethernet frame in `packet`. */
export function encapsulateVxlan(packet: PacketBuffer, outer: VxlanEncapsulation): void {
  const six = ipFamily(outer.destination) === 6
  assert(six === (ipFamily(outer.source) === 6), 'tunnel addresses are of one family')
  const { bytes, start, end } = packet
  const sourcePort = outer.sourcePort ?? entropyPortOf(bytes, start, end)
  vxlan.write(packet.bytes, packet.prepend(vxlan.headerLength), outer.vxlan)
  const length = packet.length + udp.headerLength
  const destinationPort = outer.port ?? VXLAN_PORT
  const header = { sourcePort, destinationPort, length, checksum: 0 }
  udp.write(packet.bytes, packet.prepend(udp.headerLength), header)
  if (six) prependIpv6(packet, outer)
  else prependIpv4(packet, outer)
  if (outer.checksum ?? six) writeTransportChecksum(packet.bytes, packet.start)
  ethernet.write(packet.bytes, packet.prepend(ethernet.headerLength), {
    destination: outer.destinationMac,
    source: outer.sourceMac,
    tags: [],
    etherType: six ? ETHER_TYPE.ipv6 : ETHER_TYPE.ipv4,
  })
}

function prependIpv4(packet: PacketBuffer, outer: VxlanEncapsulation): void {
  const trafficClass = outer.trafficClass ?? 0
  const start = packet.prepend(ipv4.headerLength)
  ipv4.write(packet.bytes, start, {
    dscp: trafficClass >>> 2,
    ecn: trafficClass & 3,
    totalLength: packet.length,
    identification: 0,
    reserved: false,
    // An identification of 0 is legal only on packets that are never cut (RFC 6864 §4.1).
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: outer.ttl,
    protocol: IP_PROTOCOL.udp,
    source: outer.source,
    destination: outer.destination,
    options: [],
  })
}

function prependIpv6(packet: PacketBuffer, outer: VxlanEncapsulation): void {
  const payloadLength = packet.length
  ipv6.write(packet.bytes, packet.prepend(ipv6.headerLength), {
    trafficClass: outer.trafficClass ?? 0,
    flowLabel: 0,
    payloadLength,
    hopLimit: outer.ttl,
    source: outer.source,
    destination: outer.destination,
    extensions: [],
    protocol: IP_PROTOCOL.udp,
  })
}
