/** What crosses the simulated network, as somebody who looks on sees it. */

/** A datagram leaves a host. */
export interface Crossing {
  readonly from: number
  /** Null: nobody has that address. */
  readonly to: number | null
  /** Not the watcher's to change or keep. */
  readonly bytes: Uint8Array
  /** How many of it will arrive, if they are not cut off on the way. */
  readonly copies: number
}

/** Bytes of a stream leave a host. */
export interface StreamCrossing {
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
  /** The first in this direction of the stream. */
  readonly isFirst: boolean
}

/** Who looks on; each part is called if it is there. */
export interface WorldWatch {
  packet?(crossing: Crossing): void
  /** Bytes of a stream leave a host. */
  streamBytes?(crossing: StreamCrossing): void
  /** Anything else worth a line. */
  tell?(what: string, from: number, to: number): void
}
