/** Reads protobuf messages, nested ones by their window, without copying what is only passed. */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { equalBytes, utf8Bytes, utf8Text } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import { asciiText, TextMemo } from '../memberlist/text-memo.ts'
import { LAMPORT_TIME_MAX } from './messages.ts'
import { NETWORKDB_NAME_BYTES_MAX } from './limits.ts'

const names = new TextMemo()

/** Texts up to this length go through an array of codes; a longer one could exhaust the stack. */
const SHORT_TEXT_BYTES = 1024

/**
 * By their values; 6 and 7 are none. Groups (3, 4) are not read: no engine writes any, and the end
 * of one would be looked for in everything that follows, for each part of a compound anew.
 */
const WIRE_TYPES: readonly (WireType | undefined)[] = [
  WireType.Varint,
  WireType.Bit64,
  WireType.LengthDelimited,
  undefined,
  undefined,
  WireType.Bit32,
]

/**
 * A reader over one message. Bytes that are no protobuf make it throw, to be caught where the
 * message began; values that cannot be are noted, the first of them, and reading goes on.
 */
export class ProtoReader {
  readonly #bytes: Uint8Array
  readonly #reader: BinaryReader
  #fault: GossipFault | null = null

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#reader = new BinaryReader(bytes, decodeUtf8)
  }

  /** Where the next field is read. */
  get at(): number {
    return this.#reader.pos
  }

  set at(position: number) {
    this.#reader.pos = position
  }

  /** Note that a value cannot be. */
  refuse(fault: GossipFault): void {
    this.#fault ??= fault
  }

  /** What was refused first since the last call, or null. */
  takeFault(): GossipFault | null {
    const fault = this.#fault
    this.#fault = null
    return fault
  }

  /** A varint: a number, a tag (`field << 3 | wire type`), an enum or a bool. */
  uint32(): number {
    return this.#reader.uint32()
  }

  /** A Lamport time; 0 and noted when it is beyond LAMPORT_TIME_MAX. */
  lamportTime(): number {
    const start = this.#reader.pos
    const short = this.#reader.uint32()
    // Four bytes hold 28 bits: all there is. Else read again, with all 64 bits.
    if (this.#reader.pos - start <= 4) return short
    this.#reader.pos = start
    const time = Number(this.#reader.uint64())
    if (time <= LAMPORT_TIME_MAX) return time
    this.refuse('bad-value')
    return 0
  }

  /** The name of a node, network or table: 1 to NETWORKDB_NAME_BYTES_MAX bytes. */
  name(): string {
    const end = this.window(this.#bytes.length)
    const start = this.#reader.pos
    this.#reader.pos = end
    if (start === end || end - start > NETWORKDB_NAME_BYTES_MAX) this.refuse('bad-value')
    else return names.ascii(this.#bytes, start, end) ?? this.#utf8(start, end)
    return ''
  }

  /** A text of at most so many bytes; one that is no UTF-8 is a bad value. */
  text(bytesMax: number): string {
    const end = this.window(this.#bytes.length)
    const start = this.#reader.pos
    this.#reader.pos = end
    if (end - start > bytesMax) this.refuse('bad-value')
    else if (end - start > SHORT_TEXT_BYTES) return this.#utf8(start, end)
    else return asciiText(this.#bytes, start, end) ?? this.#utf8(start, end)
    return ''
  }

  /** Bytes, at most so many, as a copy: it may outlive the packet. */
  bytes(bytesMax: number): Uint8Array {
    const end = this.window(this.#bytes.length)
    const start = this.#reader.pos
    this.#reader.pos = end
    if (end - start <= bytesMax) return this.#bytes.slice(start, end)
    this.refuse('oversized')
    return new Uint8Array(0)
  }

  /** Read a length: the end of a nested message, which lies before `end`. */
  window(end: number): number {
    const length = this.#reader.uint32()
    const nestedEnd = this.#reader.pos + length
    if (nestedEnd > end) throw new RangeError('longer than what it stands in')
    return nestedEnd
  }

  /**
   * Pass over the field with this tag. Fields up to `fieldMax` are known: one of them that gets
   * here has the wrong wire type, which is no protobuf to Docker either.
   */
  skip(tag: number, fieldMax: number): void {
    const field = tag >>> 3
    if (field <= fieldMax) throw new RangeError('wrong wire type')
    const wireType = WIRE_TYPES[tag & 7]
    if (wireType === undefined) throw new RangeError('unknown wire type')
    this.#reader.skip(wireType, field)
  }

  /** The message that ends at `end` was read: its fields filled it exactly. */
  close(end: number): void {
    if (this.#reader.pos !== end) throw new RangeError('longer than what it stands in')
  }

  /** Two different wrong texts must not become one key: what is no UTF-8 is refused. */
  #utf8(start: number, end: number): string {
    const text = utf8Text(this.#bytes, start, end)
    const isExact =
      !text.includes('\ufffd') || equalBytes(utf8Bytes(text), this.#bytes.subarray(start, end))
    if (!isExact) this.refuse('bad-value')
    return text
  }
}

/** What `read` makes of one whole message, or why it was refused. Never throws. */
export function decodeProto<Value extends object>(
  bytes: Uint8Array,
  read: (reader: ProtoReader, end: number) => Value,
): Value | GossipFault {
  const reader = new ProtoReader(bytes)
  try {
    const value = read(reader, bytes.length)
    return reader.takeFault() ?? value
  } catch {
    return 'bad-protobuf'
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  return utf8Text(bytes, 0, bytes.length)
}
