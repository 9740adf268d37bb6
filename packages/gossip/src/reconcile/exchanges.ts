/** Which exchanges are under way, and how long each may go on. */
import type { Instant } from '@weft/core'

/** An exchange is over when nothing was heard or said in it for so many ms. */
export const EXCHANGE_QUIET_MS = 500

/** Exchanges at once, over all sets and peers. */
export const EXCHANGES_MAX = 256

/** Questions and answers of one exchange: each brings something, unless the peer plays with us. */
export const EXCHANGE_ROUNDS_MAX = 4096

/** After an answer too large for packets no question is answered again for so many ms. */
export const LARGE_ANSWER_MS = 500

interface Exchange {
  heardAt: Instant
  rounds: number
  answeredLargeAt: Instant | null
}

/** A set and a peer, as one key. */
export function exchangeKey(setId: string, peer: string): string {
  return `${setId}\0${peer}`
}

/** At most one exchange for a set and a peer at a time. */
export class Exchanges {
  readonly #open = new Map<string, Exchange>()

  /** Begin one, unless it is under way or there is no room. */
  begin(now: Instant, key: string): boolean {
    return this.#underWay(now, key) === null && this.#enter(now, key, null)
  }

  /** The peer has asked; false when it is not to be answered. */
  asked(now: Instant, key: string, isRetry: boolean): boolean {
    const exchange = this.#underWay(now, key)
    const largeAt = exchange?.answeredLargeAt ?? null
    // That answer is on its way: streams take their time.
    if (isRetry && largeAt !== null && now - largeAt < LARGE_ANSWER_MS) return false
    return this.#enter(now, key, exchange)
  }

  /** What goes out is too large for packets. */
  answeredLarge(now: Instant, key: string): void {
    const exchange = this.#open.get(key)
    if (exchange !== undefined) exchange.answeredLargeAt = now
  }

  #underWay(now: Instant, key: string): Exchange | null {
    const exchange = this.#open.get(key)
    if (exchange === undefined || now - exchange.heardAt >= EXCHANGE_QUIET_MS) return null
    return exchange
  }

  #enter(now: Instant, key: string, exchange: Exchange | null): boolean {
    if (exchange !== null) {
      if (exchange.rounds >= EXCHANGE_ROUNDS_MAX) return false
      exchange.rounds++
      exchange.heardAt = now
      return true
    }
    if (!this.#open.has(key) && !this.#makeRoom(now)) return false
    this.#open.set(key, { heardAt: now, rounds: 0, answeredLargeAt: null })
    return true
  }

  #makeRoom(now: Instant): boolean {
    if (this.#open.size < EXCHANGES_MAX) return true
    for (const [key, { heardAt }] of this.#open) {
      if (now - heardAt >= EXCHANGE_QUIET_MS) this.#open.delete(key)
    }
    return this.#open.size < EXCHANGES_MAX
  }
}
