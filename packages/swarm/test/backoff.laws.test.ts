/** Waits between attempts: within bounds, growing, and apart. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '@weft/core/testing'
import { Backoff, SESSION_BACKOFF } from '../src/index.ts'

describe('Backoff', () => {
  it('waits between half of 100, 200, 400… and all of it, up to 8 s', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), (seed, attempts) => {
        const backoff = new Backoff(SESSION_BACKOFF, new SeededRandom(seed))
        let wholeMs = 100
        for (let i = 0; i < attempts; i++) {
          const wait = backoff.nextMs()
          expect(wait).toBeGreaterThan(wholeMs / 2)
          expect(wait).toBeLessThanOrEqual(wholeMs)
          wholeMs = Math.min(8000, wholeMs * 2)
        }
        backoff.reset()
        expect(backoff.nextMs()).toBeLessThanOrEqual(100)
      }),
    )
  })

  it('takes both ends of its span', () => {
    const random = new SeededRandom(5)
    const drawn = new Set<number>()
    for (let i = 0; i < 2000; i++) {
      drawn.add(new Backoff({ firstMs: 10, lastMs: 10 }, random).nextMs())
    }
    expect([...drawn].sort((a, b) => a - b)).toEqual([6, 7, 8, 9, 10])
  })

  it('keeps nodes apart that lost the same manager', () => {
    const waits = new Set<number>()
    for (let node = 0; node < 100; node++) {
      const backoff = new Backoff(SESSION_BACKOFF, new SeededRandom(node))
      for (let i = 0; i < 6; i++) backoff.nextMs()
      waits.add(backoff.nextMs())
    }
    expect(waits.size).toBeGreaterThan(90)
  })

  it('refuses a back-off that shrinks or does not wait', () => {
    const random = new SeededRandom(1)
    expect(() => new Backoff({ firstMs: 0, lastMs: 5 }, random)).toThrow('1 ms or more')
    expect(() => new Backoff({ firstMs: 6, lastMs: 5 }, random)).toThrow('1 ms or more')
  })
})
