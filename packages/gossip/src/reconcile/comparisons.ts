/** What comparing digests has shown of each set, and which differences are worth an exchange. */
import type { Instant } from '@weft/core'
import type { DigestTotal } from './digest-sums.ts'
import type { DigestSource } from './digest-source.ts'
import type { DigestEntry } from './exchange-messages.ts'

/** A set that changed less than so many ms ago differs because gossip is still under way. */
export const FLUX_MS = 500

/** A peer that has this many items more than we is asked for them alone, not along with others. */
export const BULK_ITEMS = 512

const BULK_QUIET_MS = 1000

interface Comparison {
  differsSince: Instant | null
  /** When an exchange of this set was begun although it was in flux. */
  hurriedAt: Instant | null
  bulkPeer: string
  bulkAt: Instant | null
}

/** By set: since when it differs, and from whom much is being fetched. */
export class Comparisons {
  readonly #sets = new Map<string, Comparison>()

  /** Since when the set differs from some peer's; null when it agreed with the last one. */
  differsSince(setId: string): Instant | null {
    return this.#sets.get(setId)?.differsSince ?? null
  }

  /** It has differed for long enough not to be gossip under way. */
  isOverdue(now: Instant, setId: string): boolean {
    const since = this.differsSince(setId)
    return since !== null && now - since >= FLUX_MS
  }

  /** A peer has the same. */
  agreed(setId: string): void {
    const comparison = this.#sets.get(setId)
    if (comparison !== undefined) comparison.differsSince = null
  }

  /** A peer has something else. */
  differed(now: Instant, setId: string): void {
    this.#of(setId).differsSince ??= now
  }

  /** Nobody is there to differ from. */
  nobodyThere(): void {
    for (const comparison of this.#sets.values()) comparison.differsSince = null
  }

  /** The set is not ours any more. */
  forget(setId: string): void {
    this.#sets.delete(setId)
  }

  /**
   * Whether a difference is worth an exchange. A set at rest: yes. One that has just changed:
   * only when it is overdue at either side, and only now and then, since under constant change
   * every comparison finds a difference.
   */
  isWorthwhile(now: Instant, source: DigestSource, theirs: DigestEntry): boolean {
    const { changedAt } = source.sums
    if (changedAt === null || now - changedAt >= FLUX_MS) return true
    if (!theirs.isOverdue && !this.isOverdue(now, source.id)) return false
    const comparison = this.#of(source.id)
    const { hurriedAt } = comparison
    if (hurriedAt !== null && now - hurriedAt < FLUX_MS) return false
    comparison.hurriedAt = now
    return true
  }

  /** Whether a peer has much that we have not. */
  isBulk(source: DigestSource, theirs: DigestTotal): boolean {
    return theirs.count - source.sums.count > BULK_ITEMS
  }

  /** Whether we may fetch from this peer: much at once is fetched from one peer at a time. */
  mayFetch(
    now: Instant,
    source: DigestSource,
    from: { readonly peer: string; readonly total: DigestTotal },
  ): boolean {
    if (!this.isBulk(source, from.total)) return true
    const comparison = this.#of(source.id)
    const { bulkPeer, bulkAt } = comparison
    const isTaken = bulkAt !== null && now - bulkAt < BULK_QUIET_MS
    if (isTaken && bulkPeer !== from.peer) return false
    comparison.bulkPeer = from.peer
    comparison.bulkAt = now
    return true
  }

  /** The peer that we fetch from has sent something. */
  fetched(now: Instant, setId: string, peer: string): void {
    const comparison = this.#sets.get(setId)
    if (comparison?.bulkPeer === peer) comparison.bulkAt = now
  }

  #of(setId: string): Comparison {
    let comparison = this.#sets.get(setId)
    if (comparison === undefined) {
      comparison = { differsSince: null, hurriedAt: null, bulkPeer: '', bulkAt: null }
      this.#sets.set(setId, comparison)
    }
    return comparison
  }
}
