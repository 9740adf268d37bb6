/** Streams: push/pulls, pings and user messages, one of them on each (docker-wire §2.7). */
import { ipBytes, ipFamily, toHex, type Ip, type SocketAddress } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import type { Ping, PushPull, StreamMessage } from '../memberlist/messages.ts'
import { wrapStreamMessage } from '../memberlist/stream-frame.ts'
import { StreamReader } from '../memberlist/stream-reader.ts'
import type { WrapOptions } from '../memberlist/wrap-options.ts'
import type { StreamId } from '../output.ts'
import type { PacketSender } from './packet-sender.ts'
import type { Tally } from './tally.ts'
import type { Timers } from './timers.ts'

/** Streams at once in each direction. Beyond it others are refused, and ours fail (§2.7). */
export const STREAMS_MAX = 128

/** Bytes of unfinished messages that all streams may keep: three of the largest (§2.7). */
export const STREAMS_BYTES_MAX = 64 * 1024 * 1024

const NO_BYTES = new Uint8Array(0)

/** What streams work with. */
export interface ConversationParts {
  readonly wrap: WrapOptions
  readonly timers: Timers
  readonly sender: PacketSender
  readonly tally: Tally
  /** How long a stream may take in all, in ms. */
  readonly timeoutMs: number
  readonly events: ConversationEvents
}

/** What streams bring. */
export interface ConversationEvents {
  /** Our side of a push/pull. */
  localState(join: boolean): PushPull
  /** The other side's. False when it was refused as a whole. */
  merge(message: PushPull): boolean
  userMessage(bytes: Uint8Array): void
  /** True when a ping for this name is for us. */
  isForUs(node: string): boolean
  joinEnded(to: SocketAddress, reason: string | null): void
}

/** What a stream is for: whatever its first message asks, when another node opened it. */
type Purpose =
  | { readonly kind: 'answer'; readonly from: string }
  | { readonly kind: 'push-pull'; readonly to: SocketAddress; readonly join: boolean }
  | { readonly kind: 'ping'; readonly seqNo: number; readonly onAnswer: () => void }

interface Conversation {
  readonly id: StreamId
  readonly purpose: Purpose
  readonly reader: StreamReader
  readonly timer: Disposable
}

/** The streams of one node. Each has a deadline, and is over when it has brought its message. */
export class Conversations {
  readonly #parts: ConversationParts
  readonly #open = new Map<StreamId, Conversation>()
  #lastId = 0
  #accepted = 0
  #waitingBytes = 0

  constructor(parts: ConversationParts) {
    this.#parts = parts
  }

  /**
   * Someone connected. When there are STREAMS_MAX already, whoever has most of them gives one to
   * whoever has fewer: or one that says nothing could keep everybody out. Null: that is the same.
   */
  accept({ ip }: SocketAddress): StreamId | null {
    if (this.#accepted >= STREAMS_MAX) {
      this.#parts.tally.fault('too-many-streams')
      const oldest = this.#oldestOfMost(hostOf(ip))
      if (oldest === null) return null
      this.#end(oldest, true)
    }
    return this.#begin({ kind: 'answer', from: hostOf(ip) })
  }

