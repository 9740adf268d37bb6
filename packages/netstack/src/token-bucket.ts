/** A rate that must not be exceeded: a burst of a second's worth, then one by one. */
import type { Instant } from '@weft/core'

/** Starts full. */
export class TokenBucket {
  readonly #perSecond: number
  #tokens: number
  #at: number

  /** `perSecond` divides 1,000. */
  constructor(perSecond: number, now: Instant) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#at = now
  }

  /** True when one more may be now. */
  take(now: Instant): boolean {
    const spacingMs = 1_000 / this.#perSecond
    const more = Math.floor((now - this.#at) / spacingMs)
    if (more > 0) {
      this.#tokens = Math.min(this.#perSecond, this.#tokens + more)
      this.#at += more * spacingMs
    }
    if (this.#tokens === 0) return false
    this.#tokens--
    return true
  }
}
