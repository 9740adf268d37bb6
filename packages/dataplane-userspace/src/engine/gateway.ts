/** What a gateway does with packets: answers echo requests, and passes on to other subnets. */
import { setU16, setU8, u16, u8, type IpFamily } from '@weft/core'
import {
  ETHER_TYPE,
  ethernet,
  ETHERNET_OFFSET,
  icmp,
  ICMP_TYPE,
  icmpv6,
  ICMPV6_TYPE,
  IP_PROTOCOL,
  ipv4,
  IPV4_OFFSET,
  ipv6,
  IPV6_OFFSET,
  TTL_DEFAULT,
  updateChecksum,
} from '@weft/wire'

const CHECKSUM_AT = 2

/** The family of the valid IP packet in an untagged frame; 0 when it is none. */
export function familyOf(bytes: Uint8Array, start: number, end: number): IpFamily | 0 {
  const type = u16(bytes, start + ETHERNET_OFFSET.type)
  const packet = start + ethernet.headerLength
  if (type === ETHER_TYPE.ipv4) return ipv4.check(bytes, packet, end) === null ? 4 : 0
  if (type === ETHER_TYPE.ipv6) return ipv6.check(bytes, packet, end) === null ? 6 : 0
  return 0
}

/** Where the destination address stands in a frame of this family. */
export function destinationAt(start: number, family: IpFamily): number {
  const offset = family === 4 ? IPV4_OFFSET.destination : IPV6_OFFSET.destination
  return start + ethernet.headerLength + offset
}

/** How often the packet may still be routed. */
export function hopsLeft(bytes: Uint8Array, start: number, family: IpFamily): number {
  const packet = start + ethernet.headerLength
  return family === 4 ? ipv4.ttl(bytes, packet) : ipv6.hopLimit(bytes, packet)
}

/** Count one hop in the frame with a valid packet. */
export function countHop(bytes: Uint8Array, start: number, family: IpFamily): void {
  const packet = start + ethernet.headerLength
  if (family === 6) {
    const at = packet + IPV6_OFFSET.hopLimit
    setU8(bytes, at, u8(bytes, at) - 1)
    return
  }
  const word = packet + IPV4_OFFSET.ttl
  const before = u16(bytes, word)
  const after = before - 0x100
  const checksum = u16(bytes, packet + IPV4_OFFSET.checksum)
  setU16(bytes, word, after)
  setU16(bytes, packet + IPV4_OFFSET.checksum, updateChecksum(checksum, before, after))
}

/** Turn the frame into the answer to the echo request that it carries; false when it does not. */
export function answerEcho(bytes: Uint8Array, start: number, family: IpFamily): boolean {
  const packet = start + ethernet.headerLength
  if (!(family === 4 ? turnEcho4(bytes, packet) : turnEcho6(bytes, packet))) return false
  exchange(bytes, start, ETHERNET_OFFSET.source)
  return true
}

function turnEcho4(bytes: Uint8Array, start: number): boolean {
  const message = start + ipv4.headerLength
  // Options of a request could ask for a way back that we do not know.
  if (ipv4.payloadStart(bytes, start) !== message || ipv4.isFragment(bytes, start)) return false
  if (ipv4.protocol(bytes, start) !== IP_PROTOCOL.icmp) return false
  if (icmp.check(bytes, message, ipv4.payloadEnd(bytes, start)) !== null) return false
  if (u16(bytes, message) !== ICMP_TYPE.echoRequest << 8) return false
  turn(bytes, message, ICMP_TYPE.echoReply)
  exchange(bytes, start + IPV4_OFFSET.source, 4)
  setU8(bytes, start + IPV4_OFFSET.ttl, TTL_DEFAULT)
  ipv4.updateHeaderChecksum(bytes, start)
  return true
}

function turnEcho6(bytes: Uint8Array, start: number): boolean {
  const message = start + ipv6.headerLength
  if (u8(bytes, start + IPV6_OFFSET.nextHeader) !== IP_PROTOCOL.icmpv6) return false
  if (icmpv6.check(bytes, message, ipv6.payloadEnd(bytes, start)) !== null) return false
  if (u16(bytes, message) !== ICMPV6_TYPE.echoRequest << 8) return false
  turn(bytes, message, ICMPV6_TYPE.echoReply)
  exchange(bytes, start + IPV6_OFFSET.source, 16)
  setU8(bytes, start + IPV6_OFFSET.hopLimit, TTL_DEFAULT)
  return true
}

/** Request to reply; a checksum that was wrong stays wrong, for addresses sum up to the same. */
function turn(bytes: Uint8Array, message: number, reply: number): void {
  const before = u16(bytes, message)
  const checksum = u16(bytes, message + CHECKSUM_AT)
  setU8(bytes, message, reply)
  setU16(bytes, message + CHECKSUM_AT, updateChecksum(checksum, before, reply << 8))
}

/** Exchange two neighbouring fields of this many bytes. */
function exchange(bytes: Uint8Array, start: number, length: number): void {
  for (let at = start; at < start + length; at++) {
    const kept = u8(bytes, at)
    setU8(bytes, at, u8(bytes, at + length))
    setU8(bytes, at + length, kept)
  }
}
