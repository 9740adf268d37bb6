/** Time as a port: protocols are handed instants and never look at a clock of the machine. */

/** Milliseconds on a clock that never goes back; only differences mean something. */
export type Instant = number & { readonly __instant: never }

/** Where time comes from. */
export interface Clock {
  /** Monotonic. The only clock protocol code may read. */
  now(): Instant
  /** Epoch milliseconds: for logs, and for what X.509 dates. Nothing else is decided by it. */
  wall(): number
  /** Run once at or after `at`. Disposing cancels. Tasks due together run in schedule order. */
  schedule(at: Instant, task: () => void): Disposable
}

/** The instant `ms` milliseconds later (or earlier, when negative). */
export function instantAfter(instant: Instant, ms: number): Instant {
  return (instant + ms) as Instant
}
