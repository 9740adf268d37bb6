/** How much all exchanges together may send. */
import type { Instant } from '@weft/core'

/** Bytes that all exchanges together begin to send in a second. */
export const SENT_BYTES_PER_SECOND_MAX = 8_388_608

/** Bytes of these that one peer can have: half, so that no peer can stop the others. */
export const PEER_BYTES_PER_SECOND_MAX = 4_194_304

const WINDOW_MS = 1000

/** Counts bytes by the second. What is refused is tried again with a later digest. */
export class Allowance {
  readonly #sentTo = new Map<string, number>()
  #sent = 0
  #windowStart: Instant | null = null

  /** Bytes were sent to a peer. */
  spend(now: Instant, peer: string, bytes: number): void {
    this.#turnWindow(now)
    this.#sent += bytes
    this.#sentTo.set(peer, (this.#sentTo.get(peer) ?? 0) + bytes)
  }

  /** Whether more may be sent to this peer. */
  has(now: Instant, peer: string): boolean {
    this.#turnWindow(now)
    if (this.#sent >= SENT_BYTES_PER_SECOND_MAX) return false
    return (this.#sentTo.get(peer) ?? 0) < PEER_BYTES_PER_SECOND_MAX
  }

  #turnWindow(now: Instant): void {
    if (this.#windowStart !== null && now - this.#windowStart < WINDOW_MS) return
    this.#windowStart = now
    this.#sent = 0
    this.#sentTo.clear()
  }
}
