import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BITMAP_SIZE_MAX, LazyBitmap } from '../src/lazy-bitmap.ts'

/** Places where leaves, nodes and the range itself begin and end, give or take one. */
const edges = [0, 1, 31, 32, 33, 1023, 1024, 1025, 32_767, 32_768, 32_769, 1_048_575, 1_048_576]
const sizes = [1, 2, 254, 1024, 1025, 32_768, 65_534, 2 ** 24]
const size = fc.oneof(fc.constantFrom(...sizes), fc.nat(70_000))
const place = (bound: number): fc.Arbitrary<number> => {
  const edge = fc.constantFrom(...edges, bound - 1).map((n) => Math.min(n, bound - 1))
  return fc.oneof(fc.nat(bound - 1), edge)
}

const world = size.map((n) => Math.max(n, 1)).chain((bits) =>
  fc.tuple(
    fc.constant(bits),
    fc.array(
      fc.record({
        do: fc.constantFrom('set', 'clear', 'range', 'next' as const),
        a: place(bits),
        b: fc.oneof(fc.nat(40), fc.nat(3000)),
      }),
      { maxLength: 60 },
    ),
  ),
)

describe('a lazy bitmap', () => {
  test('does what a set of numbers does', () => {
    fc.assert(
      fc.property(world, ([bits, steps]) => {
        const bitmap = new LazyBitmap(bits)
        const model = new Set<number>()
        for (const { do: what, a, b } of steps) {
          if (what === 'set') {
            expect(bitmap.set(a)).toBe(!model.has(a))
            model.add(a)
          } else if (what === 'clear') expect(bitmap.clear(a)).toBe(model.delete(a))
          else if (what === 'range') {
            const last = Math.min(a + b, bits - 1)
            const before = model.size
            for (let n = a; n <= last; n++) model.add(n)
            expect(bitmap.setRange(a, last)).toBe(model.size - before)
          } else {
            let expected: number | null = a
            while (model.has(expected)) expected++
            if (expected >= bits) expected = null
            expect(bitmap.nextClear(a)).toBe(expected)
          }
          expect(bitmap.count).toBe(model.size)
          expect(bitmap.has(a)).toBe(model.has(a))
        }
      }),
      { numRuns: 300 },
    )
  })

  test('is full and empty again through every way of becoming so', () => {
    for (const bits of [1, 32, 1000, 1024, 33_000]) {
      const bitmap = new LazyBitmap(bits)
      for (let n = 0; n < bits; n++) expect(bitmap.nextClear(0)).toBe(bitmap.set(n) ? n : -1)
      expect(bitmap.nextClear(0)).toBe(null)
      for (let n = bits - 1; n >= 0; n--) {
        bitmap.clear(n)
        expect(bitmap.nextClear(0)).toBe(n)
      }
      expect(bitmap.count).toBe(0)
      expect(bitmap.setRange(0, bits - 1)).toBe(bits)
      expect(bitmap.nextClear(0)).toBe(null)
    }
  })

  test('takes the largest range without building it, and no larger', () => {
    const bitmap = new LazyBitmap(BITMAP_SIZE_MAX)
    expect(bitmap.setRange(0, BITMAP_SIZE_MAX - 2)).toBe(BITMAP_SIZE_MAX - 1)
    expect(bitmap.nextClear(0)).toBe(BITMAP_SIZE_MAX - 1)
    bitmap.clear(2 ** 40 + 7)
    expect(bitmap.nextClear(12)).toBe(2 ** 40 + 7)
    expect(bitmap.count).toBe(BITMAP_SIZE_MAX - 2)
    for (const bad of [0, -1, 1.5, BITMAP_SIZE_MAX + 1]) {
      expect(() => new LazyBitmap(bad)).toThrow('bug')
    }
  })

  test('a bit outside is a bug of the caller', () => {
    const bitmap = new LazyBitmap(10)
    for (const bad of [-1, 10, 0.5]) {
      expect(() => bitmap.set(bad)).toThrow('bug')
      expect(() => bitmap.has(bad)).toThrow('bug')
      expect(() => bitmap.clear(bad)).toThrow('bug')
    }
    expect(() => bitmap.setRange(5, 4)).toThrow('bug')
    expect(bitmap.nextClear(10)).toBe(null)
  })
})
