/** Laws of hashes, sums and indexes: what a digest says depends on the set alone. */
import type { Instant } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BUCKET_SET_BYTES, BucketSet } from '../src/reconcile/bucket-set.ts'
import { DigestIndex } from '../src/reconcile/digest-index.ts'
import {
  bucketOf,
  DIGEST_BUCKETS,
  DigestSums,
  equalTotals,
  type DigestItem,
} from '../src/reconcile/digest-sums.ts'
import { hashKey, itemHash, versionHash } from '../src/reconcile/item-hash.ts'

const NOW = 7 as Instant

const arbitraryItem = fc.record({
  high: fc.integer(),
  low: fc.oneof(fc.integer(), fc.integer({ min: 0, max: 5000 })),
  version: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 2 ** 48 })),
  isLive: fc.boolean(),
})

describe('sums', () => {
  test('are those of the items that are left, whatever came and went in whatever order', () => {
    const steps = fc.array(arbitraryItem, { maxLength: 60 })
    const property = fc.property(steps, steps, fc.infiniteStream(fc.nat()), (kept, gone, draws) => {
      const sums = new DigestSums()
      const actions = [
        ...[...kept, ...gone].map((item) => (): void => {
          sums.add(NOW, item)
        }),
        ...gone.map((item) => (): void => {
          sums.remove(NOW, item)
        }),
      ]
      while (actions.length > 0) {
        const at = (draws.next().value ?? 0) % actions.length
        actions.splice(at, 1).forEach((act) => {
          act()
        })
      }
      expectSums(sums, kept)
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('know when a live item came or went last', () => {
    const sums = new DigestSums()
    const item = { ...itemHash('a', 'b', 'c'), version: 1, isLive: true }
    sums.add(1 as Instant, { ...item, isLive: false })
    expect(sums.changedAt).toBeNull()
    sums.add(2 as Instant, item)
    expect(sums.changedAt).toBe(2)
    sums.remove(3 as Instant, item)
    expect(sums.changedAt).toBe(3)
  })

  test('differ when one version does', () => {
    const hash = itemHash('table', 'key', 'owner')
    const property = fc.property(
      fc.integer({ min: 0, max: 2 ** 48 }),
      fc.integer({ min: 0, max: 2 ** 48 }),
      (one, other) => {
        fc.pre(one !== other)
        const [a, b] = [new DigestSums(), new DigestSums()]
        a.add(NOW, { ...hash, version: one, isLive: true })
        b.add(NOW, { ...hash, version: other, isLive: true })
        expect(equalTotals(a, b)).toBe(false)
        expect(a.bucket(bucketOf(hash))).not.toBe(b.bucket(bucketOf(hash)))
      },
    )
    fc.assert(property)
  })
})

describe('an index', () => {
  test('is a map by hash, with the sums of what it holds', () => {
    const operations = fc.array(fc.tuple(fc.boolean(), fc.nat(20), arbitraryItem), {
      maxLength: 80,
    })
    const property = fc.property(operations, (steps) => {
      const index = new DigestIndex()
      const model = new Map<number, DigestItem>()
      for (const [isPut, name, { version, isLive }] of steps) {
        const hash = itemHash('item', String(name), '')
        if (isPut) {
          index.put(NOW, { ...hash, version, isLive })
          model.set(name, { ...hash, version, isLive })
        } else {
          index.delete(NOW, hash)
          model.delete(name)
        }
      }
      expect(index.size).toBe(model.size)
      expectSums(index.sums, [...model.values()])
      for (const item of model.values()) {
        expect(index.get(item)).toEqual(item)
        expect([...index.inBucket(bucketOf(item))]).toContainEqual(item)
      }
    })
    fc.assert(property)
  })
})

describe('hashes', () => {
  test('of 200,000 rows as Docker has them are all different, in buckets of like size', () => {
    const counts = new Array<number>(DIGEST_BUCKETS).fill(0)
    const [seen, keys] = [new Set<string>(), new Set<string>()]
    for (let i = 0; i < 200_000; i++) {
      const key = (i * 7919).toString(16).padStart(64, '0')
      const hash = itemHash('endpoint_table', key, 'ba9876543210')
      seen.add(`${String(hash.high)} ${String(hash.low)}`)
      keys.add(`${String(bucketOf(hash))} ${String(hashKey(hash))}`)
      counts[bucketOf(hash)] = (counts[bucketOf(hash)] ?? 0) + 1
    }
    expect(seen.size).toBe(200_000)
    expect(keys.size).toBe(200_000)
    // 781 expected, with a deviation of 28.
    expect(Math.min(...counts)).toBeGreaterThan(781 - 6 * 28)
    expect(Math.max(...counts)).toBeLessThan(781 + 6 * 28)
  })

  test('collide in each half as often as chance has it', () => {
    const [highs, lows] = [new Set<number>(), new Set<number>()]
    for (let i = 0; i < 200_000; i++) {
      const { high, low } = itemHash('t', String(i), 'n')
      highs.add(high)
      lows.add(low)
    }
    // n² / 2^33 = 4.7 expected of either; more than 16 would happen once in ten thousand times.
    expect(200_000 - highs.size).toBeLessThan(17)
    expect(200_000 - lows.size).toBeLessThan(17)
  })

  test('of versions in sequence spread as well', () => {
    const hash = itemHash('t', 'k', 'o')
    const all = new Set<number>()
    for (let version = 0; version < 100_000; version++) all.add(versionHash(hash, version).low)
    // 1.2 expected.
    expect(100_000 - all.size).toBeLessThan(9)
  })

  test('tell where one text ends and the next begins', () => {
    const texts = fc.tuple(fc.string(), fc.string(), fc.string())
    const property = fc.property(texts, texts, (one, other) => {
      const isSame = one.every((text, i) => text === other[i])
      const [a, b] = [itemHash(...one), itemHash(...other)]
      expect(a.high === b.high && a.low === b.low).toBe(isSame)
    })
    fc.assert(property)
    expect(itemHash('ab', 'c', '')).not.toEqual(itemHash('a', 'bc', ''))
    expect(itemHash('a', '', '')).not.toEqual(itemHash('', 'a', ''))
  })

  test('are what they are on every machine', () => {
    expect(itemHash('endpoint_table', 'key', 'node')).toEqual({
      high: -1_327_118_480,
      low: -1_539_658_361,
    })
  })
})

test('a bucket set is a set, and survives the wire', () => {
  const buckets = fc.array(fc.nat(DIGEST_BUCKETS - 1))
  const property = fc.property(buckets, buckets, (some, more) => {
    const [set, others] = [new BucketSet(), new BucketSet()]
    for (const bucket of some) set.add(bucket)
    for (const bucket of more) others.add(bucket)
    set.addAll(others)
    const expected = [...new Set([...some, ...more])].sort((a, b) => a - b)
    expect([...set]).toEqual(expected)
    expect(set.isEmpty).toBe(expected.length === 0)
    expect([...set.without(others)]).toEqual(expected.filter((one) => !others.has(one)))
    const dealt = set.dealt(4)
    expect(dealt.flatMap((part) => [...part]).sort((a, b) => a - b)).toEqual(expected)
    expect(dealt.every((part) => !part.isEmpty)).toBe(true)
    const bytes = set.bytes()
    expect(bytes.length).toBe(BUCKET_SET_BYTES)
    expect([...BucketSet.read(bytes)]).toEqual(expected)
  })
  fc.assert(property)
  expect([...BucketSet.all()].length).toBe(DIGEST_BUCKETS)
})

function expectSums(sums: DigestSums, items: readonly DigestItem[]): void {
  const expected = new DigestSums()
  for (const item of items) expected.add(NOW, item)
  expect(equalTotals(sums, expected)).toBe(true)
  expect(sums.count).toBe(items.filter(({ isLive }) => isLive).length)
  for (let i = 0; i < DIGEST_BUCKETS; i++) expect(sums.bucket(i)).toBe(expected.bucket(i))
}
