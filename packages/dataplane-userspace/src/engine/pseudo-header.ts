/** The part of the pseudo header that is the same for all packets of a flow. */
import { u8 } from '@weft/core'
import { foldSum, IPV4_OFFSET, IPV6_OFFSET, sumBytes } from '@weft/wire'

/**
 * The sum of addresses and protocol of the IP packet at `start`; the length of the transport is to
 * be added (RFC 9293 §3.1, RFC 8200 §8.1).
 */
export function pseudoHeaderSum(bytes: Uint8Array, start: number, protocol: number): number {
  const isSix = u8(bytes, start) >>> 4 === 6
  const from = start + (isSix ? IPV6_OFFSET.source : IPV4_OFFSET.source)
  return foldSum(sumBytes(bytes, from, from + (isSix ? 32 : 8)) + protocol)
}
