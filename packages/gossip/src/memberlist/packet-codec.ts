/** Datagrams: what wraps messages on their way out, and how it is taken off again (§2.3). */
import { assert, setU16, setU32, setU8, u16, u32, u8 } from '@weft/core'
import { compress, decompress } from './compression.ts'
import { crc32 } from './crc32.ts'
import { ENVELOPE_BYTES, openEnvelope, sealInto } from './envelope.ts'
import type { GossipFault } from './faults.ts'
import { Label } from './label.ts'
import {
  COMPOUND_PARTS_MAX,
  LAYER_DEPTH_MAX,
  PACKET_DECOMPRESSED_BYTES_MAX,
  PACKET_MESSAGES_MAX,
} from './limits.ts'
import { MESSAGE_TYPE } from './message-type.ts'
import type { PacketMessage } from './messages.ts'
import { decodePacketMessage } from './packet-messages.ts'
import type { WrapOptions } from './wrap-options.ts'

/** Bytes of a checksum with its type (§2.3). */
export const CRC_BYTES = 5
/** Bytes of a compound's type and number of parts (§2.4). */
export const COMPOUND_BYTES = 2
/** Bytes of the length of each of its parts. */
export const PART_BYTES = 2

/** Takes a message. */
type OnMessage = (message: PacketMessage) => void
/** Takes the reason why something was refused. */
type OnFault = (fault: GossipFault) => void

/** Wraps and unwraps the datagrams of one cluster. */
export class PacketCodec {
  readonly #options: WrapOptions
  readonly #label: Label
  readonly #layers = new Layers()

  constructor(options: WrapOptions) {
    this.#options = options
    this.#label = new Label(options.label)
  }

  /** Bytes that label and envelope add: what a sender subtracts from its packet budget. */
  get overhead(): number {
    const isSealed = this.#primary() !== null
    return this.#label.header.length + (isSealed ? ENVELOPE_BYTES : 0)
  }

