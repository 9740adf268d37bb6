/** What became of frames, by reason. */
import type { WireFault } from '@weft/wire'

/** Why a frame that came was of no use. Each frame has one reason at most. */
export type ReceiveDrop =
  | WireFault
  /** The inbox was full. */
  | 'inbox-full'
  /** The stack has no addresses yet. */
  | 'unconfigured'
  /** For another MAC or address, or for a group that we are not in. */
  | 'not-ours'
  /** From an address that no packet may come from. */
  | 'bad-source'
  /** A part of a packet: nothing is put together here. */
  | 'fragment'
  /** IPv6 with extension headers. */
  | 'extension'
  /** A kind of frame, protocol or message that nothing here is for. */
  | 'unhandled'
  /** ARP or neighbour discovery that breaks its rules (RFC 4861 §7.1). */
  | 'bad-neighbour'
  /** Somebody else says that an address of ours is theirs. */
  | 'address-conflict'
  /** An answer or an error about something that we did not send, or have given up. */
  | 'unexpected'
  /** No socket is bound to the port. */
  | 'no-socket'
  /** The socket has as many datagrams as it holds. */
  | 'socket-full'

/** Why a frame of ours did not leave. */
export type TransmitDrop =
  /** Not attached. */
  | 'no-cable'
  /** Nobody said where the next hop is. */
  | 'no-neighbour'
  /** More waited for one neighbour than may; the oldest went. */
  | 'neighbour-queue-full'
  /** As many neighbours are asked for as may be. */
  | 'neighbours-full'
  /** An answer that there is no way for. */
  | 'no-route'
  /** An answer larger than the MTU. */
  | 'too-long'
  /** An ICMP error over the rate. */
  | 'error-rate'

/** Counts since the stack was made; they only grow. `received = accepted + Σ dropped`. */
export interface StackCounters {
  /** Frames that were dealt with, one way or the other. */
  readonly received: number
  readonly accepted: number
  readonly dropped: ReadonlyMap<ReceiveDrop, number>
  /** Frames that left. */
  readonly transmitted: number
  readonly unsent: ReadonlyMap<TransmitDrop, number>
}

/** Where the parts of a stack count. */
export class Tally {
  #received = 0
  #accepted = 0
  #transmitted = 0
  readonly #dropped = new Map<ReceiveDrop, number>()
  readonly #unsent = new Map<TransmitDrop, number>()

  /** A frame came; null when it was of use. */
  received(drop: ReceiveDrop | null): void {
    this.#received++
    if (drop === null) this.#accepted++
    else this.#dropped.set(drop, (this.#dropped.get(drop) ?? 0) + 1)
  }

  transmitted(): void {
    this.#transmitted++
  }

  unsent(drop: TransmitDrop): void {
    this.#unsent.set(drop, (this.#unsent.get(drop) ?? 0) + 1)
  }

  read(): StackCounters {
    return {
      received: this.#received,
      accepted: this.#accepted,
      dropped: new Map(this.#dropped),
      transmitted: this.#transmitted,
      unsent: new Map(this.#unsent),
    }
  }
}
