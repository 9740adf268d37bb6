/** The Internet checksum (RFC 1071) over bytes, and its incremental update (RFC 1624). */
import { u8 } from '@weft/core'

/**
 * The one's complement sum of the bytes from `start` to `end`, folded to 16 bits. An odd last byte
 * counts as the high half of a word. Sums of pieces that begin at even offsets may be added.
 */
export function sumBytes(bytes: Uint8Array, start: number, end: number): number {
  // High and low bytes are summed apart: no shift per word, and 2^23 words fit 31 bits.
  let high = 0
  let low = 0
  let at = start
  for (const last = end - 8; at <= last; at += 8) {
    high += u8(bytes, at) + u8(bytes, at + 2) + u8(bytes, at + 4) + u8(bytes, at + 6)
    low += u8(bytes, at + 1) + u8(bytes, at + 3) + u8(bytes, at + 5) + u8(bytes, at + 7)
  }
  for (; at + 1 < end; at += 2) {
    high += u8(bytes, at)
    low += u8(bytes, at + 1)
  }
  if (at < end) high += u8(bytes, at)
  return foldSum((high & 0xff) * 0x100 + (high >>> 8) + low)
}

/** Bring a sum of up to 2^32 - 1 down to 16 bits by end-around carry. */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16)
  return (once & 0xffff) + (once >>> 16)
}

/** The checksum field that belongs to a sum: its complement. */
export function finishChecksum(sum: number): number {
  return ~foldSum(sum) & 0xffff
}

/** The checksum over bytes whose checksum field is zero. */
export function internetChecksum(bytes: Uint8Array, start: number, end: number): number {
  return finishChecksum(sumBytes(bytes, start, end))
}

/** True when bytes that include their checksum field add up (RFC 1071 §1 (3)). */
export function checksumHolds(bytes: Uint8Array, start: number, end: number): boolean {
  return sumBytes(bytes, start, end) === 0xffff
}

/**
 * The checksum after a word (or the folded sum of several) changed from `before` to `after`,
 * without reading the rest: RFC 1624 §3, equation 3.
 */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return finishChecksum((~checksum & 0xffff) + (~before & 0xffff) + after)
}
