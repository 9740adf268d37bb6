import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  EXTENDED_SEQUENCE_MAX,
  REPLAY_WINDOW_PACKETS_MAX,
  REPLAY_WINDOW_PACKETS_MIN,
  ReplayWindow,
  SEQUENCE_MAX,
} from '../src/index.ts'

const SPACE = 2 ** 32

/** Obviously right: every number that was ever received. */
class NaiveWindow {
  readonly #packets: number
  readonly #seen = new Set([0])
  top = 0

  constructor(packets: number) {
    this.#packets = packets
  }

  refusal(sequence: number): string | null {
    if (sequence <= this.top - this.#packets) return 'late'
    return this.#seen.has(sequence) ? 'replayed' : null
  }

  accept(sequence: number): void {
    this.#seen.add(sequence)
    this.top = Math.max(this.top, sequence)
  }

  /** The one number with this low half among 2^32 from the bottom of the window on. */
  extend(low: number): number {
    const bottom = BigInt(this.top - this.#packets + 1)
    const space = BigInt(SPACE)
    const first = bottom + ((((BigInt(low) - bottom) % space) + space) % space)
    return Number(first)
  }
}

const sizes = fc.oneof(
  fc.constantFrom(REPLAY_WINDOW_PACKETS_MIN, 33, 63, 64, 65, 2048, REPLAY_WINDOW_PACKETS_MAX),
  fc.integer({ min: REPLAY_WINDOW_PACKETS_MIN, max: 400 }),
)
/** Around where the low half begins again, where words and windows end, and far away. */
const starts = fc.oneof(
  fc.constantFrom(0, 1, SEQUENCE_MAX - 40, SPACE - 1, SPACE, 3 * SPACE - 20, 2 ** 45 - 3),
  fc.nat({ max: 5000 }),
)
/** Steps: in order, a little early or late, at the window's edge, jumps. */
const steps = (packets: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -3, max: 5 }) },
    { weight: 2, arbitrary: fc.integer({ min: -packets - 3, max: -packets + 3 }) },
    { weight: 2, arbitrary: fc.integer({ min: -packets, max: packets }) },
    { weight: 1, arbitrary: fc.integer({ min: packets - 40, max: packets + 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(10 * packets, 100_000, 2 ** 31) },
  )
const runs = sizes.chain((packets) =>
  fc.tuple(fc.constant(packets), starts, fc.array(steps(packets), { maxLength: 120 })),
)

describe('a replay window', () => {
  it('says what a list of everything ever received says', () => {
    const property = fc.property(runs, ([packets, start, moves]) => {
      const [window, naive] = [new ReplayWindow(packets), new NaiveWindow(packets)]
      for (const move of [start, ...moves]) {
        const next = Math.max(0, naive.top + move)
        expect(window.refusal(next)).toBe(naive.refusal(next))
        if (naive.refusal(next) !== null) continue
        window.accept(next)
        naive.accept(next)
        expect(window.top).toBe(naive.top)
        // What was just received is a replay, and so is all of it, when asked again.
        expect(window.refusal(next)).toBe('replayed')
      }
      for (let i = -2; i <= packets + 2; i++) {
        const sequence = naive.top - i
        if (sequence >= 0) expect(window.refusal(sequence)).toBe(naive.refusal(sequence))
      }
    })
    fc.assert(property, { numRuns: 400 })
  })

  it('extends 32 bits to the number they are the low half of', () => {
    const property = fc.property(runs, ([packets, start, moves]) => {
      const [window, naive] = [new ReplayWindow(packets), new NaiveWindow(packets)]
      window.accept(start)
      naive.accept(start)
      for (const move of moves) {
        const sequence = Math.max(0, naive.top + move)
        const low = sequence % SPACE
        expect(Math.max(-1, window.extend(low))).toBe(Math.max(-1, naive.extend(low)))
        if (naive.refusal(sequence) !== null || move > SPACE / 2) continue
        // Near the window the guess is right, on either side of a new round.
        expect(window.extend(low)).toBe(sequence)
        window.accept(sequence)
        naive.accept(sequence)
      }
    })
    fc.assert(property, { numRuns: 400 })
  })

  it('keeps its sizes, and begins with zero received', () => {
    const [min, max] = [REPLAY_WINDOW_PACKETS_MIN, REPLAY_WINDOW_PACKETS_MAX]
    for (const packets of [min - 1, max + 1, 0, 64.5, Number.NaN]) {
      expect(() => new ReplayWindow(packets)).toThrow('bug: a replay window')
    }
    for (const packets of [min, max]) {
      const window = new ReplayWindow(packets)
      expect(window.refusal(0)).toBe('replayed')
      window.accept(packets)
      expect(window.refusal(0)).toBe('late')
      expect(window.refusal(1)).toBe(null)
      window.accept(packets + 1)
      expect(window.refusal(1)).toBe('late')
    }
  })

  it('goes up to the last number that is exact, and no further', () => {
    const window = new ReplayWindow(64)
    window.accept(EXTENDED_SEQUENCE_MAX - 1)
    expect(window.extend(EXTENDED_SEQUENCE_MAX % SPACE)).toBe(EXTENDED_SEQUENCE_MAX)
    expect(window.refusal(EXTENDED_SEQUENCE_MAX)).toBe(null)
    expect(window.extend(0)).toBe(-1)
    expect(() => window.accept(EXTENDED_SEQUENCE_MAX + 1)).toThrow('bug: a sequence number')
  })
})
