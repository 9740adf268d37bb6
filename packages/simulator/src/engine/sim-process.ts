/** One simulated host and the process on it: running, blocked, or not there. */
import type { SocketAddress } from '@weft/core'
import type { StreamId } from '@weft/gossip'
import type { NodeClock } from './node-clock.ts'
import type { SimCore } from './sim-core.ts'
import type { StreamEnd } from './sim-stream.ts'
import { SocketBuffer } from './socket-buffer.ts'

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

/** The timer that stands for a host's deadline among the events. */
export interface HostTimer {
  /** When it is due; Infinity: there is none. */
  at: number
  /** Ticks in a row at one instant: a core that is never done. */
  spins: number
  spunAt: number
}

/**
 * What stands still: the whole process, timers and all (as when it is starved of a processor, or
 * stopped); or only what it sends and hears, while its timers run (Lifeguard's anomaly, §V).
 */
export type Blockage = 'process' | 'network'

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
  readonly timer: HostTimer = { at: Infinity, spins: 0, spunAt: -1 }
  readonly buffer = new SocketBuffer()
  core: Core | null = null
  life = 0
  /** What does not go on; null: all does. */
  blocked: Blockage | null = null

  constructor(index: number, address: SocketAddress, clock: NodeClock) {
    this.index = index
    this.address = address
    this.clock = clock
  }

  /** A process begins, with nothing of its predecessor. */
  start(core: Core): void {
    this.core = core
    this.life++
    this.blocked = null
    this.timer.at = Infinity
    this.#forget()
  }

  /** The process is gone, and all that it held. */
  stop(): void {
    this.core = null
    this.blocked = null
    this.timer.at = Infinity
    this.#forget()
  }

  #forget(): void {
    this.buffer.take()
    this.buffer.takeOutputs()
    this.streams.clear()
  }
}
