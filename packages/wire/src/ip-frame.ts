/** Builds whole frames around an IP payload: the envelope that the message builders share. */
import { assert, ipFamily, type Ip, type Mac } from '@weft/core'
import { ETHER_TYPE, ethernet } from './ethernet.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import type { PacketBuffer } from './packet-buffer.ts'
import { writeTransportChecksum } from './transport-checksum.ts'

/** Hops a frame may make unless its envelope says otherwise (RFC 1700's default). */
export const TTL_DEFAULT = 64

/** From whom to whom a frame goes, on both layers. */
export interface Envelope {
  readonly sourceMac: Mac
  readonly destinationMac: Mac
  /** Both addresses are of one family. */
  readonly source: Ip
  readonly destination: Ip
  /** Time to live, or hop limit; 64 unless given. */
  readonly ttl?: number
  /** IPv4 only: forbid routers to cut the packet; false unless given. */
  readonly dontFragment?: boolean
  /** IPv4 only; 0 unless given. */
  readonly identification?: number
}

/** Put IP and Ethernet in front of a transport message, with its checksum where it has one. */
export function sealIpFrame(
  packet: PacketBuffer,
  envelope: Envelope,
  protocol: number,
): Uint8Array {
  const six = ipFamily(envelope.source) === 6
  assert(six === (ipFamily(envelope.destination) === 6), 'both addresses are of one family')
  if (six) prependIpv6(packet, envelope, protocol)
  else prependIpv4(packet, envelope, protocol)
  writeTransportChecksum(packet.bytes, packet.start)
  ethernet.write(packet.bytes, packet.prepend(ethernet.headerLength), {
    destination: envelope.destinationMac,
    source: envelope.sourceMac,
    tags: [],
    etherType: six ? ETHER_TYPE.ipv6 : ETHER_TYPE.ipv4,
  })
  return packet.view()
}

function prependIpv4(packet: PacketBuffer, envelope: Envelope, protocol: number): void {
  const start = packet.prepend(ipv4.headerLength)
  ipv4.write(packet.bytes, start, {
    dscp: 0,
    ecn: 0,
    totalLength: packet.length,
    identification: envelope.identification ?? 0,
    reserved: false,
    dontFragment: envelope.dontFragment ?? false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: envelope.ttl ?? TTL_DEFAULT,
    protocol,
    source: envelope.source,
    destination: envelope.destination,
    options: [],
  })
}

function prependIpv6(packet: PacketBuffer, envelope: Envelope, protocol: number): void {
  const payloadLength = packet.length
  ipv6.write(packet.bytes, packet.prepend(ipv6.headerLength), {
    trafficClass: 0,
    flowLabel: 0,
    payloadLength,
    hopLimit: envelope.ttl ?? TTL_DEFAULT,
    source: envelope.source,
    destination: envelope.destination,
    extensions: [],
    protocol,
  })
}
