import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chance, RANDOM_BOUND_MAX, SeededRandom, type Random } from '../src/index.ts'
import { SimEntropy } from '../src/testing/index.ts'

const draws = (random: Random, count: number, bound = 1000): number[] =>
  Array.from({ length: count }, () => random.below(bound))

describe('a seeded random stream', () => {
  test('is pinned: these draws must never change, or recorded seeds lose their meaning', () => {
    const random = new SeededRandom('weft')
    expect(draws(random, 6, RANDOM_BOUND_MAX)).toMatchInlineSnapshot(`
      [
        608017082,
        1940843598,
        3419997632,
        996236134,
        3655212588,
        1181994903,
      ]
    `)
    expect(draws(random.fork('a>b'), 3, RANDOM_BOUND_MAX)).toMatchInlineSnapshot(`
      [
        661357112,
        2874285819,
        2616044461,
      ]
    `)
  })

  test('is the same for the same seed and another for another', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const first = draws(new SeededRandom(a), 8, RANDOM_BOUND_MAX)
        expect(draws(new SeededRandom(a), 8, RANDOM_BOUND_MAX)).toEqual(first)
        if (a !== b) expect(draws(new SeededRandom(b), 8, RANDOM_BOUND_MAX)).not.toEqual(first)
      }),
    )
    expect(draws(new SeededRandom(7), 4)).toEqual(draws(new SeededRandom('7'), 4))
  })

  test('draws whole numbers below any bound', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: RANDOM_BOUND_MAX }), (seed, bound) => {
        for (const draw of draws(new SeededRandom(seed), 20, bound)) {
          expect(Number.isInteger(draw) && draw >= 0 && draw < bound).toBe(true)
        }
      }),
    )
  })

  test('a fork does not depend on draws or on other forks, before or after', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(50), fc.array(fc.string()), (label, count, others) => {
        const plain = draws(new SeededRandom('s').fork(label), 8)
        const busy = new SeededRandom('s')
        draws(busy, count)
        for (const other of others) draws(busy.fork(other), 3)
        expect(draws(busy.fork(label), 8)).toEqual(plain)
      }),
    )
  })

  test('a fork does not disturb the stream it came from', () => {
    const plain = draws(new SeededRandom('s'), 20)
    const forked = new SeededRandom('s')
    draws(forked.fork('x'), 5)
    expect(draws(forked, 20)).toEqual(plain)
  })

  test('forks of nested and joined labels differ', () => {
    const root = new SeededRandom('s')
    const streams = [root, root.fork('ab'), root.fork('a').fork('b'), root.fork(''), root.fork('a')]
    expect(new Set(streams.map((s) => draws(s, 4).join())).size).toBe(streams.length)
  })

  test('spreads evenly, also where a plain remainder would not', () => {
    const count = 60_000
    // Two thirds of the range: with a biased remainder, the lower half would come twice as often.
    const bound = 0xaaaa_aaaa
    const all = draws(new SeededRandom('even'), count, bound)
    const low = all.filter((draw) => draw < bound / 2).length
    expect(Math.abs(low - count / 2)).toBeLessThan(5 * Math.sqrt(count / 4))
    const buckets = new Array<number>(6).fill(0)
    for (const draw of draws(new SeededRandom('dice'), count, 6)) {
      buckets[draw] = (buckets[draw] ?? 0) + 1
    }
    const chiSquared = buckets.reduce((sum, n) => sum + (n - count / 6) ** 2 / (count / 6), 0)
    // 5 degrees of freedom: above 20.5 once in a thousand seeds, and this seed is fixed.
    expect(chiSquared).toBeLessThan(20.5)
  })

  test('takes ratios as probabilities, and 0 and 1 as never and always', () => {
    const random = new SeededRandom('ratio')
    const hits = Array.from({ length: 10_000 }, () =>
      chance(random, { numerator: 1, denominator: 4 }),
    ).filter(Boolean).length
    expect(Math.abs(hits - 2500)).toBeLessThan(220)
    expect(chance(random, { numerator: 0, denominator: 1 })).toBe(false)
    expect(chance(random, { numerator: 1, denominator: 1 })).toBe(true)
  })

  test('a bound that is not a whole number from 1 to 2^32 is a bug', () => {
    for (const bound of [0, -1, 1.5, Number.NaN, RANDOM_BOUND_MAX + 1]) {
      expect(() => new SeededRandom('s').below(bound)).toThrow('bug')
    }
    expect(new SeededRandom('s').below(1)).toBe(0)
  })

  test('simulated entropy replays', () => {
    const fill = (): Uint8Array => {
      const bytes = new Uint8Array(32)
      new SimEntropy(new SeededRandom('keys')).fill(bytes)
      return bytes
    }
    expect(fill()).toEqual(fill())
    expect(new Set(fill()).size).toBeGreaterThan(16)
  })
})
