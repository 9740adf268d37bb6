/** Netlink messages written one after another into one growing buffer that is kept for reuse. */
import {
  assert,
  ipFamily,
  ipLength,
  MAC_BYTES,
  setU16,
  setU16le,
  setU32,
  setU32le,
  setU8,
  u16le,
  writeIp,
  writeMac,
  type Ip,
  type Mac,
} from '@weft/core'
import {
  ATTRIBUTE_BYTES_MAX,
  ATTRIBUTE_HEADER_BYTES,
  NLA_F_NESTED,
  NLM_F,
  NLMSG_HEADER_BYTES,
} from './netlink-numbers.ts'

const INITIAL_BYTES = 4096
const INITIAL_MESSAGES = 64
const encoder = new TextEncoder()

/**
 * A batch of requests being written. Invariant: all bytes before `length` are whole messages,
 * except the last, whose length field is current only after the next `begin` or `finish`.
 * Writing creates no garbage once the buffer has grown to its working size.
 */
export class MessageWriter {
  #bytes = new Uint8Array(INITIAL_BYTES)
  #starts = new Uint32Array(INITIAL_MESSAGES)
  #end = 0
  #count = 0

  /** How many messages have been begun. */
  get count(): number {
    return this.#count
  }

  /** Forget all messages, keep the memory. */
  clear(): this {
    this.#end = 0
    this.#count = 0
    return this
  }

