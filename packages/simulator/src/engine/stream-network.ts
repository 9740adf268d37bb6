/** TCP as gossip sees it: reliable, in order, late when packets are lost, dead in the end. */
import type { SocketAddress } from '@weft/core'
import type { StreamId } from '@weft/gossip'
import type { StreamCrossing } from './crossing.ts'
import type { NetworkModel } from './network-model.ts'
import type { SimCore } from './sim-core.ts'
import type { SimProcess } from './sim-process.ts'
import { streamEnd, type Segment, type StreamEnd } from './sim-stream.ts'

/** First retransmission of a SYN, in ms (RFC 6298 §2.1); doubled each time. */
export const SYN_RETRY_MS = 1000

/** First retransmission of a segment, in ms (Linux's TCP_RTO_MIN); doubled each time. */
export const SEGMENT_RETRY_MS = 200

/** Tries until a connection attempt fails (net.ipv4.tcp_syn_retries): about two minutes. */
export const SYN_TRIES_MAX = 6

/** Tries until a segment's connection fails: about two minutes; Linux waits longer. */
export const SEGMENT_TRIES_MAX = 9

/** Bytes of one segment: an Ethernet frame's worth, with timestamps. */
export const SEGMENT_BYTES_MAX = 1448

/** What streams need of the world around them. */
export interface StreamLines<Core extends SimCore> {
  readonly model: NetworkModel
  now(): number
  at(when: number, run: () => void): void
  host(index: number): SimProcess<Core>
  hostAt(address: SocketAddress): SimProcess<Core> | null
  /** Give a core its input, and do what it wants. */
  input(host: SimProcess<Core>, act: (core: Core) => void): void
  /** Bytes that a core wrote are about to cross. */
  sent(crossing: StreamCrossing): void
  tell(what: string, from: number, to: number): void
}

/** All streams of a simulated network. */
export class StreamNetwork<Core extends SimCore> {
  readonly #lines: StreamLines<Core>

  constructor(lines: StreamLines<Core>) {
    this.#lines = lines
  }

  /** A core opens a stream. */
  open(host: SimProcess<Core>, id: StreamId, to: SocketAddress): void {
    const opener = streamEnd(host.index, host.life, id)
    host.streams.set(id, opener)
    host.traffic.streamsOpened++
    opener.isBusy = true
    this.#dial(opener, to, 0)
  }

  /** A core writes. Ends that are gone swallow it, as a reset connection does. */
  write(host: SimProcess<Core>, id: StreamId, bytes: Uint8Array): void {
    const end = host.streams.get(id)
    if (end === undefined || end.isClosed || bytes.length === 0) return
    end.queue.push(bytes.slice())
    this.#flow(end)
  }

  /** A core closes: what it wrote still goes, and it hears nothing more. */
  close(host: SimProcess<Core>, id: StreamId): void {
    const end = host.streams.get(id)
    if (end === undefined || end.isClosed) return
    host.streams.delete(id)
    end.isClosed = true
    end.queue.push('end')
    this.#flow(end)
  }

