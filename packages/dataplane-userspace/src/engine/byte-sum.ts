/** One's complement sums of packet bytes, fast enough to be made for each byte that is sent. */
import { foldSum } from '@weft/wire'

const WORDS = 2 ** 32

/** Sums over one array, made faster than code for any array can be. */
export interface QuickSum {
  readonly bytes: Uint8Array
  /** As `ByteSum.of`, with the array left out. */
  of(start: number, end: number): number
}

/**
 * Sums as `sumBytes` of @weft/wire does, several times as fast: 32 bits a word, added as doubles,
 * which stay exact. A DataView of the array is kept from call to call; it is made anew when the
 * array is another, so whoever keeps packets in one array allocates nothing.
 */
export class ByteSum {
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#bytes.buffer)
  readonly #quick: QuickSum | null

  /** `quick` sums what stands in its array, plain code the rest. */
  constructor(quick: QuickSum | null = null) {
    this.#quick = quick
  }

  /** The sum from `start` to `end`, folded to 16 bits; an odd last byte is the high half. */
  of(bytes: Uint8Array, start: number, end: number): number {
    if (bytes === this.#quick?.bytes) return this.#quick.of(start, end)
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    return sumView(this.#view, start, end)
  }
}

/** Little-endian words, which most machines read as they are; the sum is turned at the end. */
function sumView(view: DataView, start: number, end: number): number {
  let sum = 0
  let other = 0
  let at = start
  // Eight words a turn into two sums: measured at three quarters of the time of four into one.
  for (const last = end - 32; at <= last; at += 32) {
    sum +=
      view.getUint32(at, true) +
      view.getUint32(at + 4, true) +
      view.getUint32(at + 8, true) +
      view.getUint32(at + 12, true)
    other +=
      view.getUint32(at + 16, true) +
      view.getUint32(at + 20, true) +
      view.getUint32(at + 24, true) +
      view.getUint32(at + 28, true)
  }
  for (; at + 1 < end; at += 2) sum += view.getUint16(at, true)
  if (at < end) sum += view.getUint8(at)
  const whole = sum + other
  const high = Math.floor(whole / WORDS)
  const low = whole - high * WORDS
  return swapSum(foldSum(foldSum(low) + foldSum(high)))
}

/** A sum of bytes as it is when they begin at an odd offset: both halves change places. */
export function swapSum(sum: number): number {
  return ((sum & 0xff) << 8) | (sum >>> 8)
}
