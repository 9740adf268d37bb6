/** Reads a msgpack map into numbered fields, as memberlist's messages are encoded (§2.2). */
import { u16, u32, u8, utf8Text } from '@weft/core'
import type { GossipFault } from './faults.ts'
import { FIELD_KINDS, FIELDS, findField, type Field } from './field.ts'
import { MAP_ENTRIES_MAX } from './limits.ts'
import { MsgpackScanner } from './msgpack-scanner.ts'
import { TextMemo } from './text-memo.ts'

const NIL = 0xc0
const EMPTY = new Uint8Array(0)
const MAPPED_BYTES = 16

const texts = new TextMemo()

/**
 * One map at a time. As in Go, keys come in any order, unknown ones are passed over, and what is
 * absent or nil is zero. Texts and bytes are accepted in the old raw family and in the new ones,
 * numbers in the signed family too.
 */
export class FieldReader {
  readonly #numbers = new Float64Array(FIELDS)
  readonly #starts = new Uint32Array(FIELDS)
  readonly #ends = new Uint32Array(FIELDS)
  readonly #skipper = new MsgpackScanner()
  #seen = 0
  #bytes: Uint8Array = EMPTY
  #end = 0
  #at = 0
  #fault: GossipFault | null = null

  /** Where the map ended, or where it was refused. */
  get at(): number {
    return this.#at
  }

  /** Read the map at `start`; only fields of the set `wanted` are kept. Null: it is read. */
  read(bytes: Uint8Array, start: number, end: number, wanted: number): GossipFault | null {
    this.#bytes = bytes
    this.#end = end
    this.#at = start
    this.#seen = 0
    this.#fault = null
    for (let left = this.#readMapHeader(); left > 0 && this.#readEntry(wanted); left--);
    return this.#fault
  }

  /** A number, or 0; 1 for a flag that is set. */
  number(field: Field): number {
    return this.#has(field) ? (this.#numbers[field] ?? 0) : 0
  }

  flag(field: Field): boolean {
    return this.number(field) !== 0
  }

  /** Bytes of a text or byte string. */
  length(field: Field): number {
    return this.#has(field) ? this.#to(field) - this.#from(field) : 0
  }

  /** A text; what is not UTF-8 becomes U+FFFD. Names come again and again, as the same string. */
  text(field: Field): string {
    if (!this.#has(field)) return ''
    const start = this.#from(field)
    const end = this.#to(field)
    return texts.ascii(this.#bytes, start, end) ?? utf8Text(this.#bytes, start, end)
  }

  /** True for UTF-8 without U+FFFD, which stands for what is not UTF-8: two such texts are one. */
  isText(field: Field): boolean {
    if (!this.#has(field)) return true
    const end = this.#to(field)
    for (let at = this.#from(field); at < end; at++) {
      if (u8(this.#bytes, at) >= 0x80) return !this.text(field).includes('\ufffd')
    }
    return true
  }

  /** A copy of the bytes. */
  copy(field: Field): Uint8Array {
    return this.length(field) === 0 ? EMPTY : this.view(field).slice()
  }

  /** The bytes in place. */
  view(field: Field): Uint8Array {
    if (!this.#has(field)) return EMPTY
    return this.#bytes.subarray(this.#from(field), this.#to(field))
  }

  /**
   * A copy of an IP address. An IPv4 address in IPv6 form is brought to its 4 bytes: others compare
   * bytes, and one node must not have two addresses (§2.2).
   */
  address(field: Field): Uint8Array {
    const address = this.copy(field)
    return isMapped(address) ? address.slice(12) : address
  }

  #has(field: Field): boolean {
    return ((this.#seen >>> field) & 1) === 1
  }

  #from(field: Field): number {
    return this.#starts[field] ?? 0
  }

  #to(field: Field): number {
    return this.#ends[field] ?? 0
  }

  #refuse(fault: GossipFault): number {
    this.#fault ??= fault
    return -1
  }

  #readMapHeader(): number {
    const lead = this.#take(1)
    if (lead < 0) return 0
    const entries = lead >>> 4 === 8 ? lead & 15 : lead === 0xde ? this.#take(2) : -1
    if (entries > MAP_ENTRIES_MAX) return this.#refuse('too-many')
    return entries < 0 ? this.#refuse('bad-msgpack') : entries
  }

  /** False: the map is refused. */
  #readEntry(wanted: number): boolean {
    const length = this.#readLength(false)
    if (length < 0) {
      this.#refuse('bad-msgpack')
      return false
    }
    const field = findField(this.#bytes, this.#at, length)
    this.#at += length
    if (field < 0 || ((wanted >>> field) & 1) === 0) this.#skip()
    else this.#readValue(field)
    return this.#fault === null
  }

  #readValue(field: number): void {
    if (this.#at < this.#end && u8(this.#bytes, this.#at) === NIL) {
      this.#at++
      this.#seen &= ~(1 << field)
      return
    }
    const kind = FIELD_KINDS[field]
    if (kind === 'raw') this.#readRaw(field)
    else if (kind === 'flag') this.#readFlag(field)
    else this.#readNumber(field, kind ?? 0)
  }

  #readRaw(field: number): void {
    const length = this.#readLength(true)
    if (length < 0) {
      this.#refuse('bad-msgpack')
      return
    }
    this.#starts[field] = this.#at
    this.#at += length
    this.#ends[field] = this.#at
    this.#seen |= 1 << field
  }

  /** Go takes 0 and 1 for flags as well. */
  #readFlag(field: number): void {
    const lead = this.#take(1)
    if (lead !== 0xc2 && lead !== 0xc3 && lead >>> 1 !== 0) {
      this.#refuse('bad-msgpack')
      return
    }
    this.#numbers[field] = lead & 1
    this.#seen |= 1 << field
  }

  #readNumber(field: number, bits: number): void {
    const number = this.#readUint()
    if (number >= 2 ** bits) this.#refuse('bad-value')
    if (number < 0) return
    this.#numbers[field] = number
    this.#seen |= 1 << field
  }

