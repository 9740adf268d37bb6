/** Sending many datagrams by one call, and runs of equal ones by one message. */
import { assert } from '@weft/core'
import type { DatagramSocket } from './datagram-socket.ts'
import type { Destinations } from './destinations.ts'
import { errno, errnoName } from './errno.ts'
import { OutgoingMessages, SEGMENTED_BYTES_MAX, SEGMENTS_MAX } from './outgoing-messages.ts'
import { PinnedMemory } from './pinned-memory.ts'
import { MSG, POLL } from './socket-numbers.ts'
import { pinned } from './syscalls.ts'

/** How long a flush waits, once, for room in the socket before it throws away what is left. */
export const SEND_WAIT_MS = 2

/** Messages a sender may hold back; measured, more than 64 gain nothing. */
export const SEND_MESSAGES_MAX = 1024

/** Error numbers are below this; a larger one would be counted with the last. */
const ERRNO_SLOTS = 256

const NOTHING_REFUSED: ReadonlyMap<string, number> = new Map()

/** Memories remembered at a time: callers have one or two. */
const MEMORIES_KEPT = 8

/** Where a sender sends, and how much it holds. */
export interface SenderOptions {
  /** Or what another thread was told of one. */
  readonly socket: Pick<DatagramSocket, 'fd' | 'segmentation'>
  /** May be shared with other senders. */
  readonly destinations: Destinations
  /** Messages held back until a flush. */
  readonly messagesMax: number
}

/** What became of datagrams; a segmented message counts as many. */
export interface SenderCounters {
  readonly sent: number
  /** Calls of sendmmsg. */
  readonly calls: number
  /** Thrown away because the socket had no room. */
  readonly congested: number
  /** Messages that a path refused with UDP_SEGMENT; their datagrams went one by one. */
  readonly unsegmented: number
  /** Datagrams the kernel refused, by error name. */
  readonly refused: ReadonlyMap<string, number>
}

/**
 * Collects datagrams and hands them over together. What is queued is not copied: it must stay as it
 * is until the next `flush`, after which the sender holds nothing. Datagrams to one destination
 * leave in the order in which they were queued.
 */
export class DatagramSender {
  readonly #fd: number
  readonly #destinations: Destinations
  readonly #segmentation: boolean
  readonly #queued: OutgoingMessages
  /** The datagrams of one refused message; made for the first one. */
  #singles: OutgoingMessages | null = null
  readonly #poll = PinnedMemory.allocate(8)
  readonly #refused = new Float64Array(ERRNO_SLOTS)
  /** Holds what queued addresses point into. */
  readonly #memories: PinnedMemory[] = []
  #sent = 0
  #calls = 0
  #congested = 0
  #unsegmented = 0

  constructor({ destinations, messagesMax, socket }: SenderOptions) {
    assert(messagesMax > 0 && messagesMax <= SEND_MESSAGES_MAX, 'a sender holds 1 to 1,024')
    this.#fd = socket.fd
    this.#destinations = destinations
    this.#segmentation = socket.segmentation === null
    this.#queued = new OutgoingMessages(messagesMax)
    new Int32Array(this.#poll.bytes.buffer).set([socket.fd, POLL.OUT])
  }

  /**
   * Queue one datagram; or, with `segmentBytes`, as many as there are parts of that length, the
   * last of what remains. Flushes when there is no room for it.
   */
  queue(
    bytes: Uint8Array,
    start: number,
    end: number,
    segmentBytes: number,
    destination: number,
  ): void {
    assert(start >= 0 && start < end && end <= bytes.length, 'a datagram has bytes')
    const memory = this.#memoryOf(bytes)
    const segment = segmentBytes > 0 ? segmentBytes : end - start
    const joins = this.#segmentation && this.#destinations.takesSegments(destination)
    const count = joins ? Math.min(SEGMENTS_MAX, Math.floor(SEGMENTED_BYTES_MAX / segment)) : 1
    const lengthMax = Math.max(1, count) * segment
    for (let from = start; from < end; from += lengthMax) {
      const length = Math.min(end - from, lengthMax)
      if (this.#queued.isFull) this.flush()
      const each = Math.min(segment, length)
      if (!joins || !this.#queued.takes(destination, each, length)) {
        this.#queued.begin(destination, this.#destinations)
      }
      const { vector } = this.#queued
      vector.setPlace(this.#queued.append(length, each), memory, from)
    }
  }

  /** Hand over all that is queued. After this its bytes are the caller's again. */
  flush(): void {
    if (this.#queued.count === 0) return
    this.#transmit(this.#queued)
    this.#queued.clear()
  }

  /** What happened so far. */
  counters(): SenderCounters {
    let refused: Map<string, number> | null = null
    // Not by forEach: it would make an object of each count.
    for (let number = 0; number < ERRNO_SLOTS; number++) {
      const count = this.#refused[number] as number
      if (count > 0) refused = (refused ?? new Map()).set(errnoName(number), count)
    }
    return {
      sent: this.#sent,
      calls: this.#calls,
      congested: this.#congested,
      unsegmented: this.#unsegmented,
      refused: refused ?? NOTHING_REFUSED,
    }
  }

  /** Where these bytes lie; keeps them from being collected while they are queued. */
  #memoryOf(bytes: Uint8Array): PinnedMemory {
    const memories = this.#memories
    for (let i = 0; i < memories.length; i++) {
      const one = memories[i] as PinnedMemory
      if (one.bytes === bytes) return one
    }
    const memory = PinnedMemory.over(bytes)
    if (this.#queued.count === 0 && memories.length >= MEMORIES_KEPT) memories.length = 0
    memories.push(memory)
    return memory
  }

  #transmit(messages: OutgoingMessages): void {
    let waited = false
    for (let done = 0; done < messages.count; ) {
      const left = messages.count - done
      const result = pinned.sendmmsg(this.#fd, messages.headerOf(done), left, MSG.DONTWAIT)
      this.#calls++
      if (result > 0) {
        for (let i = done; i < done + result; i++) this.#sent += messages.segmentsOf(i)
        done += result
      } else if (result === -errno.EAGAIN && !waited) {
        pinned.poll(this.#poll.addressAt(0), 1, SEND_WAIT_MS)
        waited = true
      } else if (result === -errno.EAGAIN) {
        for (let i = done; i < messages.count; i++) this.#congested += messages.segmentsOf(i)
        return
      } else if (result !== -errno.EINTR) {
        this.#handleRefusal(messages, done, -result)
        done++
      }
    }
  }

  /**
   * A path without checksum offload refuses segments with EIO, one whose MTU they exceed with
   * EINVAL or EMSGSIZE (udp_send_skb); single datagrams it takes, in fragments if need be.
   */
  #handleRefusal(messages: OutgoingMessages, index: number, code: number): void {
    const segments = messages.segmentsOf(index)
    const mayBeSegments = code === errno.EIO || code === errno.EINVAL || code === errno.EMSGSIZE
    if (segments > 1 && mayBeSegments) {
      this.#unsegmented++
      this.#destinations.refuseSegments(messages.destinationOf(index))
      this.#singles ??= new OutgoingMessages(SEGMENTS_MAX)
      this.#singles.clear()
      this.#singles.addEachOf(messages, index, this.#destinations)
      this.#transmit(this.#singles)
    } else {
      const number = Math.min(code, ERRNO_SLOTS - 1)
      this.#refused[number] = (this.#refused[number] as number) + segments
    }
  }
}
