/** One end of a simulated TCP connection. */
import type { StreamId } from '@weft/gossip'

/** What waits to cross in one direction: bytes, or the end of the stream. */
export type Segment = Uint8Array | 'end'

/** One end, as its host's kernel sees it. */
export interface StreamEnd {
  readonly host: number
  /** The process that holds it: a successor on the same host does not. */
  readonly life: number
  /** The other end; null until its host has answered. */
  peer: StreamEnd | null
  /** Null until the core has accepted it. */
  id: StreamId | null
  /** What goes to the other end, in order; the head is tried until it is across. */
  readonly queue: Segment[]
  /** Times that the head was lost. */
  tries: number
  /** The head is on its way or waits for its next try. */
  isBusy: boolean
  lastArrival: number
  /** The core closed it, or was told of its end: it hears nothing more. */
  isClosed: boolean
}

/** A fresh end. */
export function streamEnd(host: number, life: number, id: StreamId | null): StreamEnd {
  return {
    host,
    life,
    peer: null,
    id,
    queue: [],
    tries: 0,
    isBusy: false,
    lastArrival: 0,
    isClosed: false,
  }
}
