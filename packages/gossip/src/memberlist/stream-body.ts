/** Takes one message out of the bytes of a stream, as far as they have arrived (§2.7). */
import { u8 } from '@weft/core'
import type { GossipFault } from './faults.ts'
import type { PushPullNode, StreamMessage } from './messages.ts'
import { MsgpackScanner } from './msgpack-scanner.ts'
import {
  decodePushPullNode,
  decodeStreamHead,
  isStreamType,
  type StreamHead,
} from './stream-messages.ts'

/**
 * A message begins at a position and goes on as more bytes follow in the same place: where it was
 * cut is remembered, so that every byte is passed over once and decoded once.
 */
export class StreamBody {
  /** Nodes of push/pulls that were left out because what they say cannot be. */
  nodesRefused = 0
  readonly #scanner = new MsgpackScanner()
  #start = 0
  #valueAt = 0
  #head: StreamHead | null = null
  #nodes: PushPullNode[] = []
  #nodesLeft = 0

  /** Begin a message at `start`, with its type byte. */
  begin(start: number): void {
    this.#start = start
    this.#head = null
    this.#nodes = []
    this.#beginValue(start + 1)
  }

  /** Where the message ended, once it is complete. */
  get end(): number {
    return this.#valueAt
  }

  /** The message; null when it goes on behind `end`. */
  read(bytes: Uint8Array, end: number): StreamMessage | GossipFault | null {
    if (this.#head === null) {
      const fault = this.#readHead(bytes, end)
      if (fault !== null) return fault === 'partial' ? null : fault
    }
    const head = this.#head
    if (head === null) return null
    if (head.kind === 'whole') return head.message
    if (head.kind === 'user') return this.#readUser(bytes, end, head.bytes)
    return this.#readPushPull(bytes, end, head)
  }

  #beginValue(at: number): void {
    this.#valueAt = at
    this.#scanner.begin(at)
  }

  #readHead(bytes: Uint8Array, end: number): GossipFault | 'partial' | null {
    if (this.#start >= end) return 'partial'
    if (!isStreamType(u8(bytes, this.#start))) return 'bad-type'
    const result = this.#scanner.scan(bytes, end)
    if (result !== 'complete') return result
    const head = decodeStreamHead(bytes, this.#start, this.#scanner.at)
    if (typeof head === 'string') return head
    this.#head = head
    this.#nodesLeft = head.kind === 'push-pull' ? head.nodes : 0
    this.#beginValue(this.#scanner.at)
    return null
  }

  #readUser(bytes: Uint8Array, end: number, length: number): StreamMessage | null {
    const content = this.#tail(bytes, end, length)
    return content === null ? null : { kind: 'user', bytes: content }
  }

  #readPushPull(
    bytes: Uint8Array,
    end: number,
    head: Extract<StreamHead, { kind: 'push-pull' }>,
  ): StreamMessage | GossipFault | null {
    while (this.#nodesLeft > 0) {
      const result = this.#scanner.scan(bytes, end)
      if (result === 'partial') return null
      if (result !== 'complete') return result
      const node = decodePushPullNode(bytes, this.#valueAt, this.#scanner.at)
      if (typeof node === 'string') this.nodesRefused++
      else this.#nodes.push(node)
      this.#nodesLeft--
      this.#beginValue(this.#scanner.at)
    }
    const userState = this.#tail(bytes, end, head.userStateBytes)
    if (userState === null) return null
    return { kind: 'push-pull', join: head.join, nodes: this.#nodes, userState }
  }

  /** A copy of the last bytes of a message, which no msgpack encloses. */
  #tail(bytes: Uint8Array, end: number, length: number): Uint8Array | null {
    const at = this.#valueAt
    if (end - at < length) return null
    this.#valueAt = at + length
    return bytes.slice(at, at + length)
  }
}
