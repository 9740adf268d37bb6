/** The label that keeps clusters apart which share a network (docker-wire §2.1, §2.3). */
import { assert, equalBytes, u8, utf8Bytes } from '@weft/core'
import { LABEL_BYTES_MAX } from './limits.ts'
import { MESSAGE_TYPE } from './message-type.ts'

/** Type and length. */
const HEADER_BYTES = 2

/** A label and its header. Without a label the header is empty. */
export class Label {
  /** The text's bytes: authenticated with what is sealed. */
  readonly bytes: Uint8Array
  /** What stands in front of every datagram and stream. */
  readonly header: Uint8Array

  constructor(text: string) {
    this.bytes = utf8Bytes(text)
    const { length } = this.bytes
    assert(length <= LABEL_BYTES_MAX, 'a label has at most 255 bytes')
    this.header =
      length === 0 ? this.bytes : Uint8Array.of(MESSAGE_TYPE.label, length, ...this.bytes)
  }

  /**
   * Bytes to pass over at the front of what arrived: 0 or those of the header. -1: another label,
   * or none where one is expected. Null: more bytes are needed to tell.
   */
  strip(bytes: Uint8Array, start: number, end: number): number | null {
    if (start >= end) return null
    const isLabelled = u8(bytes, start) === MESSAGE_TYPE.label
    if (!isLabelled) return this.header.length === 0 ? 0 : -1
    if (this.header.length === 0) return -1
    if (end - start < HEADER_BYTES) return null
    if (u8(bytes, start + 1) !== this.bytes.length) return -1
    if (end - start < this.header.length) return null
    const there = bytes.subarray(start + HEADER_BYTES, start + this.header.length)
    return equalBytes(there, this.bytes) ? this.header.length : -1
  }
}
