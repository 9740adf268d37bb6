/** Cuts a super-segment of TCP or UDP into the packets that it stands for. */
import { setU16, setU32, setU8, u16, u32, u8 } from '@weft/core'
import {
  ETHER_TYPE,
  ethernet,
  finishChecksum,
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
import type { ByteSum } from './byte-sum.ts'
import { copyBytes } from './copy-bytes.ts'
import { GSO_ECN, GSO_TYPE, NEEDS_CHECKSUM, type PacketView } from './packet-view.ts'
import { pseudoHeaderSum } from './pseudo-header.ts'

/**
 * Packets from one super-segment. With the smallest segments that Linux sends (48 bytes, its
 * TCP_MIN_SND_MSS) 64 KiB make 1,365; more is somebody's attempt to multiply.
 */
export const SEGMENTS_MAX = 1_400

const FLAGS_AT = 13
const LAST_ONLY = TCP_FLAG.fin | TCP_FLAG.psh
const SEQUENCE_AT = 4
const UDP_LENGTH_AT = 4

/**
 * Takes a frame in with `prepare`; then `write` makes any of its segments, in any order. Headers
 * are copied; what differs is set: lengths, IPv4's identification (one more each) and checksum,
 * TCP's sequence number, flags (FIN and PSH on the last, CWR on the first, RFC 3168 §6.1.2) and
 * checksum, UDP's length and checksum.
 */
export class Segmenter {
  readonly #sums: ByteSum
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #network = 0
  #transport = 0
  #payload = 0
  #end = 0
  #segmentBytes = 0
  #count = 0
  /** Addresses and protocol; each segment's length comes to it. */
  #pseudoSum = 0
  #isSix = false
  #isTcp = false
  /** False for UDP that has no checksum (IPv4 only). */
  #isSummed = true

  constructor(sums: ByteSum) {
    this.#sums = sums
  }

  /** Segments of the frame that was taken in. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the IP packet in the longest of them. */
  get packetBytes(): number {
    const payload = Math.min(this.#segmentBytes, this.#end - this.#payload)
    return this.#payload - this.#network + payload
  }

  /** Bytes of the frame that `write` makes of this segment. */
  frameBytes(index: number): number {
    const from = this.#payload + index * this.#segmentBytes
    const payload = Math.min(this.#segmentBytes, this.#end - from)
    return this.#payload - this.#start + payload
  }

  /** Take in a frame with a `gsoType`. False: it is none that can be cut so. */
  prepare(packet: PacketView): boolean {
    const { bytes, start, end, segmentBytes } = packet
    const type = packet.gsoType & ~GSO_ECN
    if (segmentBytes === 0 || ethernet.check(bytes, start, end) !== null) return false
    const network = ethernet.payloadStart(bytes, start)
    const etherType = ethernet.etherType(bytes, start)
    this.#isSix = etherType === ETHER_TYPE.ipv6
    this.#isTcp = type !== GSO_TYPE.udp
    const wanted = this.#isSix ? GSO_TYPE.tcp6 : GSO_TYPE.tcp4
    if (this.#isTcp && type !== wanted) return false
    if (!this.#isSix && etherType !== ETHER_TYPE.ipv4) return false
    const ip = this.#isSix ? ipv6 : ipv4
    if (ip.check(bytes, network, end) !== null || ip.isFragment(bytes, network)) return false
    const protocol = this.#isTcp ? IP_PROTOCOL.tcp : IP_PROTOCOL.udp
    if (ip.protocol(bytes, network) !== protocol) return false
    const transport = ip.payloadStart(bytes, network)
    const packetEnd = ip.payloadEnd(bytes, network)
    const codec = this.#isTcp ? tcp : udp
    if (codec.check(bytes, transport, packetEnd) !== null) return false
    const payload = codec.payloadStart(bytes, transport)
    const count = Math.ceil((packetEnd - payload) / segmentBytes)
    if (count === 0 || count > SEGMENTS_MAX) return false
    this.#bytes = bytes
    this.#start = start
    this.#network = network
    this.#transport = transport
    this.#payload = payload
    this.#end = packetEnd
    this.#segmentBytes = segmentBytes
    this.#count = count
    this.#pseudoSum = pseudoHeaderSum(bytes, network, protocol)
    const isLeft = (packet.flags & NEEDS_CHECKSUM) !== 0
    this.#isSummed = this.#isTcp || this.#isSix || isLeft || udp.checksum(bytes, transport) !== 0
    return true
  }

  /**
   * Write a segment as a whole frame, `frameBytes` long, at `at`. The target may be the array that
   * the frame stands in, but not the place.
   */
  write(index: number, target: Uint8Array, at: number): void {
    const from = this.#payload + index * this.#segmentBytes
    const to = Math.min(this.#end, from + this.#segmentBytes)
    const headers = this.#payload - this.#start
    copyBytes(this.#bytes, this.#start, this.#payload, target, at)
    copyBytes(this.#bytes, from, to, target, at + headers)
    const end = at + headers + to - from
    const network = at + this.#network - this.#start
    if (this.#isSix) {
      setU16(target, network + IPV6_OFFSET.payloadLength, end - network - ipv6.headerLength)
    } else writeIpv4(target, network, end, index)
    const transport = at + this.#transport - this.#start
    if (this.#isTcp) this.#writeTcp(target, transport, index)
    else setU16(target, transport + UDP_LENGTH_AT, end - transport)
    if (this.#isSummed) this.#writeChecksum(target, transport, end)
  }

  #writeTcp(target: Uint8Array, transport: number, index: number): void {
    const sequence = u32(target, transport + SEQUENCE_AT) + index * this.#segmentBytes
    setU32(target, transport + SEQUENCE_AT, sequence | 0)
    let flags = u8(target, transport + FLAGS_AT)
    if (index > 0) flags &= ~TCP_FLAG.cwr
    if (index < this.#count - 1) flags &= ~LAST_ONLY
    setU8(target, transport + FLAGS_AT, flags)
  }

  #writeChecksum(target: Uint8Array, transport: number, end: number): void {
    const field = transport + (this.#isTcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET)
    setU16(target, field, 0)
    const sum = this.#pseudoSum + end - transport + this.#sums.of(target, transport, end)
    const checksum = finishChecksum(sum)
    setU16(target, field, checksum === 0 && !this.#isTcp ? 0xffff : checksum)
  }
}

function writeIpv4(bytes: Uint8Array, start: number, end: number, index: number): void {
  const identification = u16(bytes, start + IPV4_OFFSET.identification)
  setU16(bytes, start + IPV4_OFFSET.totalLength, end - start)
  setU16(bytes, start + IPV4_OFFSET.identification, identification + index)
  ipv4.updateHeaderChecksum(bytes, start)
}
