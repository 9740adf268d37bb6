/** Finds the end of a msgpack value without decoding it, also while its bytes still arrive. */
import { u16, u32, u8 } from '@weft/core'
import { OWED_VALUES_MAX } from './limits.ts'
import type { GossipFault } from './faults.ts'

/** What is known after a step: it ends at `at`, more bytes are needed, or it is refused. */
export type ScanResult = 'complete' | 'partial' | GossipFault

/**
 * Passes over one value. Nesting needs no stack: a container owes as many values as it has items,
 * and the value is complete when nothing is owed. So a byte is looked at once, and depth is free.
 */
export class MsgpackScanner {
  /** Where the next value, or its remaining content, begins; the end once complete. */
  at = 0
  #owed = 0
  /** From these the header at `at` is read: bytes of header, bytes of content, items. */
  #content = 0
  #items = 0

  /** Begin a value at `at`. */
  begin(at: number): void {
    this.at = at
    this.#owed = 1
  }

  /** Go on as far as `end`. Positions stay valid when more bytes follow in the same place. */
  scan(bytes: Uint8Array, end: number): ScanResult {
    while (this.#owed > 0) {
      if (this.at >= end) return 'partial'
      const header = this.#readHeader(bytes, end)
      if (header < 0) return 'bad-msgpack'
      if (header === 0) return 'partial'
      this.#owed += this.#items - 1
      if (this.#owed > OWED_VALUES_MAX) return 'too-many'
      this.at += header + this.#content
    }
    return this.at <= end ? 'complete' : 'partial'
  }

  /** Bytes of the header; 0 when it is not all there, -1 for the one byte that is no msgpack. */
  #readHeader(bytes: Uint8Array, end: number): number {
    const lead = u8(bytes, this.at)
    this.#items = 0
    this.#content = 0
    if (lead < 0x80 || lead >= 0xe0) return 1
    if (lead < 0xa0) {
      this.#items = lead < 0x90 ? 2 * (lead & 15) : lead & 15
      return 1
    }
    if (lead < 0xc0) {
      this.#content = lead & 31
      return 1
    }
    return this.#readWide(bytes, end, lead - 0xc0)
  }

  #readWide(bytes: Uint8Array, end: number, row: number): number {
    const fixed = u8(FIXED, row)
    if (fixed === INVALID) return -1
    const width = u8(WIDTH, row)
    if (this.at + 1 + width > end) return 0
    const at = this.at + 1
    const length =
      width === 0 ? 0 : width === 1 ? u8(bytes, at) : width === 2 ? u16(bytes, at) : u32(bytes, at)
    const factor = u8(ITEMS, row)
    if (factor === 0) this.#content = fixed + length
    else this.#items = factor * length
    return 1 + width
  }
}

const INVALID = 255
/* Lead bytes from c0 to df: bytes of the length field, further bytes, items for each unit of it. */
const WIDTH = Uint8Array.of(
  0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4,
)
const FIXED = Uint8Array.of(
  0, INVALID, 0, 0, 0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8,
  1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0,
)
const ITEMS = Uint8Array.of(
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2,
)
