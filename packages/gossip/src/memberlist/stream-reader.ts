/** Streams: takes messages out of bytes, however they were cut up on their way (§2.7). */
import { u32, u8 } from '@weft/core'
import { decompress } from './compression.ts'
import { ENVELOPE_BYTES, openEnvelope } from './envelope.ts'
import type { GossipFault } from './faults.ts'
import { Label } from './label.ts'
import { DECOMPRESSED_BYTES_MAX, STREAM_BYTES_MAX } from './limits.ts'
import { MESSAGE_TYPE } from './message-type.ts'
import type { StreamMessage } from './messages.ts'
import { MsgpackScanner } from './msgpack-scanner.ts'
import { StreamBody } from './stream-body.ts'
import { FRAME_HEADER_BYTES, frameAssociated } from './stream-frame.ts'
import type { WrapOptions } from './wrap-options.ts'

const NOTHING = new Uint8Array(0)

/** What the next bytes are. */
type Stage = 'label' | 'outer' | 'frame' | 'compressed' | 'body'

/**
 * Reads one direction of a stream. memberlist sends one message on each; what follows it is read as
 * another one. Work is linear in the bytes given; what is kept is at most STREAM_BYTES_MAX.
 */
export class StreamReader {
  readonly #options: WrapOptions
  readonly #label: Label
  readonly #body = new StreamBody()
  readonly #inner = new StreamBody()
  readonly #scanner = new MsgpackScanner()
  #stage: Stage = 'label'
  #bytes = NOTHING
  #start = 0
  #end = 0
  #fault: GossipFault | null = null

  constructor(options: WrapOptions) {
    this.#options = options
    this.#label = new Label(options.label)
  }

  /** Why the stream was given up, if it was. */
  get fault(): GossipFault | null {
    return this.#fault
  }

  /** Bytes were given and no complete message came of them. */
  get isPartial(): boolean {
    return this.waitingBytes > 0
  }

  /** Bytes that were given and are kept, because no complete message came of them yet. */
  get waitingBytes(): number {
    return this.#fault === null ? this.#end - this.#start : 0
  }

  /** Nodes of push/pulls that were left out so far because what they say cannot be. */
  get nodesRefused(): number {
    return this.#body.nodesRefused + this.#inner.nodesRefused
  }

  /**
   * The next message that is complete, or null: more bytes are needed, or a fault was found (then
   * `fault` says so and everything later is ignored). When several messages are complete, pushing
   * nothing gives the next one.
   */
  push(bytes: Uint8Array): StreamMessage | null {
    if (this.#fault !== null) return null
    this.#append(bytes)
    const result = this.#read()
    if (typeof result === 'string') return this.#refuse(result)
    if (result !== null) {
      this.#stage = 'outer'
      return result
    }
    const isTooLong = this.#end - this.#start > FRAME_HEADER_BYTES + STREAM_BYTES_MAX
    return isTooLong ? this.#refuse('oversized') : null
  }

  #refuse(fault: GossipFault): null {
    this.#fault = fault
    this.#bytes = NOTHING
    return null
  }

  #read(): StreamMessage | GossipFault | null {
    if (this.#stage === 'label') {
      const skipped = this.#label.strip(this.#bytes, this.#start, this.#end)
      if (skipped === null) return null
      if (skipped < 0) return 'bad-label'
      if (skipped === this.#end - this.#start) return null
      this.#start += skipped
      this.#stage = 'outer'
    }
    if (this.#stage === 'outer') {
      const fault = this.#readOuter()
      if (fault !== null) return fault
    }
    if (this.#stage === 'frame') return this.#readFrame()
    if (this.#stage === 'compressed') return this.#readCompressed()
    return this.#stage === 'body' ? this.#readBody() : null
  }

  /** By the first byte: sealed, compressed, or neither. */
  #readOuter(): GossipFault | null {
    if (this.#start === this.#end) return null
    this.#compact()
    const type = u8(this.#bytes, this.#start)
    const isSealed = type === MESSAGE_TYPE.encrypt
    const hasKeys = this.#options.keys !== null && this.#options.keys.primary() !== null
    if (isSealed !== hasKeys) return isSealed ? 'cannot-open' : 'not-sealed'
    this.#stage = isSealed ? 'frame' : type === MESSAGE_TYPE.compress ? 'compressed' : 'body'
    this.#scanner.begin(this.#start + 1)
    this.#body.begin(this.#start)
    return null
  }

  #readFrame(): StreamMessage | GossipFault | null {
    const from = this.#start + FRAME_HEADER_BYTES
    if (this.#end < from) return null
    const length = u32(this.#bytes, this.#start + 1)
    if (length < ENVELOPE_BYTES) return 'short'
    if (length > STREAM_BYTES_MAX) return 'oversized'
    if (this.#end < from + length) return null
    const header = this.#bytes.subarray(this.#start, from)
    const text = this.#bytes.subarray(from, from + length)
    const associated = frameAssociated(header, this.#label)
    const plain = openEnvelope({ text, associated }, this.#options)
    if (typeof plain === 'string') return plain
    this.#consume(from + length)
    return this.#readWhole(plain)
  }

  /** What an envelope held: a message that is all there, perhaps compressed. */
  #readWhole(plain: Uint8Array): StreamMessage | GossipFault {
    if (plain.length === 0 || u8(plain, 0) !== MESSAGE_TYPE.compress) return this.#readInner(plain)
    const inflated = decompress(plain, 1, plain.length, DECOMPRESSED_BYTES_MAX)
    return typeof inflated === 'string' ? inflated : this.#readInner(inflated)
  }

  #readInner(plain: Uint8Array): StreamMessage | GossipFault {
    this.#inner.begin(0)
    return this.#inner.read(plain, plain.length) ?? 'short'
  }

  #readCompressed(): StreamMessage | GossipFault | null {
    const result = this.#scanner.scan(this.#bytes, this.#end)
    if (result !== 'complete') return result === 'partial' ? null : result
    const to = this.#scanner.at
    const inflated = decompress(this.#bytes, this.#start + 1, to, DECOMPRESSED_BYTES_MAX)
    if (typeof inflated === 'string') return inflated
    this.#consume(to)
    return this.#readInner(inflated)
  }

  #readBody(): StreamMessage | GossipFault | null {
    const message = this.#body.read(this.#bytes, this.#end)
    if (message !== null && typeof message !== 'string') this.#consume(this.#body.end)
    return message
  }

  /** Everything before `to` is done with. */
  #consume(to: number): void {
    this.#start = to
    if (to !== this.#end) return
    this.#bytes = NOTHING
    this.#start = 0
    this.#end = 0
  }

  /** Between messages what is done with makes room, as often as that costs less than it brought. */
  #compact(): void {
    if (this.#start <= this.#end - this.#start) return
    this.#bytes.copyWithin(0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const needed = this.#end + bytes.length
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, this.#end))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.#end)
    this.#end = needed
  }
}
