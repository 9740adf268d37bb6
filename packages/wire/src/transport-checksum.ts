/** Checksums of UDP, TCP and ICMPv6 over their pseudo headers (RFC 9293 §3.1, RFC 8200 §8.1). */
import { setU16, u16, u8 } from '@weft/core'
import { finishChecksum, foldSum, sumBytes } from './checksum.ts'
import { ICMPV6_CHECKSUM_OFFSET } from './icmpv6.ts'
import { IP_PROTOCOL } from './ip-protocol.ts'
import { ipv4, IPV4_OFFSET } from './ipv4.ts'
import { ipv6, IPV6_OFFSET } from './ipv6.ts'
import { TCP_CHECKSUM_OFFSET } from './tcp.ts'
import { UDP_CHECKSUM_OFFSET } from './udp.ts'

/**
 * What a checksum field says: it holds; it does not; it holds the pseudo header only, because the
 * sender left the rest to its network card; there is none (UDP's zero); or the packet is of a kind
 * that has none here or is a fragment.
 */
export type ChecksumState = 'good' | 'bad' | 'partial' | 'absent' | 'unknown'

function fieldOffset(protocol: number): number {
  if (protocol === IP_PROTOCOL.udp) return UDP_CHECKSUM_OFFSET
  if (protocol === IP_PROTOCOL.tcp) return TCP_CHECKSUM_OFFSET
  return protocol === IP_PROTOCOL.icmpv6 ? ICMPV6_CHECKSUM_OFFSET : -1
}

function isVersion6(bytes: Uint8Array, start: number): boolean {
  return u8(bytes, start) >>> 4 === 6
}

/** The sum of the pseudo header for the IP packet at `start`, whose transport begins at `at`. */
function pseudoSum(bytes: Uint8Array, start: number, at: number): number {
  const six = isVersion6(bytes, start)
  const from = start + (six ? IPV6_OFFSET.source : IPV4_OFFSET.source)
  const to = start + (six ? IPV6_OFFSET.destination + 16 : IPV4_OFFSET.destination + 4)
  const protocol = six ? ipv6.protocol(bytes, start) : ipv4.protocol(bytes, start)
  return foldSum(sumBytes(bytes, from, to) + protocol + transportLength(bytes, start, at))
}

/** UDP says its own length; for the others it is what the IP header leaves. */
function transportLength(bytes: Uint8Array, start: number, at: number): number {
  return transportEnd(bytes, start, at) - at
}

function transportEnd(bytes: Uint8Array, start: number, at: number): number {
  const six = isVersion6(bytes, start)
  const end = six ? ipv6.payloadEnd(bytes, start) : ipv4.payloadEnd(bytes, start)
  const protocol = six ? ipv6.protocol(bytes, start) : ipv4.protocol(bytes, start)
  return protocol === IP_PROTOCOL.udp ? Math.min(end, at + u16(bytes, at + 4)) : end
}

/** Where the transport's checksum field stands, or -1: no such transport, a fragment, cut short. */
function fieldAt(bytes: Uint8Array, start: number): number {
  const codec = isVersion6(bytes, start) ? ipv6 : ipv4
  const offset = fieldOffset(codec.protocol(bytes, start))
  if (offset < 0 || codec.isFragment(bytes, start)) return -1
  const at = codec.payloadStart(bytes, start) + offset
  return at + 2 > codec.payloadEnd(bytes, start) ? -1 : at
}

/**
 * Compute and write the checksum of the UDP, TCP or ICMPv6 message inside the IP packet that
 * begins at `start`. Headers must be in place (they passed, or would pass, their checks). Returns
 * the checksum; -1, and nothing written, when the packet has no such field.
 */
export function writeTransportChecksum(bytes: Uint8Array, start: number): number {
  const field = fieldAt(bytes, start)
  if (field < 0) return -1
  setU16(bytes, field, 0)
  const at = (isVersion6(bytes, start) ? ipv6 : ipv4).payloadStart(bytes, start)
  const whole = pseudoSum(bytes, start, at) + sumBytes(bytes, at, transportEnd(bytes, start, at))
  const checksum = finishChecksum(whole)
  // RFC 768: a UDP checksum that comes out as zero is sent as all ones, for zero means none.
  const sent = checksum === 0 && field - at === UDP_CHECKSUM_OFFSET ? 0xffff : checksum
  setU16(bytes, field, sent)
  return sent
}

/** What the transport checksum inside the checked IP packet at `start` says. */
export function transportChecksumState(bytes: Uint8Array, start: number): ChecksumState {
  const field = fieldAt(bytes, start)
  if (field < 0) return 'unknown'
  const at = (isVersion6(bytes, start) ? ipv6 : ipv4).payloadStart(bytes, start)
  const stored = u16(bytes, field)
  if (stored === 0 && field - at === UDP_CHECKSUM_OFFSET) return 'absent'
  const pseudo = pseudoSum(bytes, start, at)
  const whole = foldSum(pseudo + sumBytes(bytes, at, transportEnd(bytes, start, at)))
  if (whole === 0xffff) return 'good'
  return stored === pseudo ? 'partial' : 'bad'
}
