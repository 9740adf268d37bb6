/** A set with its digest: its items by hash and by bucket, and the sums over them. */
import type { Instant } from '@weft/core'
import { bucketOf, DIGEST_BUCKETS, DigestSums, type DigestItem } from './digest-sums.ts'
import type { ItemHash } from './item-hash.ts'

/**
 * What a DigestSource answers from: each operation takes the same time however many items there
 * are. Items are kept as they were put, so a change is a new item put in the old one's place.
 */
export class DigestIndex<Item extends DigestItem> {
  /** The sums over the live items. */
  readonly sums: DigestSums = new DigestSums()
  readonly #buckets: (Map<number, Item> | null)[] = new Array<Map<number, Item> | null>(
    DIGEST_BUCKETS,
  ).fill(null)
  #size = 0

  /** Items, tombstones included. */
  get size(): number {
    return this.#size
  }

  /** Put an item in; it takes the place of the one with the same hash. */
  put(now: Instant, item: Item): void {
    const bucket = bucketOf(item.hash)
    const items = (this.#buckets[bucket] ??= new Map<number, Item>())
    const key = hashKey(item.hash)
    const former = items.get(key)
    if (former === undefined) this.#size++
    else this.sums.remove(now, former)
    items.set(key, item)
    this.sums.add(now, item)
  }

  /** Take the item with this hash out, if there is one. */
  delete(now: Instant, hash: ItemHash): void {
    const items = this.#buckets[bucketOf(hash)]
    const item = items?.get(hashKey(hash))
    if (item === undefined) return
    items?.delete(hashKey(hash))
    this.sums.remove(now, item)
    this.#size--
  }

  /** The item with this hash, or null. */
  get(hash: ItemHash): Item | null {
    return this.#buckets[bucketOf(hash)]?.get(hashKey(hash)) ?? null
  }

  /** The items of a bucket, tombstones included, in the order in which they first came. */
  inBucket(bucket: number): Iterable<Item> {
    return this.#buckets[bucket]?.values() ?? []
  }
}

/**
 * A number that stands for a hash among those of its bucket: a whole one of 53 bits. The bucket
 * has eight bits of the hash, this the rest but three: items that differ in these alone are one.
 */
export function hashKey(hash: ItemHash): number {
  return hash.high * 0x20_0000 + (hash.low >>> 11)
}
