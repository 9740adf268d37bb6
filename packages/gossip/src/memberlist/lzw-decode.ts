/** LZW as GIF and Go's compress/lzw have it: 8-bit literals, codes from the low bit on (§2.5). */
import { u8 } from '@weft/core'
import type { GossipFault } from './faults.ts'

/** Code that empties the table. */
export const LZW_CLEAR = 256
/** Code that ends the data. */
export const LZW_END = 257
/** Bits of the narrowest codes. */
export const LZW_BITS_NARROWEST = 9
/** Bits of the widest codes. */
export const LZW_BITS_WIDEST = 12

const CODES = 1 << LZW_BITS_WIDEST
const CAPACITY_BYTES = 2048
/** Below this a loop is quicker than a call. */
const SHORT_BYTES = 24

/* An entry is a run of bytes that was put out before: where it began, and its length. */
const starts = new Uint32Array(CODES)
const lengths = new Uint16Array(CODES)

/**
 * What the bytes from `start` to `end` stand for, at most `max` bytes. Faults: `oversized`, or
 * `bad-compression` for codes that mean nothing yet and for data without an end. What follows the
 * end is ignored.
 */
export function decodeLzw(
  bytes: Uint8Array,
  start: number,
  end: number,
  max: number,
): Uint8Array | GossipFault {
  const output = new Output(Math.max(CAPACITY_BYTES, 4 * (end - start)), max)
  const codes = new CodeReader(bytes, start, end)
  let next = LZW_END
  /** Bytes of the run before; 0: there was none since the table was emptied, or it is full. */
  let lastLength = 0
  for (;;) {
    const code = codes.next()
    if (code === LZW_END) return output.take()
    if (code === LZW_CLEAR) {
      codes.width = LZW_BITS_NARROWEST
      next = LZW_END
      lastLength = 0
      continue
    }
    if (code < 0 || code > next) return 'bad-compression'
    if (lastLength > 0) {
      // The run before and the byte behind it, which is about to be written: this run's first.
      starts[next] = output.length - lastLength
      lengths[next] = lastLength + 1
    }
    lastLength = code < LZW_CLEAR ? output.literal(code) : output.run(code)
    if (lastLength < 0) return 'oversized'
    if (++next < 1 << codes.width) continue
    if (codes.width < LZW_BITS_WIDEST) codes.width++
    // The table is full: nothing is added until the next clear.
    else lastLength = 0
  }
}

class CodeReader {
  width = LZW_BITS_NARROWEST
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number
  #bits = 0
  #count = 0

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** The next code, or -1 when there is no whole one. */
  next(): number {
    while (this.#count < this.width) {
      if (this.#at >= this.#end) return -1
      this.#bits |= u8(this.#bytes, this.#at++) << this.#count
      this.#count += 8
    }
    const code = this.#bits & ((1 << this.width) - 1)
    this.#bits >>>= this.width
    this.#count -= this.width
    return code
  }
}

class Output {
  length = 0
  #bytes: Uint8Array
  readonly #max: number

  constructor(capacity: number, max: number) {
    this.#bytes = new Uint8Array(Math.min(capacity, max))
    this.#max = max
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }

  /** Bytes written, or -1 for too many. */
  literal(byte: number): number {
    if (this.length === this.#bytes.length && !this.#grow(1)) return -1
    this.#bytes[this.length++] = byte
    return 1
  }

  /** A run may end in the byte that it begins with here: that one is copied last. */
  run(code: number): number {
    const length = lengths[code] ?? 0
    if (this.length + length > this.#bytes.length && !this.#grow(length)) return -1
    const bytes = this.#bytes
    const to = this.length
    const from = starts[code] ?? 0
    if (length < SHORT_BYTES) {
      for (let i = 0; i < length; i++) bytes[to + i] = u8(bytes, from + i)
    } else {
      bytes.copyWithin(to, from, Math.min(from + length, to))
      if (from + length > to) bytes[to + length - 1] = u8(bytes, to)
    }
    this.length = to + length
    return length
  }

  #grow(more: number): boolean {
    const needed = this.length + more
    if (needed > this.#max) return false
    const grown = new Uint8Array(Math.min(this.#max, Math.max(needed, 2 * this.#bytes.length)))
    grown.set(this.#bytes.subarray(0, this.length))
    this.#bytes = grown
    return true
  }
}
