/** Numbers handed out one by one, never one that was just given back while others are free. */
import { assert } from '@weft/core'
import { LazyBitmap } from './lazy-bitmap.ts'

/** Numbers given back that wait, at most; beyond that, the one that waited longest is free. */
export const COOLING_LENGTH_MAX = 256

/** Where a pool stands, apart from what is taken: it decides which number comes next. */
export interface PoolPosition {
  /** The search starts here. */
  readonly cursor: number
  /** Given back lately, longest ago first. */
  readonly cooling: readonly number[]
}

/**
 * Numbers 0 to `size` - 1. `take` goes round; a number given back cools down behind up to
 * COOLING_LENGTH_MAX others and is handed out early only when nothing else is left, the one that
 * waited longest first. Invariant: a bit is set for each number taken, blocked or cooling.
 */
export class NumberPool {
  readonly #bits: LazyBitmap
  #cursor = 0
  #cooling: number[] = []
  #blocked = 0

  constructor(size: number) {
    this.#bits = new LazyBitmap(size)
  }

  /** How many numbers there are to hand out: all but those blocked. */
  get size(): number {
    return this.#bits.size - this.#blocked
  }

  /** How many are taken. */
  get used(): number {
    return this.#bits.count - this.#blocked - this.#cooling.length
  }

  get position(): PoolPosition {
    return { cursor: this.#cursor, cooling: [...this.#cooling] }
  }

  /** Never hand these out. Only before any is taken. */
  block(first: number, last: number): void {
    assert(this.used === 0 && this.#cooling.length === 0, 'numbers are blocked before any is taken')
    this.#blocked += this.#bits.setRange(first, last)
  }

  /** The next number, or null when all are taken. */
  take(): number | null {
    const next = this.#bits.nextClear(this.#cursor) ?? this.#bits.nextClear(0)
    if (next === null) return this.#cooling.shift() ?? null
    this.#bits.set(next)
    this.#cursor = next + 1 === this.#bits.size ? 0 : next + 1
    return next
  }

  /** Take one number in particular; false when it is taken or blocked. */
  claim(number: number): boolean {
    if (this.#bits.set(number)) return true
    const at = this.#cooling.indexOf(number)
    if (at < 0) return false
    this.#cooling.splice(at, 1)
    return true
  }

  /** Give back a number that was taken. */
  give(number: number): void {
    assert(this.#bits.has(number) && !this.#cooling.includes(number), 'only what is taken returns')
    this.#cooling.push(number)
    if (this.#cooling.length <= COOLING_LENGTH_MAX) return
    const oldest = this.#cooling.shift()
    if (oldest !== undefined) this.#bits.clear(oldest)
  }

  /** Go on from a recorded position; numbers taken meanwhile do not cool. */
  resume({ cursor, cooling }: PoolPosition): void {
    this.#cursor = cursor < this.#bits.size ? cursor : 0
    for (const number of cooling) {
      const isFree = number < this.#bits.size && this.#bits.set(number)
      if (isFree && this.#cooling.push(number) > COOLING_LENGTH_MAX) {
        this.#bits.clear(this.#cooling.shift() as number)
      }
    }
  }
}
