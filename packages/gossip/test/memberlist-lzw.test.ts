/** LZW against a decoder that is written to be obviously right, and its limits. */
import { toHex, utf8Bytes } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DECOMPRESSED_BYTES_MAX } from '../src/memberlist/limits.ts'
import { decodeLzw, LZW_CLEAR, LZW_END } from '../src/memberlist/lzw-decode.ts'
import { encodeLzw } from '../src/memberlist/lzw-encode.ts'
import { lzwBomb, lzwOf } from './memberlist-samples.ts'

const ANY = 1 << 20

const decoded = (bytes: Uint8Array, max = ANY) => decodeLzw(bytes, 0, bytes.length, max)

function encoded(plain: Uint8Array): Uint8Array {
  const bytes = encodeLzw(plain, Infinity)
  if (bytes === null) throw new Error('without a limit there is always a result')
  return bytes
}

/** As docker-wire §2.5 says it: a table of byte strings, bits one by one. Null: refused. */
function naive(bytes: Uint8Array): Uint8Array | null {
  const bit = (i: number) => ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1
  const out: number[] = []
  let table = new Map<number, readonly number[]>()
  let next = 257
  let width = 9
  let last: readonly number[] | null = null
  for (let at = 0; ; ) {
    if (at + width > 8 * bytes.length) return null
    let code = 0
    for (let i = 0; i < width; i++) code += bit(at++) * 2 ** i
    if (code === 257) return Uint8Array.from(out)
    if (code === 256) {
      table = new Map()
      next = 257
      width = 9
      last = null
      continue
    }
    let run = code < 256 ? [code] : table.get(code)
    if (run === undefined) {
      if (code !== next || last === null) return null
      run = [...last, last[0] ?? 0]
    }
    if (last !== null) table.set(next, [...last, run[0] ?? 0])
    for (const byte of run) out.push(byte)
    last = run
    next++
    if (next === 2 ** width) {
      if (width < 12) width++
      else {
        next--
        last = null
      }
    }
  }
}

/** Texts with repetitions, which is what fills the table. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.nat(30)), { maxLength: 30 })
  .map((runs) => runs.flatMap(([run, times]) => Array.from({ length: times }, () => [...run])))
  .map((runs) => Uint8Array.from(runs.flat()))
const plain = fc.oneof(repetitive, fc.uint8Array({ maxLength: 9000, size: 'max' }))

describe('an LZW text', () => {
  it('comes back as it went, by our decoder and by the naive one', () => {
    fc.assert(
      fc.property(plain, (text) => {
        const bytes = encoded(text)
        expect(decoded(bytes)).toEqual(text)
        expect(naive(bytes)).toEqual(text)
      }),
      { numRuns: 200 },
    )
  })

  it('of every length around the widenings and the end of the table', () => {
    // No two bytes follow each other twice: every byte is a code, and adds a run.
    const noise = Uint8Array.from({ length: 8_000 }, (_, i) => (i % 256) * (2 * (i >>> 8) + 1))
    const distinct = new Set(Array.from(noise, (byte, i) => (byte << 8) | (noise[i + 1] ?? 0)))
    expect(distinct.size).toBeGreaterThan(7_900)
    for (const near of [0, 255, 767, 1791, 3837, 3837 + 255, 2 * 3837]) {
      for (let length = Math.max(0, near - 4); length < near + 5; length++) {
        const text = noise.subarray(0, length)
        expect(decoded(encoded(text))).toEqual(text)
        expect(naive(encoded(text))).toEqual(text)
      }
    }
  })

  it('says what the naive decoder says, whatever it is', () => {
    const head = fc.constantFrom([], [0x00, 0x01], [0x00, 0xa9])
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 300 }), (start, noise) => {
        const bytes = Uint8Array.of(...start, ...noise)
        expect(decoded(bytes)).toEqual(naive(bytes) ?? 'bad-compression')
      }),
      { numRuns: 3000 },
    )
  })

  it('of any codes says what the naive decoder says', () => {
    const code = fc.oneof(fc.nat(255), fc.integer({ min: 258, max: 300 }), fc.constant(LZW_CLEAR))
    fc.assert(
      fc.property(fc.array(code, { maxLength: 80 }), (codes) => {
        const bytes = lzwOf([...codes, LZW_END])
        expect(decoded(bytes)).toEqual(naive(bytes) ?? 'bad-compression')
      }),
      { numRuns: 2000 },
    )
  })

  it('whose table is full goes on without new runs until a clear', () => {
    // Go's encoder clears before: only others get here.
    const filling = Array.from({ length: 4_500 }, (_, i) => (i * 7) & 0xff)
    const full = [...filling, 4095, 300, 4095, LZW_CLEAR, 65, 258, LZW_END]
    const text = decoded(lzwOf(full))
    expect(text).toEqual(naive(lzwOf(full)))
    expect(text).toHaveLength(4_500 + 6 + 3)
  })

  it('without an end, cut anywhere, or with codes from the future is refused', () => {
    const bytes = encoded(utf8Bytes('TOBEORNOTTOBEORTOBEORNOT'))
    for (let end = 0; end < bytes.length; end++) {
      expect(decoded(bytes.subarray(0, end))).toBe('bad-compression')
    }
    expect(decoded(lzwOf([258]))).toBe('bad-compression')
    expect(decoded(lzwOf([65, 259]))).toBe('bad-compression')
    expect(decoded(lzwOf([65, 66, LZW_CLEAR, 258]))).toBe('bad-compression')
    expect(decoded(lzwOf([65, 66, 258, LZW_END]))).toEqual(utf8Bytes('ABAB'))
  })

  it('ends at its end', () => {
    expect(decoded(Uint8Array.of(...encoded(utf8Bytes('ab')), 0xff, 0xff))).toEqual(utf8Bytes('ab'))
    expect(decoded(lzwOf([LZW_END]))).toEqual(new Uint8Array(0))
    expect(toHex(encoded(new Uint8Array(0)))).toBe('000302')
  })

  it('is decoded up to a limit, however much it would become', () => {
    const bomb = encoded(new Uint8Array(2_000_000))
    expect(bomb.length).toBeLessThan(5_000)
    expect(decoded(bomb, 1_999_999)).toBe('oversized')
    expect(decoded(bomb, 2_000_000)).toHaveLength(2_000_000)
    expect(decoded(bomb, 0)).toBe('oversized')
    expect(decoded(encoded(utf8Bytes('ab')), 1)).toBe('oversized')
    expect(decoded(encoded(utf8Bytes('ab')), 2)).toHaveLength(2)
  })

  it('bombs as large as a stream allows, in time that the limit bounds', () => {
    const bomb = lzwBomb(DECOMPRESSED_BYTES_MAX)
    expect(bomb.length).toBeLessThan(25_000)
    expect(decoded(bomb, DECOMPRESSED_BYTES_MAX)).toBe('oversized')
  })
})

describe('a limited encoding', () => {
  it('is the whole one when that fits, and null when it does not', () => {
    fc.assert(
      fc.property(plain, fc.integer({ min: -3, max: 3 }), (text, spare) => {
        const whole = encoded(text)
        const limited = encodeLzw(text, Math.max(0, whole.length + spare))
        expect(limited).toEqual(whole.length + spare >= whole.length ? whole : null)
      }),
    )
  })
})
