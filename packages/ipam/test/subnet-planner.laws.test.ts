import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  cidrOf,
  cidrsOverlap,
  ipFromBigInt,
  ipToBigInt,
  parseCidr,
  parseInterfaceAddress,
  parseIp,
  WeftError,
  type Cidr,
} from '@weft/core'
import { createIpam } from '../src/index.ts'

const POOLS = [
  { cidr: '10.0.0.0/20', subnetLength: 24 },
  { cidr: '10.8.0.0/22', subnetLength: 25 },
]
const base = ipToBigInt(parseIp('10.0.0.0'))

const explicit = fc
  .tuple(fc.nat(0x1fff), fc.boolean(), fc.integer({ min: 19, max: 30 }))
  .map(([low, second, length]) => {
    const address = ipFromBigInt(base + BigInt(low) + (second ? 0x80000n : 0n), 4)
    return cidrOf(parseInterfaceAddress(`${address}/${length}`))
  })

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('auto' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('sized' as const),
      length: fc.integer({ min: 21, max: 28 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('claim' as const), cidr: explicit }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }) },
)

/** Obviously right: every aligned block in turn, against every prefix in use. */
function naiveFree(used: readonly Cidr[], wanted: number | null): Cidr | null {
  for (const pool of POOLS) {
    const length = wanted ?? pool.subnetLength
    const size = 2 ** (32 - length)
    const poolLength = Number(pool.cidr.split('/')[1])
    const start = ipToBigInt(parseIp(pool.cidr.split('/')[0] ?? ''))
    for (let at = 0; at + size <= 2 ** (32 - poolLength); at += size) {
      const block = parseCidr(`${ipFromBigInt(start + BigInt(at), 4)}/${length}`)
      if (!used.some((other) => cidrsOverlap(other, block))) return block
    }
  }
  return null
}

describe('subnets from pools', () => {
  test('are the first free block of the first pool that has one, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const ipam = createIpam({ pools: POOLS })
        const used = new Map<string, Cidr>()
        let made = 0
        const attempt = (request: Parameters<typeof ipam.growNetwork>[1]): Cidr | string => {
          const id = `n${made++}`
          try {
            const [spec] = ipam.createNetwork(id, [request])
            if (spec !== undefined) used.set(id, spec.cidr)
            return spec?.cidr ?? ''
          } catch (error) {
            if (error instanceof WeftError) return error.code
            throw error
          }
        }
        for (const s of steps) {
          const before = [...used.values()]
          if (s.do === 'auto') {
            expect(attempt({ family: 4 })).toBe(naiveFree(before, null) ?? 'ERR_POOL_EXHAUSTED')
          } else if (s.do === 'sized') {
            const expected = naiveFree(before, s.length) ?? 'ERR_POOL_EXHAUSTED'
            expect(attempt({ family: 4, prefixLength: s.length })).toBe(expected)
          } else if (s.do === 'claim') {
            const overlaps = before.some((other) => cidrsOverlap(other, s.cidr))
            expect(attempt({ cidr: s.cidr })).toBe(overlaps ? 'ERR_OVERLAP' : s.cidr)
          } else {
            const id = [...used.keys()][s.pick % Math.max(used.size, 1)]
            if (id === undefined) continue
            ipam.removeNetwork(id)
            used.delete(id)
          }
        }
        const inPools = [...used.values()].flatMap((cidr) =>
          POOLS.map((pool) => overlapSize(cidr, parseCidr(pool.cidr))),
        )
        const counted = ipam.usage().pools.reduce((total, pool) => total + pool.used, 0)
        expect(counted).toBe(inPools.reduce((total, size) => total + size, 0))
      }),
      { numRuns: 200 },
    )
  })

  test('run through every block of a pool, and find the one that is given back', () => {
    const ipam = createIpam({ pools: [{ cidr: '10.0.0.0/12', subnetLength: 24 }] })
    for (let i = 0; i < 4096; i++) ipam.createNetwork(`n${i}`)
    expect(() => ipam.createNetwork('late')).toThrow('no pool has a free block')
    ipam.removeNetwork('n300')
    expect(ipam.createNetwork('late')).toMatchObject([{ cidr: '10.1.44.0/24' }])
  })
})

function overlapSize(a: Cidr, b: Cidr): number {
  if (!cidrsOverlap(a, b)) return 0
  return 2 ** (32 - Math.max(Number(a.split('/')[1]), Number(b.split('/')[1])))
}
