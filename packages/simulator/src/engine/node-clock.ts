/** A node's own monotonic clock: it began elsewhere, runs fast or slow, and jumps ahead. */
import { assert, type Instant } from '@weft/core'

/** A crystal's error at most, in parts per million; far worse than hardware is allowed to be. */
export const CLOCK_RATE_PPM_MAX = 2000

/** How a node's clock differs from the simulation's. */
export interface ClockError {
  /** What it shows at virtual instant 0, in ms. */
  readonly offsetMs: number
  /** How much faster it runs, in parts per million; negative: slower. */
  readonly ratePpm: number
}

/** A clock without error. */
export const exactClock: ClockError = { offsetMs: 0, ratePpm: 0 }

/** Turns virtual time into what one node sees, and back. Never goes back, as CLOCK_MONOTONIC. */
export class NodeClock {
  #offsetMs: number
  readonly #rate: number
  #latest = -Infinity

  constructor({ offsetMs, ratePpm }: ClockError) {
    assert(Math.abs(ratePpm) <= CLOCK_RATE_PPM_MAX, 'a clock is off by CLOCK_RATE_PPM_MAX at most')
    this.#offsetMs = offsetMs
    this.#rate = 1 + ratePpm / 1_000_000
  }

  /** What the node sees at virtual instant `at`. */
  read(at: number): Instant {
    const local = this.#offsetMs + at * this.#rate
    if (local > this.#latest) this.#latest = local
    return this.#latest as Instant
  }

  /** The virtual instant at which the node's clock shows `local`. */
  virtual(local: Instant): number {
    return (local - this.#offsetMs) / this.#rate
  }

  /** The clock shows at least `local` from now on: rounding never makes a timer come too early. */
  reach(local: Instant): Instant {
    if (local > this.#latest) this.#latest = local
    return this.#latest as Instant
  }

  /** Jump ahead, as a machine does that was suspended with its clock running. */
  step(ms: number): void {
    assert(ms >= 0, 'a monotonic clock does not go back')
    this.#offsetMs += ms
  }
}
