/** The rate of what is said unasked. */
import type { Instant } from '@weft/core'
import { expect, test } from 'vitest'
import { TokenBucket } from '../src/token-bucket.ts'

/** How many of so many may be at this instant. */
function taken(bucket: TokenBucket, ms: number, wanted = 200): number {
  return Array.from({ length: wanted }, () => bucket.take(ms as Instant)).filter(Boolean).length
}

test('a burst of a second’s worth, then one each interval, whenever one asks', () => {
  const bucket = new TokenBucket(100, 0 as Instant)
  expect(taken(bucket, 0)).toBe(100)
  expect(taken(bucket, 9)).toBe(0)
  expect(taken(bucket, 15)).toBe(1)
  expect(taken(bucket, 20), 'half an interval was not lost').toBe(1)
  expect(taken(bucket, 100)).toBe(8)
  expect(taken(bucket, 1_000_000), 'rest is not saved up').toBe(100)
})
