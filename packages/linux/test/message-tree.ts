/** A netlink message taken apart for comparison: order, padding and sequence numbers left out. */
import { toHex, u16le } from '@weft/core'
import { MessageReader, type AttributeReader } from '../src/index.ts'

/** Which attributes hold attributes: by type, what is inside; `skip` is a fixed part before. */
export interface Shape {
  readonly [type: number]: { readonly skip?: number; readonly inside?: Shape }
}

/** The one message of these bytes: type, flags without NLM_F_ACK, fixed part, sorted attributes. */
export function messageTree(bytes: Uint8Array, bodyBytes: number, shape: Shape): string[] {
  const message = new MessageReader(bytes, 0, bytes.length)
  if (!message.next()) throw new Error('no message')
  const flags = u16le(bytes, 6) & ~4
  const body = toHex(bytes.subarray(message.from, message.from + bodyBytes))
  const attributes = attributesTree(message.attributes(bodyBytes), shape)
  return [`${message.type} ${flags} ${body}`, ...attributes]
}

function attributesTree(attributes: AttributeReader, shape: Shape): string[] {
  const lines: string[] = []
  while (attributes.next()) {
    const { type } = attributes
    const nest = shape[type]
    if (nest === undefined) {
      // Text is sent with and without its closing zero.
      lines.push(`${type} ${toHex(attributes.copy()).replace(/(00)+$/, '')}`)
    } else {
      const skip = nest.skip ?? 0
      const fixed = toHex(attributes.copy().subarray(0, skip))
      for (const line of attributesTree(attributes.nested(skip), nest.inside ?? {})) {
        lines.push(`${type}[${fixed}] ${line}`)
      }
    }
  }
  return lines.sort()
}
