/** How long to wait before the next attempt: longer each time, and never two nodes alike. */
import { assert, type Random } from '@weft/core'

/** First and longest wait, in ms. */
export interface BackoffOptions {
  readonly firstMs: number
  readonly lastMs: number
}

/** What dockerd does between sessions: 100 ms, doubling, up to 8 s (docker-wire §7.6). */
export const SESSION_BACKOFF: BackoffOptions = { firstMs: 100, lastMs: 8_000 }

/**
 * Waits that double up to a longest one. Each is drawn between half of it and all of it, so that
 * a thousand nodes which lost one manager together do not come back together.
 */
export class Backoff {
  readonly #options: BackoffOptions
  readonly #random: Random
  #wholeMs: number

  constructor(options: BackoffOptions, random: Random) {
    const fits = options.firstMs >= 1 && options.lastMs >= options.firstMs
    assert(fits, 'a back-off begins at 1 ms or more and does not shrink')
    this.#options = options
    this.#random = random
    this.#wholeMs = options.firstMs
  }

  /** ms to wait now; the next is up to twice as long. */
  nextMs(): number {
    const half = Math.floor(this.#wholeMs / 2)
    const wait = half + this.#random.below(this.#wholeMs - half) + 1
    this.#wholeMs = Math.min(this.#wholeMs * 2, this.#options.lastMs)
    return wait
  }

  /** It worked: begin anew the next time. */
  reset(): void {
    this.#wholeMs = this.#options.firstMs
  }
}
