/** Sums over a set that two nodes can compare, kept up to date as the set changes. */
import type { Instant } from '@weft/core'
import { LAMPORT_TIME_MAX } from '../networkdb/messages.ts'
import { versionHash, type ItemHash } from './item-hash.ts'

/** Buckets that the items of a set fall into by the low eight bits of their hash. */
export const DIGEST_BUCKETS = 256

/** Largest version: twice a Lamport time or an incarnation, and one more. */
export const VERSION_MAX = 2 * LAMPORT_TIME_MAX + 1

/** One item of a set, as a digest exchange speaks of it. Never changed: put a new one. */
export interface DigestItem extends ItemHash {
  /** Grows with every change of the item: an incarnation or a Lamport time, or made of one. */
  readonly version: number
  /** False for tombstones: told in an exchange, absent from sums. */
  readonly isLive: boolean
}

/** What two nodes compare first: how many live items, and 64 bits over all of them. */
export interface DigestTotal {
  readonly count: number
  readonly high: number
  readonly low: number
}

/** The bucket of an item. */
export function bucketOf(hash: ItemHash): number {
  return hash.low & (DIGEST_BUCKETS - 1)
}

/** Whether two totals are of the same set, but for odds of 2^-64. */
export function equalTotals(a: DigestTotal, b: DigestTotal): boolean {
  return a.low === b.low && a.high === b.high && a.count === b.count
}

/**
 * Sums of hashes modulo 2^32: one for each bucket, two over everything, so adding and removing
 * cost the same however large the set is, and their order leaves no trace. Only live items count.
 */
export class DigestSums {
  readonly #buckets = new Int32Array(DIGEST_BUCKETS)
  #count = 0
  #high = 0
  #low = 0
  #changedAt: Instant | null = null

  /** Live items in the set. */
  get count(): number {
    return this.#count
  }

  /** The sum of the high halves, signed. */
  get high(): number {
    return this.#high
  }

  /** The sum of the low halves, signed: that of all buckets. */
  get low(): number {
    return this.#low
  }

  /** When a live item came or went last; null: never. */
  get changedAt(): Instant | null {
    return this.#changedAt
  }

  /** The sum of one bucket, signed. */
  bucket(bucket: number): number {
    return this.#buckets[bucket] as number
  }

  /** Count an item in. */
  add(now: Instant, item: DigestItem): void {
    if (item.isLive) this.#shift(now, item, 1)
  }

  /** Count an item out, with the version it was counted in with. */
  remove(now: Instant, item: DigestItem): void {
    if (item.isLive) this.#shift(now, item, -1)
  }

  #shift(now: Instant, item: DigestItem, sign: 1 | -1): void {
    const { high, low } = versionHash(item, item.version)
    const bucket = bucketOf(item)
    this.#count += sign
    this.#high = (this.#high + sign * high) | 0
    this.#low = (this.#low + sign * low) | 0
    this.#buckets[bucket] = (this.bucket(bucket) + sign * low) | 0
    this.#changedAt = now
  }
}
