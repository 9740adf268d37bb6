/** One simulated host and the process on it: running, blocked, or not there. */
import type { SocketAddress } from '@weft/core'
import type { StreamId } from '@weft/gossip'
import type { NodeClock } from './node-clock.ts'
import type { SimCore } from './sim-core.ts'
import type { StreamEnd } from './sim-stream.ts'

/** Linux's default for net.core.rmem_default, in bytes: what a blocked process's socket holds. */
export const SOCKET_BUFFER_BYTES_MAX = 212_992

/** What the kernel counts for a datagram beside its bytes: sk_buff and skb_shared_info. */
export const DATAGRAM_KERNEL_BYTES = 576

/** What crossed a host's network card, since its start. */
export interface Traffic {
  packetsSent: number
  /** UDP payload. */
  packetBytesSent: number
  packetsReceived: number
  packetsLost: number
  /** Datagrams that found the socket buffer of a blocked process full. */
  packetsOverflowed: number
  streamsOpened: number
  streamSegmentsSent: number
  streamBytesSent: number
}

/** A host. Its core is null while no process runs; `life` counts the processes it had. */
export class SimProcess<Core extends SimCore> {
  readonly index: number
  readonly address: SocketAddress
  readonly clock: NodeClock
  readonly streams = new Map<StreamId, StreamEnd>()
  readonly traffic: Traffic = {
    packetsSent: 0,
    packetBytesSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    packetsOverflowed: 0,
    streamsOpened: 0,
    streamSegmentsSent: 0,
    streamBytesSent: 0,
  }
  core: Core | null = null
  life = 0
  isBlocked = false
  /** When the timer that stands for this process in the event heap is due. */
  timerAt = Infinity
  /** Timers in a row at one instant: a core that is never done. */
  spins = 0
  spunAt = -1
  #waiting: (() => void)[] = []
  #waitingBytes = 0

  constructor(index: number, address: SocketAddress, clock: NodeClock) {
    this.index = index
    this.address = address
    this.clock = clock
  }

  /** A process begins, with nothing of its predecessor. */
  start(core: Core): void {
    this.core = core
    this.life++
    this.isBlocked = false
    this.timerAt = Infinity
    this.#forget()
  }

  /** The process is gone, and all that it held. */
  stop(): void {
    this.core = null
    this.isBlocked = false
    this.timerAt = Infinity
    this.#forget()
  }

  /** A datagram for a blocked process; false when its socket buffer is full. */
  holdDatagram(length: number, take: () => void): boolean {
    const bytes = length + DATAGRAM_KERNEL_BYTES
    if (this.#waitingBytes + bytes > SOCKET_BUFFER_BYTES_MAX) return false
    this.#waitingBytes += bytes
    this.#waiting.push(take)
    return true
  }

  /** Something of a stream: flow control keeps these bounded, not this queue. */
  holdStream(take: () => void): void {
    this.#waiting.push(take)
  }

  /** What waited, in the order in which it came. */
  takeWaiting(): readonly (() => void)[] {
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    return waiting
  }

  #forget(): void {
    this.takeWaiting()
    this.streams.clear()
  }
}
