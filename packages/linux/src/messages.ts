/** Walking the netlink messages of a received buffer, and reading acknowledgements. */
import { u16le, u32le } from '@weft/core'
import { AttributeReader } from './attribute-reader.ts'
import { kernelFault, type KernelFault } from './errors.ts'
import { NLM_F, NLMSG, NLMSG_HEADER_BYTES, NLMSGERR_ATTR_MSG } from './netlink-numbers.ts'

/** A cursor over messages. Total: a header or length that does not fit ends the walk. */
export class MessageReader {
  readonly bytes: Uint8Array
  readonly #end: number
  #next: number
  /** `nlmsg_type` of the current message. */
  type = 0
  /** `nlmsg_flags`. */
  flags = 0
  /** `nlmsg_seq`. */
  sequence = 0
  /** Where what follows the header starts. */
  from = 0
  /** Where the message ends. */
  to = 0

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.#next = start
    this.#end = Math.min(end, bytes.length)
  }

  /** Go to the next message; false when there is none or its length is impossible. */
  next(): boolean {
    const at = this.#next
    if (at + NLMSG_HEADER_BYTES > this.#end) return false
    const length = u32le(this.bytes, at)
    if (length < NLMSG_HEADER_BYTES || at + length > this.#end) return false
    this.type = u16le(this.bytes, at + 4)
    this.flags = u16le(this.bytes, at + 6)
    this.sequence = u32le(this.bytes, at + 8)
    this.from = at + NLMSG_HEADER_BYTES
    this.to = at + length
    this.#next = at + ((length + 3) & ~3)
    return true
  }

  /** Attributes after a fixed part of `bodyBytes`. */
  attributes(bodyBytes: number): AttributeReader {
    return new AttributeReader(this.bytes, this.from + ((bodyBytes + 3) & ~3), this.to)
  }

  /** Bytes after the header. */
  get length(): number {
    return this.to - this.from
  }
}

/**
 * The fault an NLMSG_ERROR (or NLMSG_DONE) carries; null for an acknowledgement. Reads the
 * kernel's text where NETLINK_EXT_ACK made it send one.
 */
export function faultOf(message: MessageReader): KernelFault | null {
  if (message.length < 4) return null
  const code = u32le(message.bytes, message.from) | 0
  if (code === 0) return null
  return kernelFault(code, acknowledgementText(message))
}

/** `struct nlmsgerr`: error, then the refused message's header and, unless capped, its body. */
function acknowledgementText(message: MessageReader): string | undefined {
  if ((message.flags & NLM_F.ACK_TLVS) === 0) return undefined
  const attributes = message.attributes(4 + echoedBytes(message))
  while (attributes.next()) if (attributes.type === NLMSGERR_ATTR_MSG) return attributes.text()
  return undefined
}

/** Bytes of the refused message that an NLMSG_ERROR repeats; an NLMSG_DONE repeats nothing. */
function echoedBytes(message: MessageReader): number {
  if (message.type !== NLMSG.ERROR || message.length < 4 + NLMSG_HEADER_BYTES) return 0
  if ((message.flags & NLM_F.CAPPED) !== 0) return NLMSG_HEADER_BYTES
  return Math.max(u32le(message.bytes, message.from + 4), NLMSG_HEADER_BYTES)
}
