/** One suspicion, and the timers it runs on. */
import type { Instant } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { Awareness } from '../src/membership/awareness.ts'
import { Suspicion } from '../src/membership/suspicion.ts'
import { STALL_HEARING_MS, Timers } from '../src/membership/timers.ts'
import { dockerProfile } from '../src/profile.ts'

/** Docker's suspicion in a ring of five: 24 s, 11,381 ms, 4 s. */
function suspected(nodes = 5): { timers: Timers; suspicion: Suspicion; isOver: () => boolean } {
  const timers = new Timers(0 as Instant, 0)
  let over = false
  const onExpiry = (): void => {
    over = true
  }
  const spec = { from: 'a', nodes, profile: dockerProfile(), onExpiry }
  return { timers, suspicion: new Suspicion(spec, timers), isOver: () => over }
}

/** When it ends, seen from a clock of milliseconds. */
function endOf({ timers, isOver }: ReturnType<typeof suspected>): number {
  for (let ms = timers.now as number; ms < 100_000; ms++) {
    timers.advance(ms as Instant)
    timers.run()
    if (isOver()) return ms
  }
  return -1
}

describe('a suspicion', () => {
  test('that nobody confirms lasts longest', () => {
    expect(endOf(suspected())).toBe(24_000)
  })

  test('that one node confirms is shorter, as if it had been so from the start', () => {
    const one = suspected()
    one.timers.advance(5000 as Instant)
    expect(one.suspicion.confirm('b')).toBe(true)
    expect(endOf(one)).toBe(11_381)
  })

  test('that enough confirm late is over at once', () => {
    const one = suspected()
    one.timers.advance(5000 as Instant)
    expect([one.suspicion.confirm('b'), one.suspicion.confirm('c')]).toEqual([true, true])
    expect(endOf(one)).toBe(5000)
  })

  test('counts each node once, the accuser never, and nobody beyond enough', () => {
    const { suspicion } = suspected()
    expect(suspicion.confirm('a')).toBe(false)
    expect(suspicion.confirm('b')).toBe(true)
    expect(suspicion.confirm('b')).toBe(false)
    expect(suspicion.confirmations).toBe(1)
    expect(suspicion.confirm('c')).toBe(true)
    expect(suspicion.confirm('d')).toBe(false)
    expect(suspicion.confirmations).toBe(2)
  })

  test.each([
    [3, 4000],
    [4, 24_000],
  ])('in a ring of %i ends after %i ms: confirmations need two others', (nodes, ms) => {
    expect(endOf(suspected(nodes))).toBe(ms)
  })

  test('begins anew at a sign of life', () => {
    const one = suspected(3)
    one.timers.advance(3999 as Instant)
    one.suspicion.restart()
    expect(endOf(one)).toBe(7999)
  })

  test('that is ended never expires', () => {
    const one = suspected()
    one.suspicion.end()
    expect(endOf(one)).toBe(-1)
  })
})

describe('timers', () => {
  function running(stallMs: number): { timers: Timers; fired: number[] } {
    const timers = new Timers(0 as Instant, stallMs)
    const fired: number[] = []
    for (const ms of [100, 400, 5000]) timers.after(ms, () => fired.push(ms))
    return { timers, fired }
  }

  test('fire late when nobody minds', () => {
    const { timers, fired } = running(0)
    expect(timers.advance(4000 as Instant)).toBe(false)
    timers.run()
    expect([fired, timers.stalls]).toEqual([[100, 400], 0])
  })

  test('fire late when it is not as late as a stall', () => {
    const { timers, fired } = running(250)
    expect(timers.advance(350 as Instant)).toBe(false)
    timers.run()
    expect([fired, timers.nextAt(), timers.stalls]).toEqual([[100], 400, 0])
  })

  test('stand still with the process, and let it hear what waits', () => {
    const { timers, fired } = running(250)
    expect(timers.advance(351 as Instant)).toBe(true)
    timers.run()
    expect([fired, timers.nextAt(), timers.stalls]).toEqual([[], 351 + STALL_HEARING_MS, 1])
    timers.advance((351 + STALL_HEARING_MS) as Instant)
    timers.run()
    // 251 ms were lost: what was due at 400 is due at 651.
    expect([fired, timers.nextAt()]).toEqual([[100], 651])
  })

  test('that are moved by one stall are moved by the next', () => {
    const { timers, fired } = running(250)
    timers.advance(10_100 as Instant)
    timers.advance(30_100 as Instant)
    timers.run()
    expect([fired, timers.stalls]).toEqual([[], 2])
    timers.advance(30_200 as Instant)
    timers.run()
    expect(fired).toEqual([100])
  })

  test('never leave a deadline that is past, whatever the fractions', () => {
    const timers = new Timers(0.1 as Instant, 250)
    let fired = 0
    const again = (): void => {
      fired++
      timers.after(333.3, again)
    }
    timers.after(0.7, again)
    let now = 0.1
    for (let i = 0; i < 2000; i++) {
      now = (timers.nextAt() ?? 0) + (i % 3 === 0 ? 1000 / 3 : 0)
      timers.advance(now as Instant)
      timers.run()
      expect(timers.nextAt()).toBeGreaterThan(now)
    }
    expect(fired).toBeGreaterThan(600)
  })

  test('may be told an earlier instant', () => {
    const { timers, fired } = running(250)
    timers.advance(50 as Instant)
    timers.advance(10 as Instant)
    timers.run()
    expect(fired).toEqual([])
  })
})

describe('awareness', () => {
  test('stays from 0 to one below its multiplier', () => {
    const awareness = new Awareness(8)
    awareness.add(-1)
    expect(awareness.score).toBe(0)
    awareness.add(9)
    expect([awareness.score, awareness.scaleMs(1000)]).toEqual([7, 8000])
    awareness.add(-2)
    expect(awareness.score).toBe(5)
  })

  test('is off with a multiplier of 1', () => {
    const awareness = new Awareness(1)
    awareness.add(5)
    expect(awareness.scaleMs(1000)).toBe(1000)
  })
})
