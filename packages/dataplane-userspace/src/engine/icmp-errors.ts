/** Tells a sender that its packet went nowhere: too big, or routed once too often. */
import { setU16, setU32, setU8, u16, u8 } from '@weft/core'
import {
  ETHER_TYPE,
  ethernet,
  ETHERNET_OFFSET,
  icmp,
  ICMP_TYPE,
  ICMP_UNREACHABLE,
  ICMPV6_TYPE,
  internetChecksum,
  IP_PROTOCOL,
  ipv4,
  IPV4_OFFSET,
  ipv6,
  IPV6_OFFSET,
  TTL_DEFAULT,
  writeTransportChecksum,
} from '@weft/wire'
import { copyBytes } from './copy-bytes.ts'

/** What is wrong with the packet. */
export interface IcmpProblem {
  readonly kind: 'too-big' | 'expired'
  /** What goes, in bytes; for `too-big`. */
  readonly mtu: number
  /** Who says so; null: whom the packet was for, as the kernel's tunnels do. */
  readonly from: Uint8Array | null
}

/** Bytes of the longest message as an IPv4 packet (RFC 1812 §4.3.2.3). */
export const ICMP_ERROR_BYTES_MAX = 576
/** Bytes of the longest message as an IPv6 packet (RFC 4443 §2.4 (c)). */
export const ICMPV6_ERROR_BYTES_MAX = 1280

const VERSION_4 = 0x4500
const VERSION_6 = 0x6000_0000
const DONT_FRAGMENT = 0x4000
const OFFSET_MASK = 0x1fff
const ICMPV6_INFORMATIONAL = 128
/** Types about which nothing is said, lest errors beget errors: those that are errors. */
const ICMP_ERRORS = new Set([3, 4, 5, 11, 12])

/** Writes messages into memory of its own. */
export class IcmpErrors {
  readonly #target: Uint8Array
  readonly #at: number

  /** Messages are written at `at`, with an Ethernet header in front. */
  constructor(target: Uint8Array, at: number) {
    this.#target = target
    this.#at = at
  }

  /**
   * Write the frame that tells the sender of the untagged frame in the window. Returns its bytes;
   * 0 when nothing is to be said: the packet is not IP, is an error itself, comes from nobody or
   * goes to many, or (too big, IPv4) did not ask to be whole (RFC 1122 §3.2.2, RFC 4443 §2.4).
   */
  write(bytes: Uint8Array, start: number, end: number, problem: IcmpProblem): number {
    const packet = start + ethernet.headerLength
    if (ethernet.check(bytes, start, end) !== null || ethernet.isGroup(bytes, start)) return 0
    const type = u16(bytes, start + ETHERNET_OFFSET.type)
    if (type === ETHER_TYPE.ipv4) {
      if (!mayTell4(bytes, packet, end) || !wantsWhole(bytes, packet, problem)) return 0
      this.#writeEthernet(bytes, start)
      return ethernet.headerLength + this.#write4(bytes, packet, end, problem)
    }
    if (type !== ETHER_TYPE.ipv6 || !mayTell6(bytes, packet, end)) return 0
    this.#writeEthernet(bytes, start)
    return ethernet.headerLength + this.#write6(bytes, packet, end, problem)
  }

