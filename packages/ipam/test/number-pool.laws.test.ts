import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COOLING_LENGTH_MAX, NumberPool } from '../src/index.ts'

/** Obviously right: sets and lists, walked from end to end. */
class NaivePool {
  readonly #size: number
  readonly #blocked: ReadonlySet<number>
  readonly taken = new Set<number>()
  cooling: number[] = []
  #cursor = 0

  constructor(size: number, blocked: ReadonlySet<number>) {
    this.#size = size
    this.#blocked = blocked
  }

  isFree(n: number): boolean {
    return !this.taken.has(n) && !this.#blocked.has(n) && !this.cooling.includes(n)
  }

  take(): number | null {
    for (let i = 0; i < this.#size; i++) {
      const n = (this.#cursor + i) % this.#size
      if (!this.isFree(n)) continue
      this.taken.add(n)
      this.#cursor = (n + 1) % this.#size
      return n
    }
    const oldest = this.cooling.shift()
    if (oldest === undefined) return null
    this.taken.add(oldest)
    return oldest
  }

  claim(n: number): boolean {
    if (this.taken.has(n) || this.#blocked.has(n)) return false
    this.cooling = this.cooling.filter((other) => other !== n)
    this.taken.add(n)
    return true
  }

  give(n: number): void {
    this.taken.delete(n)
    this.cooling.push(n)
    if (this.cooling.length > COOLING_LENGTH_MAX) this.cooling.shift()
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), n: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('give' as const), n: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('claim' as const), n: fc.nat() }) },
)

describe('a pool of numbers', () => {
  test.each([1, 3, 40, 1500])('of %i does what the naive one does', (size) => {
    const blocks = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(3)), { maxLength: 4 })
    const steps = fc.array(step, { maxLength: 900, size: 'max' })
    const run = fc.property(blocks, steps, (blocked, sequence) => {
      const pool = new NumberPool(size)
      const set = new Set<number>()
      for (const [first, more] of blocked) {
        const last = Math.min(first + more, size - 1)
        pool.block(first, last)
        for (let n = first; n <= last; n++) set.add(n)
      }
      const model = new NaivePool(size, set)
      for (const { do: what, n } of sequence) {
        if (what === 'take') expect(pool.take()).toBe(model.take())
        else if (what === 'claim') expect(pool.claim(n % size)).toBe(model.claim(n % size))
        else {
          const taken = [...model.taken]
          const number = taken[n % Math.max(taken.length, 1)]
          if (number === undefined) continue
          pool.give(number)
          model.give(number)
        }
        expect(pool.used).toBe(model.taken.size)
        expect(pool.size).toBe(size - set.size)
        expect(pool.position.cooling.join()).toBe(model.cooling.join())
      }
    })
    fc.assert(run, { numRuns: 40 })
  })

  test('never hands out at once what was just given back, while anything else is free', () => {
    const sizes = fc.integer({ min: 2, max: 50 })
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(), { minLength: 1 }), (size, picks) => {
        const pool = new NumberPool(size)
        const taken: number[] = []
        for (let i = 0; i < size - 1; i++) taken.push(pool.take() ?? -1)
        for (const pick of picks) {
          const [given] = taken.splice(pick % taken.length, 1)
          pool.give(given ?? -1)
          const next = pool.take()
          expect(next).not.toBe(given)
          taken.push(next ?? -1)
        }
      }),
    )
  })

  test('a number waits behind COOLING_LENGTH_MAX others before its turn comes by itself', () => {
    const pool = new NumberPool(4 * COOLING_LENGTH_MAX)
    for (let n = 0; n < 4 * COOLING_LENGTH_MAX; n++) pool.take()
    for (let n = 0; n < COOLING_LENGTH_MAX; n++) pool.give(n)
    expect(pool.position.cooling).toHaveLength(COOLING_LENGTH_MAX)
    pool.give(COOLING_LENGTH_MAX)
    expect(pool.position.cooling[0]).toBe(1)
    expect(pool.take()).toBe(0)
    expect(pool.take()).toBe(1)
  })

  test('goes on from a recorded position, passing over what was taken meanwhile', () => {
    const pool = new NumberPool(10)
    for (let n = 0; n < 6; n++) pool.take()
    pool.give(2)
    pool.give(4)
    const again = new NumberPool(10)
    for (const n of [0, 1, 3, 5]) again.claim(n)
    again.claim(4)
    again.resume(pool.position)
    expect(again.position).toEqual({ cursor: 6, cooling: [2] })
    expect(again.used).toBe(5)
    again.resume({ cursor: 99, cooling: [99, 2, 2] })
    expect(again.position).toEqual({ cursor: 0, cooling: [2] })
  })

  test('giving back what is not taken is a bug, and so is blocking too late', () => {
    const pool = new NumberPool(4)
    expect(() => pool.give(1)).toThrow('bug')
    const number = pool.take() ?? -1
    expect(() => pool.block(2, 3)).toThrow('bug')
    pool.give(number)
    expect(() => pool.give(number)).toThrow('bug')
  })
})
