/** The envelope of every NetworkDB message: a type and the bytes of what it wraps (§3.2). */
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { setU8, utf8Bytes } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import { decodeProto, type ProtoReader } from './proto-reader.ts'

/** Types of messages (docker-wire §3.2). 64 to 79 are Weft's own, which an engine throws away. */
export const NETWORKDB_TYPE = {
  network: 1,
  table: 2,
  pushPull: 3,
  bulkSync: 4,
  compound: 5,
  node: 6,
} as const

/** A message taken out of its envelope; `data` is a view of the bytes given. */
export interface GossipMessage {
  readonly type: number
  readonly data: Uint8Array
}

/** The type of a message; 0, which nobody uses, when there is none to be read. */
export function messageType(bytes: Uint8Array): number {
  const message = openGossipMessage(bytes)
  return typeof message === 'string' ? 0 : message.type
}

/** Take a message out of its envelope. Never throws. */
export function openGossipMessage(bytes: Uint8Array): GossipMessage | GossipFault {
  return decodeProto(bytes, (reader) => {
    const { type, end } = readEnvelope(reader, bytes.length)
    return { type, data: bytes.subarray(reader.at, end) }
  })
}

/** What an envelope says: the type, and where the data ends. */
export interface Envelope {
  readonly type: number
  readonly end: number
}

/** Read the envelope that ends at `end` and leave the reader where its data begins. Throws. */
export function readEnvelope(reader: ProtoReader, end: number): Envelope {
  let type = 0
  let dataStart = end
  let dataEnd = end
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 0x08: // type = 1
        type = reader.uint32()
        break
      case 0x12: // data = 2
        dataEnd = reader.window(end)
        dataStart = reader.at
        reader.at = dataEnd
        break
      default:
        reader.skip(tag, 2)
    }
  }
  reader.close(end)
  reader.at = dataStart
  return { type, end: dataEnd }
}

/** A message in its envelope: what travels. */
export function gossipMessage(type: number, data: Uint8Array): Uint8Array {
  const writer = openEnvelope(type)
  if (data.length > 0) writer.uint32(0x12).bytes(data)
  return writer.finish()
}

/** Write an envelope's type; its data comes next. */
export function openEnvelope(type: number, writer: BinaryWriter = protoWriter()): BinaryWriter {
  return writer.uint32(0x08).uint32(type)
}

/** A writer with our own UTF-8: pure packages have no TextEncoder. */
export function protoWriter(): BinaryWriter {
  return new BinaryWriter(textBytes)
}

/** As `utf8Bytes`, faster for what nearly every text here is: ASCII. */
function textBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return utf8Bytes(text)
    setU8(bytes, i, code)
  }
  return bytes
}
