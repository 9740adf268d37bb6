/** Windows of runs, against a list of all that was ever received. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PAST_RUNS_MAX, RUNS_MAX, RunWindows } from '../src/index.ts'

const PACKETS = 64

/** Every packet of some runs, each offered twice or more, in any order. */
const offers = fc.array(
  fc.record({ run: fc.integer({ min: 1, max: 12 }), sequence: fc.integer({ min: 1, max: 200 }) }),
  { maxLength: 300 },
)

describe('windows of runs', () => {
  it('receive nothing twice, however runs take turns', () => {
    fc.assert(
      fc.property(offers, (list) => {
        const windows = new RunWindows(PACKETS)
        const received = new Set<string>()
        for (const { run, sequence } of list) {
          if (windows.refusal(sequence, run, ~run >>> 0) !== null) continue
          const name = `${run}/${sequence}`
          expect(received.has(name)).toBe(false)
          received.add(name)
          windows.accept(sequence, run, ~run >>> 0)
        }
      }),
    )
  })

  it('receive all that one run sends in order, whatever others send meanwhile', () => {
    fc.assert(
      fc.property(offers, (list) => {
        const windows = new RunWindows(PACKETS)
        list.forEach(({ run, sequence }, i) => {
          if (windows.refusal(sequence, run, run) === null) windows.accept(sequence, run, run)
          expect(windows.refusal(i + 1, 99, 0)).toBeNull()
          windows.accept(i + 1, 99, 0)
        })
      }),
    )
  })

  it('say what a replay window says, of one run', () => {
    const windows = new RunWindows(PACKETS)
    windows.accept(100, 1, 2)
    expect(windows.refusal(100, 1, 2)).toBe('replayed')
    expect(windows.refusal(36, 1, 2)).toBe('late')
    expect(windows.refusal(37, 1, 2)).toBeNull()
    // Another run, told by either half.
    expect(windows.refusal(100, 1, 3)).toBeNull()
    expect(windows.refusal(100, 2, 2)).toBeNull()
  })

  it('are not kept for a sender without a mask, whose runs look alike', () => {
    const windows = new RunWindows(PACKETS)
    windows.accept(100, 0, 0)
    expect(windows.refusal(100, 0, 0)).toBeNull()
    expect(windows.refusal(1, 0, 0)).toBeNull()
  })

  it(`are ${RUNS_MAX}: of one put away only what is above its top comes in again`, () => {
    const windows = new RunWindows(PACKETS)
    for (let run = 1; run <= RUNS_MAX; run++) windows.accept(50, run, 0)
    for (let run = 1; run <= RUNS_MAX; run++) expect(windows.refusal(49, run, 0)).toBeNull()
    windows.accept(50, RUNS_MAX + 1, 0)
    expect(windows.refusal(49, 1, 0)).toBe('late')
    expect(windows.refusal(51, 1, 0)).toBeNull()
    windows.accept(60, 1, 0)
    expect(windows.refusal(50, 1, 0)).toBe('late')
    expect(windows.refusal(51, 1, 0)).toBeNull()
    expect(windows.refusal(60, 1, 0)).toBe('replayed')
  })

  it(`of ${PAST_RUNS_MAX} more the tops are kept, and then the oldest is forgotten`, () => {
    const windows = new RunWindows(PACKETS)
    const last = RUNS_MAX + PAST_RUNS_MAX
    for (let run = 1; run <= last; run++) windows.accept(5, run, 0)
    for (let run = 1; run <= last; run++) expect(windows.refusal(5, run, 0)).not.toBeNull()
    windows.accept(5, last + 1, 0)
    expect(windows.refusal(5, 1, 0)).toBeNull()
    expect(windows.refusal(5, 2, 0)).toBe('late')
  })
})
