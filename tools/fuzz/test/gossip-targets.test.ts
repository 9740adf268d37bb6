import { fromHex, utf8Bytes } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { inputOf } from '../src/campaign.ts'
import { naiveLzw } from '../src/naive-lzw.ts'
import { findTargets } from '../src/targets.ts'

const SEED = 20_261_121
const CASES = 400

const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array(0)

describe('targets of gossip', () => {
  it.each(findTargets('gossip').map((target) => [target.name, target] as const))(
    '%s: all of the corpus is read, and changed inputs often enough',
    (_name, target) => {
      const refused = target.corpus().filter((input) => {
        return typeof target.run(input, 0, input.length) === 'string'
      })
      expect(refused).toEqual([])
      let accepted = 0
      for (let index = 0; index < CASES; index++) {
        const input = inputOf(target, SEED, index)
        if (typeof target.run(input, 0, input.length) !== 'string') accepted++
      }
      expect(accepted).toBeGreaterThan(CASES / 8)
    },
  )
})

describe('the naive decoder', () => {
  it('reads what docker-wire, Appendix A, lists', () => {
    const text = utf8Bytes('TOBEORNOTTOBEORTOBEORNOT')
    expect(naiveLzw(bytes('00a93c1152e48914274fa80824687061c183090302'), 100)).toEqual(text)
    expect(naiveLzw(bytes('549e0829f2448a932754041234b8b0e0c1840101'), 100)).toEqual(text)
    expect(naiveLzw(bytes('549e0829f2448a932754041234b8b0e0c1840101'), 23)).toBe('oversized')
    expect(naiveLzw(bytes('549e0829f2448a93'), 100)).toBe('bad-compression')
    expect(naiveLzw(bytes('02ff'), 100)).toBe('bad-compression')
  })
})
