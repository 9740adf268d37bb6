/** Laws of the hash table: a Map by another name, however badly its hashes spread. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HashTable, textHash } from '../src/hash-table.ts'

interface Item {
  readonly key: number
  readonly value: number
}

/** From hashes that spread well to those that are all one. */
const HASHES: readonly (readonly [string, (key: number) => number])[] = [
  ['spread well', (key) => Math.imul(key + 1, 0x9e37_79b1)],
  ['stand in a row', (key) => key << 26],
  ['are few', (key) => (key % 3) << 30],
  ['are one, at the very end', () => -1],
]

describe.each(HASHES)('a table whose hashes %s', (_, hash) => {
  const law = {
    of: ({ key }: Item): number => key,
    hash,
    areEqual: (one: number, other: number): boolean => one === other,
  }
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(60), fc.nat()), { maxLength: 200 })

  test('holds what a map would', () => {
    const property = fc.property(steps, (all) => {
      const table = new HashTable<Item, number>(law)
      const model = new Map<number, Item>()
      for (const [isPut, key, value] of all) {
        const former = model.get(key) ?? null
        if (isPut) {
          expect(table.put({ key, value })).toEqual(former)
          model.set(key, { key, value })
        } else {
          expect(table.delete(key)).toEqual(former)
          model.delete(key)
        }
        expect(table.size).toBe(model.size)
      }
      for (let key = 0; key <= 60; key++) expect(table.get(key)).toEqual(model.get(key) ?? null)
    })
    fc.assert(property)
  })

  test('finds all that is near, once', () => {
    const bounds = fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff))
    const property = fc.property(steps, bounds, (all, [one, other]) => {
      const table = new HashTable<Item, number>(law)
      const keys = new Set<number>()
      for (const [isPut, key, value] of all) {
        if (isPut) table.put({ key, value })
        else table.delete(key)
        if (isPut) keys.add(key)
        else keys.delete(key)
      }
      const [lowest, highest] = [Math.min(one, other), Math.max(one, other)]
      const near = table.near(lowest, highest).map(({ key }) => key)
      expect(new Set(near).size).toBe(near.length)
      expect(near.every((key) => keys.has(key))).toBe(true)
      const within = [...keys].filter((key) => {
        const unsigned = hash(key) >>> 0
        return unsigned >= lowest && unsigned <= highest
      })
      expect(near).toEqual(expect.arrayContaining(within))
    })
    fc.assert(property)
  })
})

test('what is near is not much more than what is asked for', () => {
  const law = { of: (text: string) => text, hash: textHash, areEqual: Object.is }
  const table = new HashTable<string, string>(law)
  for (let i = 0; i < 5000; i++) table.put(`node-${i}`)
  for (let bucket = 0; bucket < 256; bucket++) {
    const lowest = bucket * 2 ** 24
    expect(table.near(lowest, lowest + 2 ** 24 - 1).length).toBeLessThan(100)
  }
})

test('hashes of like texts spread', () => {
  const upper = new Map<number, number>()
  for (let i = 0; i < 16_384; i++) {
    const byte = textHash(`10.0.${i >> 8}.${i & 255}`) >>> 24
    upper.set(byte, (upper.get(byte) ?? 0) + 1)
  }
  // 64 expected, with a deviation of 8.
  expect(upper.size).toBe(256)
  expect(Math.max(...upper.values())).toBeLessThan(64 + 6 * 8)
})
