/** A set of buckets: 256 bits, and their 32 bytes on the wire. */
import { setU32, u32 } from '@weft/core'
import { DIGEST_BUCKETS } from './digest-sums.ts'

/** Bytes of a bucket set on the wire. */
export const BUCKET_SET_BYTES = DIGEST_BUCKETS / 8

/** Which buckets an exchange is about. */
export class BucketSet {
  readonly #words = new Int32Array(DIGEST_BUCKETS / 32)

  /** Every bucket. */
  static all(): BucketSet {
    const buckets = new BucketSet()
    buckets.#words.fill(-1)
    return buckets
  }

  /** From BUCKET_SET_BYTES bytes. */
  static read(bytes: Uint8Array): BucketSet {
    const buckets = new BucketSet()
    for (let i = 0; i < buckets.#words.length; i++) buckets.#words[i] = u32(bytes, 4 * i)
    return buckets
  }

  /** Its BUCKET_SET_BYTES bytes. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(BUCKET_SET_BYTES)
    for (let i = 0; i < this.#words.length; i++) setU32(bytes, 4 * i, this.#words[i] as number)
    return bytes
  }

  /** Put a bucket in. */
  add(bucket: number): void {
    const word = bucket >>> 5
    this.#words[word] = (this.#words[word] as number) | (1 << (bucket & 31))
  }

  /** Put all of another set's buckets in. */
  addAll(other: BucketSet): void {
    for (const bucket of other) this.add(bucket)
  }

  /** The same buckets dealt into so many sets; empty ones are left out. */
  dealt(count: number): BucketSet[] {
    const sets = Array.from({ length: count }, () => new BucketSet())
    let next = 0
    for (const bucket of this) sets[next++ % count]?.add(bucket)
    return sets.filter((set) => !set.isEmpty)
  }

  /** Those that are not in another set. */
  without(other: BucketSet): BucketSet {
    const left = new BucketSet()
    for (const bucket of this) if (!other.has(bucket)) left.add(bucket)
    return left
  }

  /** Whether a bucket is in. */
  has(bucket: number): boolean {
    return (((this.#words[bucket >>> 5] as number) >>> (bucket & 31)) & 1) === 1
  }

  /** Whether no bucket is in. */
  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0)
  }

  /** The buckets, in ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (let bucket = 0; bucket < DIGEST_BUCKETS; bucket++) if (this.has(bucket)) yield bucket
  }
}
