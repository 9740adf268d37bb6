/** Puts packets of one flow that arrived side by side together into one super-segment. */
import { setU16, setU8, u16, u32, u8 } from '@weft/core'
import {
  ETHER_TYPE,
  ethernet,
  ETHERNET_OFFSET,
  finishChecksum,
  foldSum,
  IP_PROTOCOL,
  ipv4,
  IPV4_OFFSET,
  ipv6,
  IPV6_OFFSET,
  tcp,
  TCP_CHECKSUM_OFFSET,
  TCP_FLAG,
  udp,
  UDP_CHECKSUM_OFFSET,
} from '@weft/wire'
import { swapSum, type ByteSum } from './byte-sum.ts'
import { GSO_TYPE, NEEDS_CHECKSUM, PORT_OFFLOAD, type PacketView } from './packet-view.ts'
import { pseudoHeaderSum } from './pseudo-header.ts'

/** Bytes of the IP packet that a super-segment may become: what its length field holds. */
export const COALESCED_BYTES_MAX = 65_535

/** Datagrams of one super-segment: a TAP refuses more (UDP_MAX_SEGMENTS before Linux 6.9). */
export const COALESCED_DATAGRAMS_MAX = 64

const FLAGS_AT = 13
const SEQUENCE_AT = 4
const UDP_LENGTH_AT = 4
const DONT_FRAGMENT = 0x4000
const ENDS = TCP_FLAG.fin | TCP_FLAG.psh
/** What may be set in a segment that is joined; ACK must be. */
const JOINABLE = TCP_FLAG.ack | ENDS

/**
 * Works in place: the first frame stays where it is, and payloads of those that follow move up to
 * its end. What is joined is what the kernel's GRO joins: headers alike but for length,
 * identification, sequence number, checksum, PSH and FIN, and all payloads of one length but the
 * last.
 *
 * No payload of TCP is summed: what each checksum claims of its payload follows from checksum and
 * headers, and the sum of the claims is what the whole checksum claims. If a byte was damaged the
 * receiver finds the whole wrong. UDP super-segments cannot be handed on so (the kernel wants
 * NEEDS_CHECKSUM, which says that somebody has looked), so here each is summed.
 */
export class Coalescer {
  readonly #sums: ByteSum
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #network = 0
  #transport = 0
  #payload = 0
  #end = 0
  #count = 0
  #segmentBytes = 0
  #isSix = false
  #isTcp = false
  #isClosed = false
  #pseudoSum = 0
  /** Signed, as all numbers of 32 bits that are kept: larger ones would be objects. */
  #nextSequence = 0
  /** What the checksums of all payloads so far claim, at their places in the whole. */
  #claims = 0

  constructor(sums: ByteSum) {
    this.#sums = sums
  }

  /** True while frames are being put together. */
  get isOpen(): boolean {
    return this.#count > 0
  }