  /**
   * Take a datagram apart: label, envelope, checksum, compounds, compression. `onMessage` is called
   * for each message in order of appearance, `onFault` for each thing refused. A compound cut short
   * still yields its complete leading parts. The bytes of a user message are a view of the
   * datagram: whoever keeps them copies them. Never throws by itself.
   */
  open(bytes: Uint8Array, onMessage: OnMessage, onFault: OnFault): void {
    const skipped = this.#label.strip(bytes, 0, bytes.length)
    if (skipped === null || skipped < 0) {
      onFault(skipped === null ? 'short' : 'bad-label')
      return
    }
    if (this.#primary() === null) {
      this.#unwrap(bytes, skipped, { onMessage, onFault })
      return
    }
    const text = skipped === 0 ? bytes : bytes.subarray(skipped)
    const plain = openEnvelope({ text, associated: this.#label.bytes }, this.#options)
    if (typeof plain === 'string') onFault(isInClear(text, plain) ? 'not-sealed' : plain)
    else this.#unwrap(plain, 0, { onMessage, onFault })
  }

  /**
   * One datagram of these encoded messages: a compound when there are several (at most
   * COMPOUND_PARTS_MAX), compressed if that is shorter, with a CRC if `checksum`, sealed under the
   * primary key when there is one, labelled.
   */
  wrap(parts: readonly Uint8Array[], checksum: boolean): Uint8Array {
    const messages = packed(parts)
    const short = this.#options.compress ? compress(messages, messages.length) : null
    const body = short ?? messages
    const key = this.#primary()
    const label = this.#label.header
    if (key === null && !checksum && label.length === 0) return body
    const text = checksum ? checked(body) : body
    if (key === null && label.length === 0) return text
    const overhead = label.length + (key === null ? 0 : ENVELOPE_BYTES)
    const packet = new Uint8Array(overhead + text.length)
    packet.set(label)
    if (key === null) packet.set(text, label.length)
    else {
      const associated = this.#label.bytes
      sealInto(packet, label.length, { text, associated, key, options: this.#options })
    }
    return packet
  }

  #primary(): Uint8Array | null {
    return this.#options.keys?.primary() ?? null
  }

  #unwrap(bytes: Uint8Array, start: number, sinks: Sinks): void {
    let from = start
    if (bytes.length - start >= CRC_BYTES && u8(bytes, start) === MESSAGE_TYPE.crc) {
      from = start + CRC_BYTES
      if (crc32(bytes, from, bytes.length) !== u32(bytes, start + 1)) {
        sinks.onFault('bad-checksum')
        return
      }
    }
    this.#layers.unwrap(bytes, from, sinks)
  }
}

interface Sinks {
  readonly onMessage: OnMessage
  readonly onFault: OnFault
}

/** Compounds and compressions of one datagram, with one allowance for all of them together. */
class Layers {
  #messages = 0
  #bytes = 0

  unwrap(bytes: Uint8Array, start: number, sinks: Sinks): void {
    this.#messages = PACKET_MESSAGES_MAX
    this.#bytes = PACKET_DECOMPRESSED_BYTES_MAX
    this.#open({ bytes, end: bytes.length, depth: 0, sinks }, start)
  }

  #open(layer: Layer, start: number): void {
    const { bytes, end, sinks } = layer
    const type = start < end ? u8(bytes, start) : -1
    const isWrapper = type === MESSAGE_TYPE.compound || type === MESSAGE_TYPE.compress
    if (isWrapper && layer.depth === LAYER_DEPTH_MAX) sinks.onFault('too-deep')
    else if (type === MESSAGE_TYPE.compound) this.#openCompound(layer, start + 1)
    else if (type === MESSAGE_TYPE.compress) this.#openCompressed(layer, start + 1)
    else {
      const message = decodePacketMessage(bytes, start, end)
      if (typeof message === 'string') sinks.onFault(message)
      else sinks.onMessage(message)
    }
  }

  #openCompound({ bytes, end, depth, sinks }: Layer, start: number): void {
    const parts = start < end ? u8(bytes, start) : 0
    let from = start + 1 + PART_BYTES * parts
    if (start >= end || from > end) {
      sinks.onFault('short')
      return
    }
    for (let part = 0; part < parts; part++) {
      const to = from + u16(bytes, start + 1 + PART_BYTES * part)
      if (to > end || this.#messages === 0) {
        sinks.onFault(to > end ? 'short' : 'too-many')
        return
      }
      this.#messages--
      this.#open({ bytes, end: to, depth: depth + 1, sinks }, from)
      from = to
    }
  }

  #openCompressed({ bytes, end, depth, sinks }: Layer, start: number): void {
    const plain = decompress(bytes, start, end, this.#bytes)
    if (typeof plain === 'string') {
      sinks.onFault(plain)
      return
    }
    this.#bytes -= plain.length
    this.#open({ bytes: plain, end: plain.length, depth: depth + 1, sinks }, 0)
  }
}

interface Layer {
  readonly bytes: Uint8Array
  readonly end: number
  readonly depth: number
  readonly sinks: Sinks
}

/** A first byte that is no version of an envelope, and a message's type: sent in the clear. */
function isInClear(bytes: Uint8Array, fault: GossipFault): boolean {
  return fault === 'bad-version' && u8(bytes, 0) <= MESSAGE_TYPE.error
}

/** One message as it is, several as a compound (§2.4). */
function packed(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts
  assert(first !== undefined, 'a datagram has a message')
  if (parts.length === 1) return first
  assert(parts.length <= COMPOUND_PARTS_MAX, 'a compound has at most 127 parts')
  let length = COMPOUND_BYTES + PART_BYTES * parts.length
  for (const part of parts) length += part.length
  const compound = new Uint8Array(length)
  setU8(compound, 0, MESSAGE_TYPE.compound)
  setU8(compound, 1, parts.length)
  let at = COMPOUND_BYTES
  let body = COMPOUND_BYTES + PART_BYTES * parts.length
  for (const part of parts) {
    setU16(compound, at, part.length)
    compound.set(part, body)
    at += PART_BYTES
    body += part.length
  }
  return compound
}

function checked(body: Uint8Array): Uint8Array {
  const text = new Uint8Array(CRC_BYTES + body.length)
  setU8(text, 0, MESSAGE_TYPE.crc)
  setU32(text, 1, crc32(body, 0, body.length))
  text.set(body, CRC_BYTES)
  return text
}
