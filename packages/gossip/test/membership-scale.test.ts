/** Timing that grows with logarithms: ours without them, memberlist's with. */
import { describe, expect, test } from 'vitest'
import { MEMBERS_MAX } from '../src/membership/member-list.ts'
import {
  CONFIRMATIONS_MAX,
  pushPullScale,
  suspicionMinMs,
  suspicionMs,
  transmitsMax,
} from '../src/membership/scale.ts'

const EVERY_SIZE = Array.from({ length: MEMBERS_MAX }, (_, i) => i + 1)

describe('timing by the size of the ring, up to MEMBERS_MAX', () => {
  test('the shortest suspicion', () => {
    const differing = EVERY_SIZE.filter((nodes) => {
      const scale = Math.max(1, Math.log10(Math.max(1, nodes)))
      // Go's Log10(1000) is 3 exactly where JavaScript's may be a hair below: round that hair off.
      const thousandths = Math.trunc(Number((scale * 1000).toFixed(9)))
      return suspicionMinMs(4, nodes, 1000) !== 4 * thousandths
    })
    expect(differing).toEqual([])
  })

  test.each([
    [1, 4000],
    [9, 4000],
    [10, 4000],
    [11, 4164],
    [25, 5588],
    [100, 8000],
    [1000, 12_000],
  ])('a ring of %i nodes suspects for %i ms at least', (nodes, ms) => {
    expect(suspicionMinMs(4, nodes, 1000)).toBe(ms)
  })

  test('the number of transmissions', () => {
    const differing = EVERY_SIZE.filter((nodes) => {
      const digits = Math.ceil(Number(Math.log10(nodes + 1).toFixed(12)))
      return transmitsMax(4, nodes) !== 4 * digits
    })
    expect(differing).toEqual([])
    expect([1, 9, 10, 99, 100].map((nodes) => transmitsMax(4, nodes))).toEqual([4, 4, 8, 8, 12])
  })

  test('the interval of push/pulls', () => {
    const differing = EVERY_SIZE.slice(32).filter((nodes) => {
      const doublings = Math.ceil(Number((Math.log2(nodes) - 5).toFixed(12)))
      return pushPullScale(nodes) !== doublings + 1
    })
    expect(differing).toEqual([])
    expect([1, 32, 33, 64, 65, 128, 129].map(pushPullScale)).toEqual([1, 1, 2, 2, 3, 3, 4])
  })
})

describe('the length of a suspicion', () => {
  test('is memberlist’s to the millisecond, up to CONFIRMATIONS_MAX', () => {
    const differing: string[] = []
    for (const nodes of [3, 5, 10, 25, 100, 999, 5000]) {
      for (let wanted = 1; wanted <= CONFIRMATIONS_MAX; wanted++) {
        const minMs = suspicionMinMs(wanted + 2, nodes, 1000)
        for (const maxMs of [minMs, 2 * minMs, 6 * minMs]) {
          for (let count = 0; count <= wanted; count++) {
            const share = Math.log(count + 1) / Math.log(wanted + 1)
            const raw = Math.floor(1000 * (maxMs / 1000 - share * (maxMs / 1000 - minMs / 1000)))
            const theirs = Math.max(minMs, raw)
            const ours = suspicionMs({ minMs, maxMs }, count, wanted)
            if (ours !== theirs) differing.push(`${nodes} ${wanted} ${count}: ${ours}, ${theirs}`)
          }
        }
      }
    }
    expect(differing).toEqual([])
  })

  test('is what Go computes, by a sum over rings, confirmations and bounds', () => {
    let sum = 0
    for (const nodes of [3, 5, 10, 25, 100, 999, 5000]) {
      for (let wanted = 1; wanted <= CONFIRMATIONS_MAX; wanted++) {
        const minMs = suspicionMinMs(wanted + 2, nodes, 1000)
        for (const maxMs of [minMs, 2 * minMs, 6 * minMs]) {
          for (let count = 0; count <= wanted; count++) {
            sum = (sum * 31 + suspicionMs({ minMs, maxMs }, count, wanted)) % 1_000_000_007
          }
        }
      }
    }
    // By a Go program of the same loops over the formula in suspicion.go (memberlist 0.2.2).
    expect(sum).toBe(111_330_080)
  })

  test('is the shortest when no confirmation is wanted', () => {
    expect(suspicionMs({ minMs: 4000, maxMs: 24_000 }, 0, 0)).toBe(4000)
  })

  test('is of Docker’s ring of five 24 s, then 11.3 s, then 4 s', () => {
    const bounds = { minMs: 4000, maxMs: 24_000 }
    expect([0, 1, 2].map((count) => suspicionMs(bounds, count, 2))).toEqual([24_000, 11_381, 4000])
  })

  test('more than CONFIRMATIONS_MAX are a bug', () => {
    const wanted = CONFIRMATIONS_MAX + 1
    expect(() => suspicionMs({ minMs: 1, maxMs: 2 }, 0, wanted)).toThrow('bug')
  })
})
