/** Writes msgpack as memberlist's peers expect it: the old raw family, keys as given (§2.2). */
import { setU16, setU32, setU8, utf8Bytes } from '@weft/core'
import { FIELD_KEYS, type Field } from './field.ts'

const CAPACITY_BYTES = 2048
const NIL = 0xc0
/** The longest header of a value. */
const HEADER_BYTES = 5

/** A growing message. It may be used again after `take`. */
export class MsgpackWriter {
  #bytes = new Uint8Array(CAPACITY_BYTES)
  #length = 0

  /** What was written, as bytes of its own; the writer is empty again. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return taken
  }

  /** One byte as it is: a message type. */
  byte(value: number): void {
    this.#reserve(1)
    setU8(this.#bytes, this.#length++, value)
  }

  /** Bytes as they are. */
  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** A map of up to 15 entries, which follow as keys and values. */
  map(entries: number): void {
    this.byte(0x80 | entries)
  }

  key(field: Field): void {
    const key = FIELD_KEYS[field]
    if (key === undefined) return
    this.#reserve(key.length)
    const bytes = this.#bytes
    let at = this.#length
    for (const byte of key) bytes[at++] = byte
    this.#length = at
  }

  /** A number from 0 to 2^32 - 1, in as few bytes as it takes. */
  uint(value: number): void {
    this.#reserve(HEADER_BYTES)
    if (value < 0x80) this.byte(value)
    else if (value < 0x100) this.#tagged(0xcc, 1, value)
    else if (value < 0x1_0000) this.#tagged(0xcd, 2, value)
    else this.#tagged(0xce, 4, value)
  }

  flag(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2)
  }

  /** Bytes; none at all are nil, as the engine writes them. */
  raw(bytes: Uint8Array): void {
    if (bytes.length === 0) {
      this.byte(NIL)
      return
    }
    this.#rawHeader(bytes.length)
    this.append(bytes)
  }

  text(text: string): void {
    const { length } = text
    if (length < 32 && this.#shortAscii(text)) return
    const bytes = utf8Bytes(text)
    this.#rawHeader(bytes.length)
    this.append(bytes)
  }

  /** Names are short and ASCII nearly always: no bytes are made for them. */
  #shortAscii(text: string): boolean {
    this.#reserve(1 + text.length)
    const bytes = this.#bytes
    const at = this.#length
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) return false
      bytes[at + 1 + i] = unit
    }
    bytes[at] = 0xa0 | text.length
    this.#length = at + 1 + text.length
    return true
  }

  #rawHeader(length: number): void {
    this.#reserve(HEADER_BYTES)
    if (length < 32) this.byte(0xa0 | length)
    else if (length < 0x1_0000) this.#tagged(0xda, 2, length)
    else this.#tagged(0xdb, 4, length)
  }

  #tagged(tag: number, width: number, value: number): void {
    const at = this.#length
    setU8(this.#bytes, at, tag)
    if (width === 1) setU8(this.#bytes, at + 1, value)
    else if (width === 2) setU16(this.#bytes, at + 1, value)
    else setU32(this.#bytes, at + 1, value)
    this.#length = at + 1 + width
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
