/** Attributes of a netlink message, read one after another without leaving their window. */
import {
  ipFromBytes,
  IPV4_BYTES,
  IPV6_BYTES,
  MAC_BYTES,
  macFromBytes,
  u16,
  u16le,
  u32,
  u32le,
  u8,
  type Ip,
  type Mac,
} from '@weft/core'
import { ATTRIBUTE_HEADER_BYTES, NLA_TYPE_MASK } from './netlink-numbers.ts'

const decoder = new TextDecoder()

/**
 * A cursor over attributes. Total over arbitrary bytes: a length that does not fit ends the walk,
 * and a value shorter than asked for reads as null. Invariant: `from` <= `to` <= the window's end.
 */
export class AttributeReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #next: number
  /** Type of the current attribute, without the flag bits. */
  type = 0
  /** Where its value starts. */
  from = 0
  /** Where its value ends. */
  to = 0

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#next = start
    this.#end = Math.min(end, bytes.length)
  }

  /** Go to the next attribute; false when there is none or its length is impossible. */
  next(): boolean {
    const at = this.#next
    if (at + ATTRIBUTE_HEADER_BYTES > this.#end) return false
    const length = u16le(this.#bytes, at)
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > this.#end) return false
    this.type = u16le(this.#bytes, at + 2) & NLA_TYPE_MASK
    this.from = at + ATTRIBUTE_HEADER_BYTES
    this.to = at + length
    this.#next = at + ((length + 3) & ~3)
    return true
  }

  /** A reader of the attributes inside the current one, after a fixed part of `skip` bytes. */
  nested(skip = 0): AttributeReader {
    return new AttributeReader(this.#bytes, this.from + skip, this.to)
  }

  /** Bytes of the value. */
  get length(): number {
    return this.to - this.from
  }

  /** One byte. */
  u8(): number | null {
    return this.length < 1 ? null : u8(this.#bytes, this.from)
  }

  /** 16 bits in host order. */
  u16(): number | null {
    return this.length < 2 ? null : u16le(this.#bytes, this.from)
  }

  /** 32 bits in host order. */
  u32(): number | null {
    return this.length < 4 ? null : u32le(this.#bytes, this.from)
  }

  /** 32 bits in host order, signed. */
  s32(): number | null {
    return this.length < 4 ? null : u32le(this.#bytes, this.from) | 0
  }

  /** 16 bits in network order. */
  u16be(at = 0): number | null {
    return this.length < at + 2 ? null : u16(this.#bytes, this.from + at)
  }

  /** 32 bits in network order. */
  u32be(): number | null {
    return this.length < 4 ? null : u32(this.#bytes, this.from)
  }

  /** 64 bits in host order at an offset of the value, as a number: exact up to 2^53. */
  u64(at = 0): number | null {
    if (this.length < at + 8) return null
    const from = this.from + at
    return u32le(this.#bytes, from) + u32le(this.#bytes, from + 4) * 2 ** 32
  }

  /** 64 bits in network order as a number: exact up to 2^53. */
  u64be(): number | null {
    if (this.length < 8) return null
    return u32(this.#bytes, this.from) * 2 ** 32 + u32(this.#bytes, this.from + 4)
  }

  /** Text up to its first zero; what is not UTF-8 becomes U+FFFD. */
  text(): string {
    const zero = this.#bytes.indexOf(0, this.from)
    const to = zero < 0 || zero > this.to ? this.to : zero
    return decoder.decode(this.#bytes.subarray(this.from, to))
  }

  /** A copy of the value. */
  copy(): Uint8Array {
    return this.#bytes.slice(this.from, this.to)
  }

  /** An address from an offset of the value; null when neither 4 nor 16 bytes follow. */
  ip(at = 0): Ip | null {
    const length = this.length - at
    if (length === IPV4_BYTES) return ipFromBytes(this.#bytes, this.from + at, 4)
    return length === IPV6_BYTES ? ipFromBytes(this.#bytes, this.from + at, 6) : null
  }

  /** A MAC; null when the value has not 6 bytes. */
  mac(): Mac | null {
    return this.length === MAC_BYTES ? macFromBytes(this.#bytes, this.from) : null
  }
}
