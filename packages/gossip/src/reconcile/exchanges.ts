/** Which exchanges are under way, and how much they may send. */
import type { Instant } from '@weft/core'

/** An exchange is over when nothing was heard or said in it for so many ms. */
export const EXCHANGE_QUIET_MS = 500

/** Exchanges at once, over all sets and peers. */
export const EXCHANGES_MAX = 256

/** Rounds of one exchange: each brings 2,048 items or 1 MiB, unless the peer plays with us. */
export const EXCHANGE_ROUNDS_MAX = 1024

/** Bytes that all exchanges together begin to send in a second. */
export const SENT_BYTES_PER_SECOND_MAX = 8_388_608

/** Bytes of these that one peer can have: half, so that no peer can stop the others. */
export const PEER_BYTES_PER_SECOND_MAX = 4_194_304

const WINDOW_MS = 1000

interface Exchange {
  heardAt: Instant
  rounds: number
}

/**
 * At most one exchange for a set and a peer at a time, and a bound on what all of them cost. What
 * is refused is tried again with the next digest.
 */
export class Exchanges {
  readonly #open = new Map<string, Exchange>()
  readonly #sentTo = new Map<string, number>()
  #sent = 0
  #windowStart: Instant | null = null

  /** Begin one, unless it is under way or there is no room. */
  begin(now: Instant, setId: string, peer: string): boolean {
    const key = keyOf(setId, peer)
    return this.#underWay(now, key) === null && this.#enter(now, { key, peer, rounds: 0 })
  }

  /** The peer's turn has come and ours follows: false when it must not. */
  continue(now: Instant, setId: string, peer: string): boolean {
    const key = keyOf(setId, peer)
    const exchange = this.#underWay(now, key)
    const rounds = exchange === null ? 0 : exchange.rounds + 1
    return this.#enter(now, { key, peer, rounds })
  }

  /** Bytes were sent to a peer. */
  spend(now: Instant, peer: string, bytes: number): void {
    this.#turnWindow(now)
    this.#sent += bytes
    this.#sentTo.set(peer, (this.#sentTo.get(peer) ?? 0) + bytes)
  }

  #underWay(now: Instant, key: string): Exchange | null {
    const exchange = this.#open.get(key)
    if (exchange === undefined || now - exchange.heardAt >= EXCHANGE_QUIET_MS) return null
    return exchange
  }

  #enter(now: Instant, turn: { key: string; peer: string; rounds: number }): boolean {
    const { key, peer, rounds } = turn
    this.#turnWindow(now)
    if (rounds > EXCHANGE_ROUNDS_MAX) return false
    if (this.#sent >= SENT_BYTES_PER_SECOND_MAX) return false
    if ((this.#sentTo.get(peer) ?? 0) >= PEER_BYTES_PER_SECOND_MAX) return false
    if (!this.#open.has(key) && !this.#makeRoom(now)) return false
    this.#open.set(key, { heardAt: now, rounds })
    return true
  }

  #makeRoom(now: Instant): boolean {
    if (this.#open.size < EXCHANGES_MAX) return true
    for (const [key, { heardAt }] of this.#open) {
      if (now - heardAt >= EXCHANGE_QUIET_MS) this.#open.delete(key)
    }
    return this.#open.size < EXCHANGES_MAX
  }

  #turnWindow(now: Instant): void {
    if (this.#windowStart !== null && now - this.#windowStart < WINDOW_MS) return
    this.#windowStart = now
    this.#sent = 0
    this.#sentTo.clear()
  }
}

function keyOf(setId: string, peer: string): string {
  return `${setId}\0${peer}`
}