  /** A number that is not negative, from either family of integers. */
  #readUint(): number {
    const lead = this.#take(1)
    if (lead < 0x80) return lead
    if (lead >= 0xe0) return this.#refuse('bad-value')
    if (lead < 0xcc || lead > 0xd3) return this.#refuse('bad-msgpack')
    const width = 1 << (lead & 3)
    const isSigned = lead >= 0xd0
    const number = width === 8 ? this.#takeWide() : this.#take(width)
    if (isSigned && number >= 2 ** (8 * width - 1)) return this.#refuse('bad-value')
    return number
  }

  /** 64 bits, when the upper half is zero; nothing of memberlist needs more. */
  #takeWide(): number {
    const high = this.#take(4)
    return high > 0 ? this.#refuse('bad-value') : high < 0 ? high : this.#take(4)
  }

  /** The length of a text or byte string that is all there; -1 when it is none, or refused. */
  #readLength(allowBin: boolean): number {
    const lead = this.#take(1)
    if (lead < 0) return -1
    let length = -1
    if (lead >>> 5 === 5) length = lead & 31
    else if (lead >= 0xd9 && lead <= 0xdb) length = this.#take(1 << (lead - 0xd9))
    else if (allowBin && lead >= 0xc4 && lead <= 0xc6) length = this.#take(1 << (lead - 0xc4))
    return length > this.#end - this.#at ? this.#refuse('short') : length
  }

  /** The next big-endian number of 1, 2 or 4 bytes, or -1. */
  #take(width: number): number {
    const at = this.#at
    if (at + width > this.#end) return this.#refuse('short')
    this.#at = at + width
    const bytes = this.#bytes
    return width === 1 ? u8(bytes, at) : width === 2 ? u16(bytes, at) : u32(bytes, at)
  }

  #skip(): void {
    this.#skipper.begin(this.#at)
    const result = this.#skipper.scan(this.#bytes, this.#end)
    if (result === 'complete') this.#at = this.#skipper.at
    else this.#refuse(result === 'partial' ? 'short' : result)
  }
}

function isMapped(address: Uint8Array): boolean {
  if (address.length !== MAPPED_BYTES || u16(address, 10) !== 0xffff) return false
  return u32(address, 0) === 0 && u32(address, 4) === 0 && u16(address, 8) === 0
}
