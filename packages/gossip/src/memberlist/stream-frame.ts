/** The frame of a sealed message on a stream, and messages on their way out (§2.7). */
import { setU32, setU8 } from '@weft/core'
import { compress } from './compression.ts'
import { ENVELOPE_BYTES, sealInto } from './envelope.ts'
import { Label } from './label.ts'
import { MESSAGE_TYPE } from './message-type.ts'
import type { StreamMessage } from './messages.ts'
import { encodeStreamMessage } from './stream-messages.ts'
import type { WrapOptions } from './wrap-options.ts'

/** Type and length of the envelope. */
export const FRAME_HEADER_BYTES = 5

/**
 * The bytes of one stream message, compressed and sealed as the options say, with the label in
 * front: what begins a stream.
 */
export function wrapStreamMessage(options: WrapOptions, message: StreamMessage): Uint8Array {
  const label = new Label(options.label)
  const plain = encodeStreamMessage(message)
  const text = (options.compress ? compress(plain, Infinity) : null) ?? plain
  const key = options.keys?.primary() ?? null
  const from = label.header.length
  if (key === null) {
    if (from === 0) return text
    const labelled = new Uint8Array(from + text.length)
    labelled.set(label.header)
    labelled.set(text, from)
    return labelled
  }
  const length = ENVELOPE_BYTES + text.length
  const bytes = new Uint8Array(from + FRAME_HEADER_BYTES + length)
  bytes.set(label.header)
  setU8(bytes, from, MESSAGE_TYPE.encrypt)
  setU32(bytes, from + 1, length)
  const body = from + FRAME_HEADER_BYTES
  const associated = frameAssociated(bytes.subarray(from, body), label)
  sealInto(bytes, body, { text, associated, key, options })
  return bytes
}

/** What is authenticated beside the text: the frame's header and the label. */
export function frameAssociated(header: Uint8Array, label: Label): Uint8Array {
  const { bytes } = label
  if (bytes.length === 0) return header
  const associated = new Uint8Array(header.length + bytes.length)
  associated.set(header)
  associated.set(bytes, header.length)
  return associated
}
