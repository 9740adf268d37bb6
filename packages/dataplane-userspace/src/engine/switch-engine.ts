/** The switch: frames from ports and datagrams from peers go where tables say, or nowhere. */
import type {
  EngineState,
  SwitchCounters,
  SwitchOptions,
  SwitchSink,
  UnderlaySource,
} from './engine-state.ts'
import type { PacketView } from './packet-view.ts'

/** Bytes of the arena that a switch wants. */
export const SWITCH_ARENA_BYTES = 0x12_0000

/**
 * The engine. What `fromPort` and `fromUnderlay` are given may be changed by them: the bytes of the
 * window, and the view. Frames may wait to go out together: call `flush` after each burst.
 */
export class SwitchEngine {
  constructor(sink: SwitchSink, options: SwitchOptions) {
    void sink
    void options
  }

  /** Know this and nothing else from now on. */
  load(state: EngineState): void {
    void state
  }

  /** What the tables say, read from them. */
  read(): EngineState {
    return { peers: new Map(), subnets: new Map() }
  }

  /** A frame that a local endpoint sends. */
  fromPort(port: number, packet: PacketView): void {
    void port
    void packet
  }

  /** One datagram, or several of one flow, with a source as the socket told it. */
  fromUnderlay(packet: PacketView, from: UnderlaySource): void {
    void packet
    void from
  }

  /** Send what waits. */
  flush(): void {
    return
  }

  counters(): SwitchCounters {
    return { transmitted: 0, received: 0, dropped: new Map(), networks: new Map() }
  }
}
