/** The message that holds others in compressed form (docker-wire §2.2, §2.5). */
import type { GossipFault } from './faults.ts'
import { FIELD, fieldSet } from './field.ts'
import { FieldReader } from './field-reader.ts'
import { decodeLzw } from './lzw-decode.ts'
import { encodeLzw } from './lzw-encode.ts'
import { MESSAGE_TYPE } from './message-type.ts'
import { MsgpackWriter } from './msgpack-writer.ts'

/** The only algorithm that there is. */
const LZW = 0
/** Type, map, two keys, algorithm and the shortest header of the content. */
const WRAPPER_BYTES = 13

const COMPRESS_FIELDS = fieldSet(FIELD.algo, FIELD.buf)

const reader = new FieldReader()

/**
 * The compressing message for `plain`, its type first; null when it has `below` bytes or more.
 */
export function compress(plain: Uint8Array, below: number): Uint8Array | null {
  if (below <= WRAPPER_BYTES) return null
  const content = encodeLzw(plain, below - WRAPPER_BYTES)
  if (content === null) return null
  const writer = new MsgpackWriter()
  writer.byte(MESSAGE_TYPE.compress)
  writer.map(2)
  writer.key(FIELD.algo)
  writer.uint(LZW)
  writer.key(FIELD.buf)
  writer.raw(content)
  const message = writer.take()
  return message.length < below ? message : null
}

/** What the message holds; the window begins behind its type byte. At most `max` bytes. */
export function decompress(
  bytes: Uint8Array,
  start: number,
  end: number,
  max: number,
): Uint8Array | GossipFault {
  const fault = reader.read(bytes, start, end, COMPRESS_FIELDS)
  if (fault !== null) return fault
  if (reader.number(FIELD.algo) !== LZW) return 'bad-compression'
  const content = reader.view(FIELD.buf)
  return decodeLzw(content, 0, content.length, max)
}
