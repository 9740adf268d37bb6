/** IDs have Docker's form, and are as good as their chance. */
import { describe, expect, it } from 'vitest'
import type { Entropy } from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import { createId, ID_CHARACTERS, isId } from '../src/index.ts'

const fixed = (byte: number): Entropy => ({ fill: (target) => void target.fill(byte) })

describe('createId', () => {
  it('is 25 characters of base 36, whatever the chance', () => {
    for (let byte = 0; byte < 256; byte++) {
      const id = createId(fixed(byte))
      expect(id).toHaveLength(ID_CHARACTERS)
      expect(isId(id)).toBe(true)
    }
  })

  it('takes the 25 digits after the first of 17 bytes whose top bit is set', () => {
    // 2^135 and 2^136 - 1 in base 36, by Python.
    expect(createId(fixed(0))).toBe('hvy0lj3x0b883f8e30fyp2172')
    expect(createId(fixed(0xff))).toBe('zrw1727u0mgg6ugs60vxe42e4')
  })

  it('differs from one to the next', () => {
    const entropy = new SimEntropy(new SeededRandom(7))
    const ids = new Set(Array.from({ length: 1000 }, () => createId(entropy)))
    expect(ids.size).toBe(1000)
  })
})

describe('isId', () => {
  it('refuses other lengths, other characters, and text around an ID', () => {
    const id = createId(fixed(3))
    const cut = id.slice(1)
    for (const text of ['', cut, `${id}0`, id.toUpperCase(), `${id}\n`, `-${cut}`]) {
      expect(isId(text), JSON.stringify(text)).toBe(false)
    }
  })
})
