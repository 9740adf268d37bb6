/** Received datagrams packed into one buffer, to cross from the poll thread in one message. */
import { setU32le, u32le } from '@weft/core'

/** Room for the sender: `struct sockaddr_in6` has 28 bytes, the others fewer. */
export const SENDER_BYTES = 32

/** One received datagram; its bytes and sender are views into somebody's memory. */
export interface Received {
  readonly bytes: Uint8Array
  /** Length before it was cut. */
  readonly originalLength: number
  /** `struct sockaddr…` of the sender, zero-filled. */
  readonly sender: Uint8Array
  /** When the kernel saw it; zero for sockets without timestamps. */
  readonly seconds: number
  readonly nanoseconds: number
  /** The 32 bits of an outer VLAN tag that the kernel took off (IEEE 802.1Q §9.3); 0 for none. */
  readonly vlanTag: number
}

/** Before each datagram: length, original length, seconds, nanoseconds, VLAN tag, sender. */
const SENDER_AT = 24
const RECORD_BYTES = SENDER_AT + SENDER_BYTES

/** Where the poll thread takes datagrams from. */
export interface DatagramSource {
  /** What is there now: views good until `release`. Or a negative error number. */
  take(): Received[] | number
  /** The datagrams taken last have been copied. */
  release(): void
  /** Let go of memory; the descriptor is somebody else's. */
  close(): void
}

/** Bytes a datagram takes in a batch. */
function recordLength(length: number): number {
  return RECORD_BYTES + ((length + 7) & ~7)
}

/** Pack datagrams; their bytes are copied, and cut to `bytesMax` each. */
export function packDatagrams(datagrams: readonly Received[], bytesMax: number): Uint8Array {
  const kept = (datagram: Received): number => Math.min(datagram.bytes.length, bytesMax)
  let total = 0
  for (const datagram of datagrams) total += recordLength(kept(datagram))
  const batch = new Uint8Array(total)
  let at = 0
  for (const datagram of datagrams) {
    const length = kept(datagram)
    setU32le(batch, at, length)
    setU32le(batch, at + 4, datagram.originalLength)
    setU32le(batch, at + 8, datagram.seconds)
    setU32le(batch, at + 12, datagram.nanoseconds)
    setU32le(batch, at + 16, datagram.vlanTag)
    batch.set(datagram.sender, at + SENDER_AT)
    batch.set(datagram.bytes.subarray(0, length), at + RECORD_BYTES)
    at += recordLength(length)
  }
  return batch
}

/** The datagrams of a batch: views into it. Stops at a record that does not fit. */
export function unpackDatagrams(batch: Uint8Array): Received[] {
  const datagrams: Received[] = []
  let at = 0
  while (at + RECORD_BYTES <= batch.length) {
    const length = u32le(batch, at)
    const from = at + RECORD_BYTES
    if (from + length > batch.length) break
    datagrams.push({
      bytes: batch.subarray(from, from + length),
      originalLength: u32le(batch, at + 4),
      sender: batch.subarray(at + SENDER_AT, from),
      seconds: u32le(batch, at + 8),
      nanoseconds: u32le(batch, at + 12),
      vlanTag: u32le(batch, at + 16),
    })
    at += recordLength(length)
  }
  return datagrams
}
