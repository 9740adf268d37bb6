import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  cidrContains,
  cidrOf,
  cidrRange,
  cidrsOverlap,
  ipFromBigInt,
  ipToBigInt,
  parseCidr,
  parseInterfaceAddress,
  type Cidr,
} from '../src/index.ts'

/** Few high bits, so that prefixes meet often. */
const prefix: fc.Arbitrary<Cidr> = fc.oneof(
  fc.tuple(fc.constant(4 as const), fc.bigInt(0n, 255n), fc.integer({ min: 0, max: 32 })),
  fc.tuple(fc.constant(6 as const), fc.bigInt(0n, 255n), fc.integer({ min: 0, max: 128 })),
).map(([family, low, length]) => {
  const address = ipFromBigInt((0xa0n << (family === 4 ? 24n : 120n)) | low, family)
  return cidrOf(parseInterfaceAddress(`${address}/${length}`))
})

test('a prefix reads as itself and contains exactly its range', () => {
  fc.assert(
    fc.property(prefix, (cidr) => {
      expect(parseCidr(cidr)).toBe(cidr)
      const { first, last } = cidrRange(cidr)
      const family = cidr.includes(':') ? 6 : 4
      const max = (1n << (family === 4 ? 32n : 128n)) - 1n
      expect(cidrContains(cidr, ipFromBigInt(first, family))).toBe(true)
      expect(cidrContains(cidr, ipFromBigInt(last, family))).toBe(true)
      if (first > 0n) expect(cidrContains(cidr, ipFromBigInt(first - 1n, family))).toBe(false)
      if (last < max) expect(cidrContains(cidr, ipFromBigInt(last + 1n, family))).toBe(false)
    }),
  )
})

test('two prefixes overlap exactly when their ranges do', () => {
  fc.assert(
    fc.property(prefix, prefix, (a, b) => {
      const [x, y] = [cidrRange(a), cidrRange(b)]
      const sameFamily = a.includes(':') === b.includes(':')
      expect(cidrsOverlap(a, b)).toBe(sameFamily && x.first <= y.last && y.first <= x.last)
      expect(cidrsOverlap(b, a)).toBe(cidrsOverlap(a, b))
    }),
    { numRuns: 1000 },
  )
})

test('the network of an interface address contains it and has no host bits', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << 32n) - 1n), fc.integer({ min: 0, max: 32 }), (n, length) => {
      const network = cidrOf(parseInterfaceAddress(`${ipFromBigInt(n, 4)}/${length}`))
      expect(cidrContains(network, ipFromBigInt(n, 4))).toBe(true)
      const size = 1n << BigInt(32 - length)
      expect(cidrRange(network).first % size).toBe(0n)
      expect(ipToBigInt(ipFromBigInt(n, 4))).toBe(n)
    }),
  )
})