  /**
   * Begin a message with a zeroed fixed part of `bodyBytes`; returns where that part starts, for
   * the `set…` methods. NLM_F_REQUEST is added to `flags`.
   */
  begin(type: number, flags: number, bodyBytes: number): number {
    this.finish()
    if (this.#count === this.#starts.length) this.#growStarts()
    const start = this.#end
    this.#starts[this.#count++] = start
    const body = this.#reserve(NLMSG_HEADER_BYTES + align(bodyBytes)) + NLMSG_HEADER_BYTES
    setU16le(this.#bytes, start + 4, type)
    setU16le(this.#bytes, start + 6, flags | NLM_F.REQUEST)
    return body
  }

  /** Close the last message: write its length. Idempotent. */
  finish(): void {
    if (this.#count === 0) return
    const start = this.#starts[this.#count - 1] as number
    setU32le(this.#bytes, start, this.#end - start)
  }

  /** Where message `index` starts; `count` gives the end of the last. */
  startOf(index: number): number {
    assert(index >= 0 && index <= this.#count, 'no message of this index')
    return index === this.#count ? this.#end : (this.#starts[index] as number)
  }

  /** The bytes of messages `from` to `to` - 1: a view, good until the next write. */
  view(from = 0, to = this.#count): Uint8Array {
    this.finish()
    return this.#bytes.subarray(this.startOf(from), this.startOf(to))
  }

  /** Give message `index` its sequence number, and NLM_F_ACK when its outcome must be told. */
  stamp(index: number, sequence: number, acknowledge: boolean): void {
    const start = this.startOf(index)
    const flags = u16le(this.#bytes, start + 6) & ~NLM_F.ACK
    setU16le(this.#bytes, start + 6, acknowledge ? flags | NLM_F.ACK : flags)
    setU32le(this.#bytes, start + 8, sequence)
  }

  /** Write a byte of a fixed part. */
  setU8(at: number, value: number): void {
    setU8(this.#bytes, at, value)
  }

  /** Write 16 bits of a fixed part in host order. */
  setU16(at: number, value: number): void {
    setU16le(this.#bytes, at, value)
  }

  /** Write 32 bits of a fixed part in host order. */
  setU32(at: number, value: number): void {
    setU32le(this.#bytes, at, value)
  }

  /** Write several numbers of 32 bits in a row in a fixed part. */
  patchU32(at: number, values: readonly number[]): void {
    values.forEach((value, i) => setU32le(this.#bytes, at + 4 * i, value))
  }

  /** Copy bytes into a fixed part. */
  setBytes(at: number, value: Uint8Array): void {
    this.#bytes.set(value, at)
  }

  /** Forget all messages and what they said: keys have been in here. */
  wipe(): void {
    this.#bytes.fill(0)
    this.clear()
  }

  /** An attribute of one byte. */
  u8(type: number, value: number): void {
    const at = this.#attribute(type, 1)
    setU8(this.#bytes, at, value)
  }

  /** An attribute of 16 bits in host order. */
  u16(type: number, value: number): void {
    const at = this.#attribute(type, 2)
    setU16le(this.#bytes, at, value)
  }

  /** An attribute of 32 bits in host order; negative values as two's complement. */
  u32(type: number, value: number): void {
    const at = this.#attribute(type, 4)
    setU32le(this.#bytes, at, value)
  }

  /** An attribute of 16 bits in network order. */
  u16be(type: number, value: number): void {
    const at = this.#attribute(type, 2)
    setU16(this.#bytes, at, value)
  }

  /** An attribute of 32 bits in network order. */
  u32be(type: number, value: number): void {
    const at = this.#attribute(type, 4)
    setU32(this.#bytes, at, value)
  }

  /** An attribute of 64 bits in network order, exact up to 2^53. */
  u64be(type: number, value: number): void {
    const at = this.#attribute(type, 8)
    setU32(this.#bytes, at, Math.floor(value / 2 ** 32))
    setU32(this.#bytes, at + 4, value % 2 ** 32)
  }

  /** An attribute that says something by being there. */
  flag(type: number): void {
    this.#attribute(type, 0)
  }

  /** An attribute of text with a closing zero. */
  text(type: number, value: string): void {
    const bytes = encoder.encode(value)
    const at = this.#attribute(type, bytes.length + 1)
    this.#bytes.set(bytes, at)
  }

  /** An attribute holding these bytes. */
  bytes(type: number, value: Uint8Array): void {
    const at = this.#attribute(type, value.length)
    this.#bytes.set(value, at)
  }

  /** An attribute holding an address of 4 or 16 bytes. */
  ip(type: number, value: Ip): void {
    const at = this.#attribute(type, ipLength(ipFamily(value)))
    writeIp(this.#bytes, at, value)
  }

  /** An attribute holding a MAC. */
  mac(type: number, value: Mac): void {
    const at = this.#attribute(type, MAC_BYTES)
    writeMac(this.#bytes, at, value)
  }

  /**
   * Open an attribute that holds attributes, after a zeroed fixed part of `bodyBytes` (only
   * VETH_INFO_PEER has one). Give the result to `close`.
   */
  open(type: number, bodyBytes = 0): number {
    const start = this.#reserve(ATTRIBUTE_HEADER_BYTES + align(bodyBytes))
    setU16le(this.#bytes, start + 2, type | NLA_F_NESTED)
    return start
  }

  /** Close what `open` opened: write its length. */
  close(opened: number): void {
    const length = this.#end - opened
    assert(length <= ATTRIBUTE_BYTES_MAX, 'a nested attribute outgrew 16 bits of length')
    setU16le(this.#bytes, opened, length)
  }

  /**
   * Header of an attribute; returns where its value goes. Padding is zeroed. May replace the
   * buffer: callers take `#bytes` after this, not in the same expression.
   */
  #attribute(type: number, valueBytes: number): number {
    const length = ATTRIBUTE_HEADER_BYTES + valueBytes
    assert(length <= ATTRIBUTE_BYTES_MAX, 'an attribute outgrew 16 bits of length')
    const start = this.#reserve(align(length))
    setU16le(this.#bytes, start, length)
    setU16le(this.#bytes, start + 2, type)
    return start + ATTRIBUTE_HEADER_BYTES
  }

  /** Make room for zeroed bytes at the end; returns where they start. */
  #reserve(length: number): number {
    const start = this.#end
    const end = start + length
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, start))
      this.#bytes = grown
    }
    this.#bytes.fill(0, start, end)
    this.#end = end
    return start
  }

  #growStarts(): void {
    const grown = new Uint32Array(2 * this.#starts.length)
    grown.set(this.#starts)
    this.#starts = grown
  }
}

/** Messages and attributes start at multiples of 4 (NLMSG_ALIGN, NLA_ALIGN). */
function align(length: number): number {
  return (length + 3) & ~3
}