  /** Bytes came. */
  received(id: StreamId, bytes: Uint8Array): void {
    const conversation = this.#open.get(id)
    if (conversation === undefined) return
    this.#parts.tally.streamBytesReceived += bytes.length
    const { reader } = conversation
    const { nodesRefused, waitingBytes } = reader
    const message = reader.push(bytes)
    this.#waitingBytes += reader.waitingBytes - waitingBytes
    for (let i = nodesRefused; i < reader.nodesRefused; i++) this.#parts.tally.fault('bad-value')
    if (message !== null) this.#take(conversation, message)
    else if (reader.fault !== null) this.#refuse(conversation, reader.fault)
    else if (this.#waitingBytes > STREAMS_BYTES_MAX) this.#refuse(this.#fullest(), 'oversized')
  }

  /** The other side ended it, or it failed. */
  ended(id: StreamId, clean: boolean): void {
    const conversation = this.#open.get(id)
    if (conversation === undefined) return
    if (conversation.reader.isPartial) this.#parts.tally.fault('stream-cut')
    this.#end(conversation, false)
    this.#fail(conversation, clean ? 'the other side said nothing' : 'no connection')
  }

  /** Exchange states with the node at an address. */
  pushPull(to: SocketAddress, join: boolean): void {
    if (this.#isBusy()) {
      if (join) this.#parts.events.joinEnded(to, 'too many streams are open')
      return
    }
    const id = this.#begin({ kind: 'push-pull', to, join })
    this.#parts.sender.push({ kind: 'stream-open', stream: id, to })
    this.#write(id, this.#parts.events.localState(join))
  }

  /** Ask a node for an answer. Disposing gives it up. */
  ping(to: SocketAddress, ping: Ping, onAnswer: () => void): Disposable {
    if (this.#isBusy()) return { [Symbol.dispose]: () => undefined }
    const id = this.#begin({ kind: 'ping', seqNo: ping.seqNo, onAnswer })
    this.#parts.sender.push({ kind: 'stream-open', stream: id, to })
    this.#write(id, ping)
    return {
      [Symbol.dispose]: () => {
        const conversation = this.#open.get(id)
        if (conversation !== undefined) this.#end(conversation, true)
      },
    }
  }

  /** Send a user message on a stream of its own; nothing comes back. */
  tell(to: SocketAddress, bytes: Uint8Array): void {
    const id = this.#nextId()
    this.#parts.sender.push({ kind: 'stream-open', stream: id, to })
    this.#write(id, { kind: 'user', bytes })
    this.#parts.sender.push({ kind: 'stream-close', stream: id })
  }

  #isBusy(): boolean {
    return this.#open.size - this.#accepted >= STREAMS_MAX
  }

  /** The oldest stream of the host that has most; null when `host` would have as many then. */
  #oldestOfMost(host: string): Conversation | null {
    const oldest = new Map<string, Conversation>()
    const counts = new Map<string, number>()
    let most = host
    for (const conversation of this.#open.values()) {
      const { purpose } = conversation
      if (purpose.kind !== 'answer') continue
      const { from } = purpose
      if (!oldest.has(from)) oldest.set(from, conversation)
      counts.set(from, (counts.get(from) ?? 0) + 1)
      if ((counts.get(from) ?? 0) > (counts.get(most) ?? 0)) most = from
    }
    const isFairer = (counts.get(most) ?? 0) > (counts.get(host) ?? 0) + 1
    return isFairer ? (oldest.get(most) ?? null) : null
  }

