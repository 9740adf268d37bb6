/** Makes what `decodeLzw` and Go's compress/lzw read, code for code as Go makes it (§2.5). */
import { u8 } from '@weft/core'
import { LZW_CLEAR, LZW_END, LZW_BITS_WIDEST, LZW_BITS_NARROWEST } from './lzw-decode.ts'

/** The highest code is never given: Go empties the table when it would be next. */
const LAST_CODE = (1 << LZW_BITS_WIDEST) - 1

const HASH_BITS = 14
const HASH_MASK = (1 << HASH_BITS) - 1
/** Knuth's multiplicative hashing (TAOCP 6.4): 2^32 over the golden ratio. */
const HASH_FACTOR = 0x9e37_79b1

/* Open addressing: the era in which a slot was filled, the run's prefix and last byte, its code. */
const eras = new Uint32Array(HASH_MASK + 1)
const keys = new Uint32Array(HASH_MASK + 1)
const codes = new Uint16Array(HASH_MASK + 1)
let era = 0

/** The compressed bytes of all of `plain`, a clear in front; null when they exceed `max` bytes. */
export function encodeLzw(plain: Uint8Array, max: number): Uint8Array | null {
  const writer = new CodeWriter(max)
  forget()
  writer.put(LZW_CLEAR)
  if (plain.length === 0) return writer.end()
  let next = LZW_END
  let prefix = u8(plain, 0)
  for (let at = 1; at < plain.length; at++) {
    const byte = u8(plain, at)
    const key = (prefix << 8) | byte
    const slot = find(key)
    if (eras[slot] === era) {
      prefix = codes[slot] ?? 0
      continue
    }
    if (!writer.put(prefix)) return null
    prefix = byte
    next = writer.advance(next)
    if (next === LZW_END) forget()
    else add(slot, key, next)
  }
  writer.put(prefix)
  writer.advance(next)
  return writer.end()
}

/** Forget all runs; after 2^32 times the numbers begin again. */
function forget(): void {
  era = (era + 1) >>> 0
  if (era === 0) {
    eras.fill(0)
    era = 1
  }
}

/** The slot of this run, or the free one where it belongs. */
function find(key: number): number {
  let slot = Math.imul(key, HASH_FACTOR) >>> (32 - HASH_BITS)
  while (eras[slot] === era && keys[slot] !== key) slot = (slot + 1) & HASH_MASK
  return slot
}

function add(slot: number, key: number, code: number): void {
  eras[slot] = era
  keys[slot] = key
  codes[slot] = code
}

class CodeWriter {
  #bytes: Uint8Array
  #length = 0
  readonly #max: number
  #width = LZW_BITS_NARROWEST
  #bits = 0
  #count = 0

  constructor(max: number) {
    this.#max = max
    this.#bytes = new Uint8Array(Math.min(max, 2048))
  }

  /** Append a code; false when there is no room for it any more. */
  put(code: number): boolean {
    this.#bits |= code << this.#count
    this.#count += this.#width
    while (this.#count >= 8) this.#putByte()
    return this.#length <= this.#max
  }

  /** The code after `next`: codes grow wider, and when they are used up a clear begins anew. */
  advance(next: number): number {
    const after = next + 1
    if (after === LAST_CODE) {
      this.put(LZW_CLEAR)
      this.#width = LZW_BITS_NARROWEST
      return LZW_END
    }
    if (after === 1 << this.#width) this.#width++
    return after
  }

  end(): Uint8Array | null {
    this.put(LZW_END)
    if (this.#count > 0) this.#putByte()
    return this.#length <= this.#max ? this.#bytes.slice(0, this.#length) : null
  }

  /** Beyond the limit bytes are counted only. */
  #putByte(): void {
    if (this.#length === this.#bytes.length && this.#length < this.#max) {
      const grown = new Uint8Array(Math.min(this.#max, 2 * this.#length))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes[this.#length++] = this.#bits & 0xff
    this.#bits >>>= 8
    this.#count -= 8
  }
}
