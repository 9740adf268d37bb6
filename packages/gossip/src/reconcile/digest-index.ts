/** A set with its digest: its items by hash and by bucket, and the sums over them. */
import type { Instant } from '@weft/core'
import { HashTable } from '../hash-table.ts'
import { bucketOf, DigestSums, type DigestItem } from './digest-sums.ts'
import type { ItemHash } from './item-hash.ts'

/**
 * What a DigestSource answers from: each operation takes the same time however many items there
 * are. Items are kept as they were put, so a change is a new item put in the old one's place.
 */
export class DigestIndex<Item extends DigestItem> {
  /** The sums over the live items. */
  readonly sums: DigestSums = new DigestSums()
  readonly #items = new HashTable<Item, ItemHash>(BY_HASH)

  /** Items, tombstones included. */
  get size(): number {
    return this.#items.size
  }

  /** Put an item in; it takes the place of the one with the same hash. */
  put(now: Instant, item: Item): void {
    const former = this.#items.put(item)
    if (former !== null) this.sums.remove(now, former)
    this.sums.add(now, item)
  }

  /** Take the item with this hash out, if there is one. */
  delete(now: Instant, hash: ItemHash): void {
    const item = this.#items.delete(hash)
    if (item !== null) this.sums.remove(now, item)
  }

  /** The item with this hash, or null. */
  get(hash: ItemHash): Item | null {
    return this.#items.get(hash)
  }

  /** The items of a bucket, tombstones included, in no order that means anything. */
  inBucket(bucket: number): readonly Item[] {
    const lowest = bucket << BUCKET_SHIFT
    const near = this.#items.near(lowest, lowest | OTHER_BITS)
    return near.filter((item) => bucketOf(item) === bucket)
  }
}

/** The bits of the bucket come first, so that its items stand side by side. */
const BUCKET_SHIFT = 24
const OTHER_BITS = 0xff_ffff

const BY_HASH = {
  of: (item: ItemHash): ItemHash => item,
  hash: ({ low }: ItemHash): number => (low << BUCKET_SHIFT) | (low >>> 8),
  areEqual: (one: ItemHash, other: ItemHash): boolean =>
    one.low === other.low && one.high === other.high,
}