  /** The stream that keeps most bytes of an unfinished message; there is one. */
  #fullest(): Conversation {
    return [...this.#open.values()].reduce((fullest, other) =>
      other.reader.waitingBytes > fullest.reader.waitingBytes ? other : fullest,
    )
  }

  #nextId(): StreamId {
    this.#lastId++
    return this.#lastId as StreamId
  }

  #begin(purpose: Purpose): StreamId {
    const { wrap, timers, timeoutMs } = this.#parts
    const id = this.#nextId()
    const reader = new StreamReader(wrap)
    const timer = timers.after(timeoutMs, () => this.#expire(id))
    if (purpose.kind === 'answer') this.#accepted++
    this.#open.set(id, { id, purpose, reader, timer })
    return id
  }

  #expire(id: StreamId): void {
    const conversation = this.#open.get(id)
    if (conversation === undefined) return
    if (conversation.purpose.kind === 'answer') this.#parts.tally.fault('stream-cut')
    this.#end(conversation, true)
    this.#fail(conversation, 'no answer in time')
  }

  #take(conversation: Conversation, message: StreamMessage): void {
    switch (conversation.purpose.kind) {
      case 'answer':
        this.#answer(conversation, message)
        return
      case 'push-pull':
        this.#takeState(conversation, message)
        return
      case 'ping':
        this.#takeAck(conversation, message)
    }
  }

  /** What others ask of us. A responder answers first and merges then, as memberlist does. */
  #answer(conversation: Conversation, message: StreamMessage): void {
    const { events, tally } = this.#parts
    const { id } = conversation
    const isPing = message.kind === 'ping'
    if (message.kind === 'push-pull') this.#write(id, events.localState(message.join))
    else if (isPing && events.isForUs(message.node)) {
      this.#write(id, { kind: 'ack', seqNo: message.seqNo, payload: NO_BYTES })
    } else if (isPing) tally.ignored++
    this.#end(conversation, true)
    if (message.kind === 'push-pull') events.merge(message)
    else if (message.kind === 'user') events.userMessage(message.bytes)
    else if (!isPing) tally.fault('bad-type')
  }

  #takeState(conversation: Conversation, message: StreamMessage): void {
    const { events, tally } = this.#parts
    this.#end(conversation, true)
    if (message.kind === 'error') return this.#fail(conversation, message.error)
    if (message.kind !== 'push-pull') {
      tally.fault('bad-type')
      return this.#fail(conversation, 'the answer is no push/pull')
    }
    const { purpose } = conversation
    const isMerged = events.merge(message)
    if (!isMerged) return this.#fail(conversation, 'protocol versions do not overlap')
    if (purpose.kind === 'push-pull' && purpose.join) events.joinEnded(purpose.to, null)
  }

  #takeAck(conversation: Conversation, message: StreamMessage): void {
    const { purpose } = conversation
    this.#end(conversation, true)
    if (purpose.kind !== 'ping') return
    if (message.kind === 'ack' && message.seqNo === purpose.seqNo) purpose.onAnswer()
    else this.#parts.tally.ignored++
  }

  /** Whoever cannot be read is told, where memberlist tells it. */
  #refuse(conversation: Conversation, fault: GossipFault): void {
    this.#parts.tally.fault(fault)
    const error = REFUSALS[fault]
    if (conversation.purpose.kind === 'answer' && error !== undefined) {
      this.#write(conversation.id, { kind: 'error', error })
    }
    this.#end(conversation, true)
    this.#fail(conversation, `the answer is refused: ${fault}`)
  }

  #fail({ purpose }: Conversation, reason: string): void {
    if (purpose.kind !== 'push-pull' || !purpose.join) return
    this.#parts.events.joinEnded(purpose.to, reason)
  }

  #end(conversation: Conversation, close: boolean): void {
    if (conversation.purpose.kind === 'answer') this.#accepted--
    this.#waitingBytes -= conversation.reader.waitingBytes
    this.#open.delete(conversation.id)
    conversation.timer[Symbol.dispose]()
    if (close) this.#parts.sender.push({ kind: 'stream-close', stream: conversation.id })
  }

  #write(stream: StreamId, message: StreamMessage): void {
    const bytes = wrapStreamMessage(this.#parts.wrap, message)
    this.#parts.tally.streamBytesSent += bytes.length
    this.#parts.sender.push({ kind: 'stream-write', stream, bytes })
  }
}

/** Who is behind an address: a host may take any of its IPv6 subnet (RFC 4291 §2.5.1). */
function hostOf(ip: Ip): string {
  return ipFamily(ip) === 4 ? ip : toHex(ipBytes(ip).subarray(0, SUBNET_BYTES))
}

const SUBNET_BYTES = 8

/** What a responder says when it cannot read a stream; the texts were seen on the wire (§2.7). */
const REFUSALS: Readonly<Partial<Record<GossipFault, string>>> = {
  'not-sealed': 'Encryption is configured but remote state is not encrypted',
  'cannot-open': 'No installed keys could decrypt the message',
  'bad-version': 'No installed keys could decrypt the message',
  oversized: 'Remote node state is larger than limit',
}
