/** A reproducible stream of chance from a seed: whole numbers only, alike on every platform. */
import { assert } from './assert.ts'
import type { Random } from './chance.ts'

/** The largest bound `below` takes: 2^32, the size of one draw. */
export const RANDOM_BOUND_MAX = 0x1_0000_0000

/**
 * xoshiro128** (Blackman and Vigna, 2018), seeded through a 128-bit hash of text. NOT for secrets.
 * A fork's stream follows from the seed and the labels on the way to it alone, so neither draws
 * nor forks elsewhere move it; forking twice with one label gives the same stream twice.
 */
export class SeededRandom implements Random {
  readonly #key: string
  #a: number
  #b: number
  #c: number
  #d: number

  /** Streams of equal seeds are equal; the number 7 and the text '7' are the same seed. */
  constructor(seed: string | number) {
    const words = hash128(String(seed))
    this.#key = words.map((word) => word.toString(16).padStart(8, '0')).join('')
    ;[this.#a, this.#b, this.#c, this.#d] = words
    // The one state that xoshiro never leaves.
    if ((this.#a | this.#b | this.#c | this.#d) === 0) this.#a = 1
  }

  below(bound: number): number {
    const fits = Number.isInteger(bound) && bound >= 1 && bound <= RANDOM_BOUND_MAX
    assert(fits, 'the bound of a random number is a whole number from 1 to 2^32')
    // Draws beyond the last whole multiple of the bound would favour small results: draw again.
    const limit = RANDOM_BOUND_MAX - (RANDOM_BOUND_MAX % bound)
    let draw = this.#next()
    while (draw >= limit) draw = this.#next()
    return draw % bound
  }

  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#key}/${label}`)
  }

  #next(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotate(this.#d, 11)
    return result
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

/** Four lanes of multiply-and-xor over UTF-16 units, then avalanche (the form known as cyrb128). */
function hash128(text: string): [number, number, number, number] {
  let [a, b, c, d] = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ unit, 0x239b961b)
    b = c ^ Math.imul(b ^ unit, 0xab0e9789)
    c = d ^ Math.imul(c ^ unit, 0x38b34ae5)
    d = a ^ Math.imul(d ^ unit, 0xa1e38b93)
  }
  a = avalanche(a ^ text.length)
  b = avalanche(b ^ a)
  c = avalanche(c ^ b)
  d = avalanche(d ^ c)
  return [(a ^ d) >>> 0, (b ^ d) >>> 0, (c ^ d) >>> 0, d >>> 0]
}

/** The finaliser of MurmurHash3: every input bit moves every output bit. */
function avalanche(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}
