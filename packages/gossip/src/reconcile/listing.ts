/** Comparing buckets: which differ, what is in them, and what either side lacks. */
import type { Instant } from '@weft/core'
import { BucketSet } from './bucket-set.ts'
import { bucketOf, DIGEST_BUCKETS, type DigestItem, type DigestSums } from './digest-sums.ts'
import type { DigestSource } from './digest-source.ts'
import { ITEMS_MAX } from './exchange-messages.ts'
import { hashKey, type ItemHash } from './item-hash.ts'

/** A listing stops after the bucket in which it came to this many items. */
export const LISTED_ITEMS = 2048

/** Bytes of messages told in one round of an exchange; what is left waits for the next round. */
export const TOLD_BYTES_MAX = 1_048_576

/** Hashes that `tell` is asked for at once. */
const TELL_HASHES = 64

/**
 * The buckets whose sums differ. The totals do: when no bucket does, two differences cancel out in
 * one (odds of 2^-32), and all of them have to be listed.
 */
export function differingBuckets(ours: DigestSums, theirs: Int32Array): BucketSet {
  const buckets = new BucketSet()
  for (let i = 0; i < DIGEST_BUCKETS; i++) if (ours.bucket(i) !== theirs[i]) buckets.add(i)
  return buckets.isEmpty ? BucketSet.all() : buckets
}

/** What a source knows in some buckets. */
export interface Listing {
  readonly covered: BucketSet
  readonly rest: BucketSet
  readonly items: readonly DigestItem[]
}

/**
 * List buckets, whole ones, until there are LISTED_ITEMS; at least one. The rest stays. Only a set
 * of millions has buckets that are cut at ITEMS_MAX; what is cut is told again, and harms nobody.
 */
export function listItems(source: DigestSource, buckets: BucketSet): Listing {
  const covered = new BucketSet()
  const rest = new BucketSet()
  const items: DigestItem[] = []
  for (const bucket of buckets) {
    if (items.length >= LISTED_ITEMS) rest.add(bucket)
    else {
      covered.add(bucket)
      for (const item of source.itemsOf(bucket)) if (items.length < ITEMS_MAX) items.push(item)
    }
  }
  return { covered, rest, items }
}

/** A listing in pieces of about so many items each, to be asked about one by one. */
export function splitListing({ covered, rest, items }: Listing, itemsMax: number): Listing[] {
  const listed = byBucket(items)
  const pieces: { covered: BucketSet; rest: BucketSet; items: DigestItem[] }[] = []
  let piece = { covered: new BucketSet(), rest, items: new Array<DigestItem>() }
  for (const bucket of covered) {
    const more = listed.get(bucket) ?? []
    if (piece.items.length > 0 && piece.items.length + more.length > itemsMax) {
      pieces.push(piece)
      piece = { covered: new BucketSet(), rest: new BucketSet(), items: [] }
    }
    piece.covered.add(bucket)
    piece.items.push(...more)
  }
  return [...pieces, piece]
}

/** What is to be told, and what could not be told or compared because it is enough for a round. */
export interface Telling {
  readonly messages: readonly Uint8Array[]
  readonly rest: BucketSet
}

/** What a comparison found: newer here, and newer there. */
export interface Findings extends Telling {
  readonly wanted: readonly DigestItem[]
}

/** A set, and how many bytes of it may be told in one answer. */
export interface Told {
  readonly source: DigestSource
  readonly bytesMax: number
}

/** Compare a listing with what we know; the first bucket wholly, whatever it costs. */
export function compareListing(now: Instant, theirs: Listing, told: Told): Findings {
  const { source, bytesMax } = told
  const listed = byBucket(theirs.items)
  const messages: Uint8Array[] = []
  const wanted: DigestItem[] = []
  const rest = new BucketSet()
  rest.addAll(theirs.rest)
  let bytes = 0
  for (const bucket of theirs.covered) {
    if (bytes >= bytesMax) rest.add(bucket)
    else {
      const newer = compareBucket(source.itemsOf(bucket), listed.get(bucket) ?? [], wanted)
      for (const message of newer.length === 0 ? [] : source.tell(now, newer)) {
        messages.push(message)
        bytes += message.length
      }
    }
  }
  return { messages, wanted, rest }
}

/** Tell what was asked for; the buckets of what is left are the rest. */
export function answerWants(
  now: Instant,
  wants: readonly ItemHash[],
  { source, bytesMax }: Told,
): Telling {
  const messages: Uint8Array[] = []
  const rest = new BucketSet()
  let bytes = 0
  for (let i = 0; i < wants.length; i += TELL_HASHES) {
    const hashes = wants.slice(i, i + TELL_HASHES)
    if (bytes >= bytesMax) for (const hash of hashes) rest.add(bucketOf(hash))
    else {
      for (const message of source.tell(now, hashes)) {
        messages.push(message)
        bytes += message.length
      }
    }
  }
  return { messages, rest }
}

/** Those of the items that have not come: unknown here, or still of an older version. */
export function stillWanted(
  source: DigestSource,
  wanted: readonly DigestItem[],
): readonly DigestItem[] {
  const left: DigestItem[] = []
  for (const [bucket, items] of byBucket(wanted)) {
    compareBucket(source.itemsOf(bucket), items, left)
  }
  return left
}

function byBucket(items: readonly DigestItem[]): Map<number, DigestItem[]> {
  const buckets = new Map<number, DigestItem[]>()
  for (const item of items) {
    const bucket = bucketOf(item)
    const others = buckets.get(bucket)
    if (others === undefined) buckets.set(bucket, [item])
    else others.push(item)
  }
  return buckets
}

/** Hashes of what is newer here; what is newer there is added to `wanted`. */
function compareBucket(
  ours: Iterable<DigestItem>,
  theirs: readonly DigestItem[],
  wanted: DigestItem[],
): ItemHash[] {
  const unmatched = new Map<number, DigestItem>()
  for (const item of theirs) unmatched.set(hashKey(item), item)
  const newer: ItemHash[] = []
  for (const item of ours) {
    const key = hashKey(item)
    const other = unmatched.get(key)
    if (other === undefined || other.version < item.version) newer.push(item)
    else if (other.version > item.version) wanted.push(other)
    unmatched.delete(key)
  }
  wanted.push(...unmatched.values())
  return newer
}
