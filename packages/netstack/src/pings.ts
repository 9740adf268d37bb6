/** Echo requests of ours, each waiting for its answer. */
import {
  equalBytes,
  instantAfter,
  valueError,
  type Cancellable,
  type Clock,
  type Instant,
  type Ip,
  type Random,
} from '@weft/core'
import { echoFrame, icmp } from '@weft/wire'
import type { QuotedPacket } from './icmp-error.ts'
import type { Outlet } from './outlet.ts'
import type { ReceiveDrop } from './stack-counters.ts'
import { stackError, type Unreachable } from './stack-errors.ts'

/** Pings that wait at a time. */
export const PINGS_MAX = 1024

/** Unless told otherwise, in milliseconds: longer than neighbours are asked for. */
export const PING_TIMEOUT_MS = 5_000

/** What a ping carries unless told otherwise, in bytes, as `ping` does. */
export const PING_BODY_BYTES = 56

/** How to ping. */
export interface PingOptions extends Cancellable {
  /** PING_TIMEOUT_MS unless given; in milliseconds. */
  readonly timeoutMs?: number
  /** PING_BODY_BYTES unless given; in bytes, behind the headers. */
  readonly bodyBytes?: number
}

/** An answered ping. */
export interface PingReply {
  /** From the request to the arrival of the answer, in milliseconds. */
  readonly ms: number
  /** Time to live, or hop limit, that the answer had left. */
  readonly ttl: number
}

/** An echo reply as it came. */
export interface EchoReply {
  readonly source: Ip
  readonly identifier: number
  readonly sequence: number
  readonly body: Uint8Array
  readonly ttl: number
  readonly at: Instant
}

interface Waiting {
  readonly destination: Ip
  readonly body: Uint8Array
  readonly sentAt: Instant
  readonly resolve: (reply: PingReply) => void
  readonly reject: (error: unknown) => void
}

/** What pings need. */
export interface PingPorts {
  readonly clock: Clock
  readonly random: Random
  readonly outlet: Outlet
}

/** One identifier for the stack, a sequence number for each ping. */
export class Pings {
  readonly #ports: PingPorts
  readonly #identifier: number
  readonly #waiting = new Map<number, Waiting>()
  #sequence = 0

  constructor(ports: PingPorts) {
    this.#ports = ports
    this.#identifier = ports.random.fork('pings').below(0x1_0000)
  }

  /**
   * Throws ERR_NO_ROUTE, ERR_MESSAGE_TOO_LONG, ERR_UNREACHABLE, ERR_NO_ANSWER, ERR_TOO_MANY,
   * ERR_CLOSED, ERR_INVALID_VALUE, and the signal's reason.
   */
  async ping(destination: Ip, options: PingOptions = {}): Promise<PingReply> {
    const { bodyBytes = PING_BODY_BYTES, signal, timeoutMs = PING_TIMEOUT_MS } = options
    if (signal?.aborted === true) throw signal.reason
    checkOptions(bodyBytes, timeoutMs)
    const { clock, outlet } = this.#ports
    const way = outlet.wayFor(destination, icmp.headerLength, bodyBytes)
    const sequence = this.#nextSequence()
    const body = Uint8Array.from({ length: bodyBytes }, (_, i) => i)
    const { promise, resolve, reject } = Promise.withResolvers<PingReply>()
    const sentAt = clock.now()
    this.#waiting.set(sequence, { destination, body, sentAt, resolve, reject })
    const late = (): void => {
      const details = { destination, timeoutMs }
      reject(stackError('ERR_NO_ANSWER', 'nobody answered in time', details))
    }
    const cancel = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', cancel)
    using _timer = clock.schedule(instantAfter(sentAt, timeoutMs), late)
    try {
      const identifier = this.#identifier
      outlet.transmit(
        way,
        echoFrame(way.envelope, { kind: 'echo-request', identifier, sequence, body }),
      )
      return await promise
    } finally {
      this.#waiting.delete(sequence)
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** An answer came. */
  answered({ at, body, identifier, sequence, source, ttl }: EchoReply): ReceiveDrop | null {
    const waiting = identifier === this.#identifier ? this.#waiting.get(sequence) : undefined
    if (waiting?.destination !== source || !equalBytes(waiting.body, body)) return 'unexpected'
    waiting.resolve({ ms: at - waiting.sentAt, ttl })
    return null
  }

  /** A request did not arrive. */
  failed({ words }: QuotedPacket, what: Unreachable): ReceiveDrop | null {
    const [identifier, sequence] = words
    const waiting = identifier === this.#identifier ? this.#waiting.get(sequence) : undefined
    if (waiting?.destination !== what.destination) return 'unexpected'
    waiting.reject(stackError('ERR_UNREACHABLE', 'the ping did not arrive', what))
    return null
  }

  /** The stack ends. */
  close(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(stackError('ERR_CLOSED', 'the stack was closed', { what: 'stack' }))
    }
  }

  #nextSequence(): number {
    if (this.#waiting.size >= PINGS_MAX) {
      const details = { what: 'pings', max: PINGS_MAX } as const
      throw stackError('ERR_TOO_MANY', 'too many pings wait for answers', details)
    }
    do this.#sequence = (this.#sequence + 1) & 0xffff
    while (this.#waiting.has(this.#sequence))
    return this.#sequence
  }
}

function checkOptions(bodyBytes: number, timeoutMs: number): void {
  if (!Number.isInteger(bodyBytes) || bodyBytes < 0) {
    throw unfit('bodyBytes', bodyBytes, 'a whole number of bytes')
  }
  if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
    throw unfit('timeoutMs', timeoutMs, 'a number of milliseconds')
  }
}

function unfit(kind: string, value: number, expected: string): Error {
  const details = { kind, text: String(value), expected }
  return valueError('ERR_INVALID_VALUE', 'not a way to ping', details)
}
