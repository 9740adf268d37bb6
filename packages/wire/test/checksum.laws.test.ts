import { setU16, u16 } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checksumHolds,
  finishChecksum,
  foldSum,
  internetChecksum,
  sumBytes,
  updateChecksum,
} from '../src/index.ts'
import { hex } from './hex.ts'

/** RFC 1071 §4.1, as plainly as it can be written. */
function slowSum(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) + (bytes[i + 1] ?? 0)
    if (sum > 0xffff) sum -= 0xffff
  }
  return sum
}

const contents = fc.uint8Array({ maxLength: 80 })

describe('the Internet checksum', () => {
  it('is that of the example in RFC 1071 §3', () => {
    expect(sumBytes(hex('0001f203f4f5f6f7'), 0, 8)).toBe(0xddf2)
  })

  it('agrees with the plain algorithm in any window, odd lengths too', () => {
    const property = fc.property(contents, contents, contents, (before, inside, after) => {
      const bytes = Uint8Array.from([...before, ...inside, ...after])
      const end = before.length + inside.length
      expect(sumBytes(bytes, before.length, end)).toBe(slowSum(inside))
    })
    fc.assert(property, { numRuns: 500 })
  })

  it.each([0xff, 0xfe, 0x01])('does not overflow on the longest packet of 0x%s', (fill) => {
    const bytes = new Uint8Array(65_535).fill(fill)
    const longer = new Uint8Array(200_001).fill(fill)
    expect(sumBytes(longer, 0, longer.length)).toBe(slowSum(longer))
    expect(sumBytes(bytes, 0, bytes.length)).toBe(slowSum(bytes))
  })

  it('adds up over pieces that begin at even offsets', () => {
    const property = fc.property(contents, fc.nat({ max: 40 }), (bytes, half) => {
      const at = Math.min(bytes.length & ~1, 2 * half)
      const pieces = sumBytes(bytes, 0, at) + sumBytes(bytes, at, bytes.length)
      expect(foldSum(pieces) % 0xffff).toBe(sumBytes(bytes, 0, bytes.length) % 0xffff)
    })
    fc.assert(property)
  })

  it('holds over bytes that carry it', () => {
    const bodies = fc.uint8Array({ minLength: 2, maxLength: 60 })
    const property = fc.property(bodies, (bytes) => {
      setU16(bytes, 0, 0)
      setU16(bytes, 0, internetChecksum(bytes, 0, bytes.length))
      expect(checksumHolds(bytes, 0, bytes.length)).toBe(true)
    })
    fc.assert(property)
  })
})

describe('the incremental update', () => {
  it('is that of the examples in RFC 1624 §4', () => {
    expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000)
  })

  it('agrees with a new computation', () => {
    const words = fc.nat({ max: 0xffff })
    const bodies = fc.uint8Array({ minLength: 4, maxLength: 60 })
    const property = fc.property(bodies, words, (bytes, after) => {
      // A header is never all zero; the two zeros of one's complement meet only there.
      bytes[2] = 1
      const before = u16(bytes, 0)
      const checksum = internetChecksum(bytes, 0, bytes.length)
      setU16(bytes, 0, after)
      const anew = internetChecksum(bytes, 0, bytes.length)
      expect(updateChecksum(checksum, before, after)).toBe(anew)
    })
    fc.assert(property, { numRuns: 1000 })
  })
})

describe('folding', () => {
  it.each([
    [0, 0],
    [0xffff, 0xffff],
    [0x1_0000, 1],
    [0x1_ffff, 1],
    [0xffff_ffff, 0xffff],
  ])('of %i is %i', (sum, folded) => {
    expect(foldSum(sum)).toBe(folded)
    expect(finishChecksum(sum)).toBe(~folded & 0xffff)
  })
})