  /** Begin with this frame, for a port with these offloads. False: it is not to be joined. */
  begin(bytes: Uint8Array, start: number, end: number, offloads: number): boolean {
    if ((offloads & PORT_OFFLOAD.checksum) === 0) return false
    const network = start + ethernet.headerLength
    this.#isSix = u16(bytes, start + ETHERNET_OFFSET.type) === ETHER_TYPE.ipv6
    const transport = transportOf(bytes, network, end)
    if (transport < 0) return false
    const protocol = this.#isSix ? ipv6.protocol(bytes, network) : ipv4.protocol(bytes, network)
    this.#isTcp = protocol === IP_PROTOCOL.tcp
    if ((offloads & this.#offload()) === 0) return false
    this.#bytes = bytes
    this.#start = start
    this.#network = network
    this.#transport = transport
    this.#pseudoSum = pseudoHeaderSum(bytes, network, protocol)
    if (this.#isTcp ? !isJoinable(bytes, transport, end) : !this.#isUdp(transport, end)) {
      return false
    }
    this.#payload = (this.#isTcp ? tcp : udp).payloadStart(bytes, transport)
    this.#segmentBytes = end - this.#payload
    this.#end = end
    this.#count = 1
    this.#isClosed = this.#isTcp && (u8(bytes, transport + FLAGS_AT) & ENDS) !== 0
    this.#nextSequence = (u32(bytes, transport + SEQUENCE_AT) + this.#segmentBytes) | 0
    this.#claims = this.#isTcp ? this.#claim(transport, this.#payload, end) : 0
    return true
  }

  /** Join the frame in this window of the same array. False: it is none that goes on here. */
  join(start: number, end: number): boolean {
    if (this.#isClosed || !this.#isLike(start, end)) return false
    const transport = start + this.#transport - this.#start
    const payload = start + this.#payload - this.#start
    const length = end - payload
    if (this.#end + length - this.#network > COALESCED_BYTES_MAX) return false
    if (this.#isTcp) {
      if ((u32(this.#bytes, transport + SEQUENCE_AT) | 0) !== this.#nextSequence) return false
      const claim = this.#claim(transport, payload, end)
      const isOdd = ((this.#end - this.#payload) & 1) === 1
      this.#claims = foldSum(this.#claims + (isOdd ? swapSum(claim) : claim))
      this.#nextSequence = (this.#nextSequence + length) | 0
      const flags = u8(this.#bytes, transport + FLAGS_AT) & ENDS
      const first = this.#transport + FLAGS_AT
      setU8(this.#bytes, first, u8(this.#bytes, first) | flags)
      this.#isClosed = flags !== 0
    } else if (this.#count >= COALESCED_DATAGRAMS_MAX || !this.#isUdp(transport, end)) return false
    if (length < this.#segmentBytes) this.#isClosed = true
    this.#bytes.copyWithin(this.#end, payload, end)
    this.#end += length
    this.#count++
    return true
  }

  /** The whole, as a frame with its offloads, in `packet`; a single frame is as it came. */
  finish(packet: PacketView): void {
    packet.setPlain(this.#bytes, this.#start, this.#end)
    const count = this.#count
    this.#count = 0
    if (count === 1) return
    packet.segmentBytes = this.#segmentBytes
    packet.headerBytes = this.#payload - this.#start
    this.#writeLengths()
    const length = this.#end - this.#transport
    const field = this.#transport + (this.#isTcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET)
    if (!this.#isTcp) {
      packet.gsoType = GSO_TYPE.udp
      packet.flags = NEEDS_CHECKSUM
      packet.checksumStart = this.#transport - this.#start
      packet.checksumOffset = UDP_CHECKSUM_OFFSET
      setU16(this.#bytes, field, foldSum(this.#pseudoSum + length))
      return
    }
    packet.gsoType = this.#isSix ? GSO_TYPE.tcp6 : GSO_TYPE.tcp4
    setU16(this.#bytes, field, 0)
    const headers = this.#sums.of(this.#bytes, this.#transport, this.#payload)
    const sum = this.#pseudoSum + length + headers + this.#claims
    setU16(this.#bytes, field, finishChecksum(sum))
  }

  #offload(): number {
    if (!this.#isTcp) return PORT_OFFLOAD.udp
    return this.#isSix ? PORT_OFFLOAD.tcp6 : PORT_OFFLOAD.tcp4
  }

  /** What the checksum of the segment at `transport` says its payload sums up to. */
  #claim(transport: number, payload: number, end: number): number {
    const headers = this.#sums.of(this.#bytes, transport, payload)
    return finishChecksum(this.#pseudoSum + end - transport + headers)
  }

  /** A datagram that fills its packet, has a payload and a checksum, and the checksum holds. */
  #isUdp(transport: number, end: number): boolean {
    const bytes = this.#bytes
    const length = end - transport
    if (length <= udp.headerLength || u16(bytes, transport + UDP_LENGTH_AT) !== length) return false
    if (udp.checksum(bytes, transport) === 0) return false
    return foldSum(this.#pseudoSum + length + this.#sums.of(bytes, transport, end)) === 0xffff
  }

  /** True when this frame has the headers of the first, but for what may differ. */
  #isLike(start: number, end: number): boolean {
    const bytes = this.#bytes
    const shift = start - this.#start
    const length = end - (this.#payload + shift)
    if (length <= 0 || length > this.#segmentBytes) return false
    const network = this.#network + shift
    // MACs, EtherType, and IP version with what stands beside it.
    if (!this.#isSame(this.#start, this.#network + 2, shift)) return false
    if (transportOf(bytes, network, end) !== this.#transport + shift) return false
    if (this.#isSix) {
      // The flow label; next header to addresses. The payload's length was checked with the window.
      if (!this.#isSame(this.#network + 2, this.#network + IPV6_OFFSET.payloadLength, shift)) {
        return false
      }
      const from = this.#network + IPV6_OFFSET.nextHeader
      if (!this.#isSame(from, this.#transport, shift)) return false
    } else if (!this.#isLikeIpv4(shift)) return false
    const transport = this.#transport
    if (!this.#isTcp) return this.#isSame(transport, transport + UDP_LENGTH_AT, shift)
    if (!isJoinable(bytes, transport + shift, end)) return false
    // Ports; acknowledgement and length of the header; window; urgent pointer and options.
    return (
      this.#isSame(transport, transport + SEQUENCE_AT, shift) &&
      this.#isSame(transport + 8, transport + FLAGS_AT, shift) &&
      this.#isSame(transport + 14, transport + TCP_CHECKSUM_OFFSET, shift) &&
      this.#isSame(transport + 18, this.#payload, shift)
    )
  }

  #isLikeIpv4(shift: number): boolean {
    const bytes = this.#bytes
    const first = this.#network
    const from = first + IPV4_OFFSET.fragment
    if (!this.#isSame(from, first + IPV4_OFFSET.checksum, shift)) return false
    if (!this.#isSame(first + IPV4_OFFSET.source, this.#transport, shift)) return false
    const identification = u16(bytes, first + IPV4_OFFSET.identification)
    const here = u16(bytes, first + shift + IPV4_OFFSET.identification)
    if (here === ((identification + this.#count) & 0xffff)) return true
    // What is never cut needs no identification (RFC 6864 §4.1).
    const isWhole = (u16(bytes, first + IPV4_OFFSET.fragment) & DONT_FRAGMENT) !== 0
    return isWhole && here === identification
  }

  #isSame(from: number, to: number, shift: number): boolean {
    const bytes = this.#bytes
    for (let at = from; at < to; at++) if (bytes[at] !== bytes[at + shift]) return false
    return true
  }

  #writeLengths(): void {
    const bytes = this.#bytes
    const network = this.#network
    if (this.#isSix) {
      const length = this.#end - network - ipv6.headerLength
      setU16(bytes, network + IPV6_OFFSET.payloadLength, length)
    } else {
      setU16(bytes, network + IPV4_OFFSET.totalLength, this.#end - network)
      ipv4.updateHeaderChecksum(bytes, network)
    }
    if (!this.#isTcp) setU16(bytes, this.#transport + UDP_LENGTH_AT, this.#end - this.#transport)
  }
}

/**
 * Where the transport begins in an untagged frame whose IP packet at `start` fills it to the end,
 * has no options or extensions, and is whole; -1 for all others.
 */
function transportOf(bytes: Uint8Array, start: number, end: number): number {
  const type = u16(bytes, start - 2)
  if (type === ETHER_TYPE.ipv4) {
    if (ipv4.check(bytes, start, end) !== null || ipv4.payloadEnd(bytes, start) !== end) return -1
    const transport = start + ipv4.headerLength
    if (ipv4.payloadStart(bytes, start) !== transport || ipv4.isFragment(bytes, start)) return -1
    return hasPorts(ipv4.protocol(bytes, start)) ? transport : -1
  }
  if (type !== ETHER_TYPE.ipv6 || ipv6.check(bytes, start, end) !== null) return -1
  if (ipv6.payloadEnd(bytes, start) !== end) return -1
  const transport = start + ipv6.headerLength
  return hasPorts(u8(bytes, start + IPV6_OFFSET.nextHeader)) ? transport : -1
}

function hasPorts(protocol: number): boolean {
  return protocol === IP_PROTOCOL.tcp || protocol === IP_PROTOCOL.udp
}

/** A TCP segment with a payload, that does nothing but carry it. */
function isJoinable(bytes: Uint8Array, start: number, end: number): boolean {
  if (tcp.check(bytes, start, end) !== null || tcp.payloadStart(bytes, start) >= end) return false
  const flags = tcp.flags(bytes, start)
  return (flags & TCP_FLAG.ack) !== 0 && (flags & ~JOINABLE) === 0
}