  #dial(opener: StreamEnd, to: SocketAddress, tries: number): void {
    if (!this.#holds(opener)) return
    const host = this.#lines.hostAt(to)
    const there = host === null ? null : this.#crossing(opener.host, host.index)
    const back = host === null ? null : this.#crossing(host.index, opener.host)
    if (host === null || there === null || back === null || host.core === null) {
      if (tries === SYN_TRIES_MAX) return this.#fail(opener, 'timed out')
      const retry = this.#lines.now() + SYN_RETRY_MS * 2 ** tries
      return this.#lines.at(retry, () => this.#dial(opener, to, tries + 1))
    }
    this.#lines.at(this.#lines.now() + there, () => this.#arrive(opener, host))
    this.#lines.at(this.#lines.now() + there + back, () => {
      opener.isBusy = false
      this.#flow(opener)
    })
  }

  /** The kernel answers the SYN, whatever the process does; the process accepts when it can. */
  #arrive(opener: StreamEnd, host: SimProcess<Core>): void {
    if (host.core === null) return
    const acceptor = streamEnd(host.index, host.life, null)
    acceptor.peer = opener
    opener.peer = acceptor
    this.#lines.tell('stream', opener.host, host.index)
    const from = this.#lines.host(opener.host).address
    this.#give(host, () => {
      this.#lines.input(host, (core) => {
        acceptor.id = core.streams.accept(host.clock.read(this.#lines.now()), from)
        if (acceptor.id === null) this.#reset(acceptor, opener)
        else host.streams.set(acceptor.id, acceptor)
      })
    })
  }

  /** Send what waits at this end, head first, until one is lost. */
  #flow(end: StreamEnd): void {
    while (!end.isBusy && end.queue.length > 0) {
      if (!this.#isAlive(end)) return
      const other = end.peer
      // The host died between SYN and accept: nobody will ever answer.
      if (other === null) return this.#fail(end, 'timed out')
      const travel = this.#crossing(end.host, other.host)
      const to = this.#lines.host(other.host)
      if (travel === null || to.core === null) return this.#retry(end)
      this.#send(end, other, travel)
    }
  }

  #send(end: StreamEnd, other: StreamEnd, travel: number): void {
    const segment = end.queue.shift()
    if (segment === undefined) return
    end.tries = 0
    if (segment !== 'end') {
      const { traffic } = this.#lines.host(end.host)
      traffic.streamBytesSent += segment.length
      traffic.streamSegmentsSent += Math.ceil(segment.length / SEGMENT_BYTES_MAX)
      const isFirst = end.lastArrival === 0
      this.#lines.sent({ from: end.host, to: other.host, bytes: segment, isFirst })
    }
    end.lastArrival = Math.max(end.lastArrival, this.#lines.now() + travel)
    this.#lines.at(end.lastArrival, () => this.#deliver(end, other, segment))
  }

  #retry(end: StreamEnd): void {
    if (end.tries === SEGMENT_TRIES_MAX) return this.#fail(end, 'timed out')
    const when = this.#lines.now() + SEGMENT_RETRY_MS * 2 ** end.tries++
    end.isBusy = true
    this.#lines.at(when, () => {
      end.isBusy = false
      this.#flow(end)
    })
  }

  #deliver(end: StreamEnd, other: StreamEnd, segment: Segment): void {
    const host = this.#lines.host(other.host)
    if (host.core === null) return
    if (host.life !== other.life) return this.#fail(end, 'reset')
    this.#give(host, () => {
      if (other.isClosed || other.id === null) {
        if (segment !== 'end') this.#fail(end, 'reset')
        return
      }
      const { id } = other
      const now = host.clock.read(this.#lines.now())
      if (segment !== 'end') {
        return this.#lines.input(host, (core) => core.streams.received(now, id, segment))
      }
      this.#forget(host, other)
      this.#lines.input(host, (core) => core.streams.ended(now, id, true))
    })
  }

  /** This end's connection is no more: its core is told once. */
  #fail(end: StreamEnd, why: string): void {
    const host = this.#lines.host(end.host)
    end.queue.length = 0
    if (!this.#holds(end) || end.id === null) return
    const { id } = end
    this.#lines.tell(`stream ${why}`, end.host, end.peer?.host ?? end.host)
    this.#give(host, () => {
      if (end.isClosed) return
      this.#forget(host, end)
      const now = host.clock.read(this.#lines.now())
      this.#lines.input(host, (core) => core.streams.ended(now, id, false))
    })
  }

  /** The process refused a connection that its kernel had taken. */
  #reset(acceptor: StreamEnd, opener: StreamEnd): void {
    acceptor.isClosed = true
    const back = this.#crossing(acceptor.host, opener.host)
    if (back === null) return
    this.#lines.at(this.#lines.now() + back, () => this.#fail(opener, 'refused'))
  }

  #forget(host: SimProcess<Core>, end: StreamEnd): void {
    end.isClosed = true
    end.queue.length = 0
    if (end.id !== null) host.streams.delete(end.id)
  }

  #crossing(from: number, to: number): number | null {
    return from === to ? 0 : this.#lines.model.segment(from, to)
  }

  /** The process of this end still runs: what it wrote still goes, even after it closed. */
  #isAlive(end: StreamEnd): boolean {
    const host = this.#lines.host(end.host)
    return host.core !== null && host.life === end.life
  }

  /** The core of this end still wants to hear of it. */
  #holds(end: StreamEnd): boolean {
    return this.#isAlive(end) && !end.isClosed
  }

  #give(host: SimProcess<Core>, take: () => void): void {
    if (host.blocked !== null) host.buffer.holdStream(take)
    else take()
  }
}