  #writeEthernet(bytes: Uint8Array, start: number): void {
    const { source, type } = ETHERNET_OFFSET
    copyBytes(bytes, start + source, start + type, this.#target, this.#at)
    copyBytes(bytes, start, start + source, this.#target, this.#at + source)
    copyBytes(bytes, start + type, start + type + 2, this.#target, this.#at + type)
  }

  #write4(bytes: Uint8Array, start: number, end: number, problem: IcmpProblem): number {
    const target = this.#target
    const at = this.#at + ethernet.headerLength
    const message = at + ipv4.headerLength
    const quote = message + icmp.headerLength
    const room = ICMP_ERROR_BYTES_MAX - (quote - at)
    const quoted = Math.min(ipv4.payloadEnd(bytes, start), end, start + room)
    const messageEnd = quote + quoted - start
    setU16(target, at, VERSION_4)
    setU16(target, at + IPV4_OFFSET.totalLength, messageEnd - at)
    setU32(target, at + IPV4_OFFSET.identification, DONT_FRAGMENT)
    setU8(target, at + IPV4_OFFSET.ttl, TTL_DEFAULT)
    setU8(target, at + IPV4_OFFSET.protocol, IP_PROTOCOL.icmp)
    const destination = start + IPV4_OFFSET.destination
    const source = start + IPV4_OFFSET.source
    if (problem.from === null) {
      copyBytes(bytes, destination, destination + 4, target, at + IPV4_OFFSET.source)
    } else copyBytes(problem.from, 0, 4, target, at + IPV4_OFFSET.source)
    copyBytes(bytes, source, source + 4, target, at + IPV4_OFFSET.destination)
    ipv4.updateHeaderChecksum(target, at)
    const isTooBig = problem.kind === 'too-big'
    setU8(target, message, isTooBig ? ICMP_TYPE.unreachable : ICMP_TYPE.timeExceeded)
    setU8(target, message + 1, isTooBig ? ICMP_UNREACHABLE.fragmentationNeeded : 0)
    setU16(target, message + 2, 0)
    setU32(target, message + 4, isTooBig ? problem.mtu : 0)
    copyBytes(bytes, start, quoted, target, quote)
    setU16(target, message + 2, internetChecksum(target, message, messageEnd))
    return messageEnd - at
  }

  #write6(bytes: Uint8Array, start: number, end: number, problem: IcmpProblem): number {
    const target = this.#target
    const at = this.#at + ethernet.headerLength
    const message = at + ipv6.headerLength
    const quote = message + icmp.headerLength
    const room = ICMPV6_ERROR_BYTES_MAX - (quote - at)
    const quoted = Math.min(ipv6.payloadEnd(bytes, start), end, start + room)
    const messageEnd = quote + quoted - start
    setU32(target, at, VERSION_6)
    setU16(target, at + IPV6_OFFSET.payloadLength, messageEnd - message)
    setU8(target, at + IPV6_OFFSET.nextHeader, IP_PROTOCOL.icmpv6)
    setU8(target, at + IPV6_OFFSET.hopLimit, TTL_DEFAULT)
    const destination = start + IPV6_OFFSET.destination
    const source = start + IPV6_OFFSET.source
    if (problem.from === null) {
      copyBytes(bytes, destination, destination + 16, target, at + IPV6_OFFSET.source)
    } else copyBytes(problem.from, 0, 16, target, at + IPV6_OFFSET.source)
    copyBytes(bytes, source, source + 16, target, at + IPV6_OFFSET.destination)
    const isTooBig = problem.kind === 'too-big'
    setU8(target, message, isTooBig ? ICMPV6_TYPE.packetTooBig : ICMPV6_TYPE.timeExceeded)
    setU8(target, message + 1, 0)
    setU32(target, message + 4, isTooBig ? problem.mtu : 0)
    copyBytes(bytes, start, quoted, target, quote)
    writeTransportChecksum(target, at)
    return messageEnd - at
  }
}

/** A packet that is not cut says so, and wants to be told. */
function wantsWhole(bytes: Uint8Array, start: number, { kind }: IcmpProblem): boolean {
  return kind === 'expired' || (u16(bytes, start + IPV4_OFFSET.fragment) & DONT_FRAGMENT) !== 0
}

function mayTell4(bytes: Uint8Array, start: number, end: number): boolean {
  if (ipv4.check(bytes, start, end) !== null) return false
  if ((u16(bytes, start + IPV4_OFFSET.fragment) & OFFSET_MASK) !== 0) return false
  const source = u8(bytes, start + IPV4_OFFSET.source)
  if (source === 0 || source === 127 || source >= 224) return false
  if (u8(bytes, start + IPV4_OFFSET.destination) >= 224) return false
  if (ipv4.protocol(bytes, start) !== IP_PROTOCOL.icmp) return true
  const message = ipv4.payloadStart(bytes, start)
  return message < ipv4.payloadEnd(bytes, start) && !ICMP_ERRORS.has(u8(bytes, message))
}

function mayTell6(bytes: Uint8Array, start: number, end: number): boolean {
  if (ipv6.check(bytes, start, end) !== null || ipv6.isFragment(bytes, start)) return false
  const source = start + IPV6_OFFSET.source
  if (u8(bytes, source) === 0xff) return false
  if (u8(bytes, start + IPV6_OFFSET.destination) === 0xff) return false
  // The unspecified address and its like: nobody has one that begins with 32 zero bits.
  if (u16(bytes, source) === 0 && u16(bytes, source + 2) === 0) return false
  if (ipv6.protocol(bytes, start) !== IP_PROTOCOL.icmpv6) return true
  const message = ipv6.payloadStart(bytes, start)
  const messageEnd = ipv6.payloadEnd(bytes, start)
  return message < messageEnd && u8(bytes, message) >= ICMPV6_INFORMATIONAL
}
