import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCode, ipFromBigInt, ipToBigInt, parseIp, WeftError } from '@weft/core'
import { createIpam, type Ipam } from '../src/index.ts'

/** Two subnets with a range and reservations, small enough to run full. */
const SUBNETS = [
  { cidr: '10.1.0.0/29', reserved: [{ name: 'kept', addresses: '10.1.0.5' }] },
  { cidr: '10.1.1.0/27', range: '10.1.1.16/28', gateway: '10.1.1.20' },
]
const NEVER = ['10.1.0.0', '10.1.0.1', '10.1.0.7', '10.1.1.0', '10.1.1.20', '10.1.1.31']
const base = ipToBigInt(parseIp('10.1.0.0'))
const ALL = [...Array(8).keys(), ...Array.from({ length: 32 }, (_, i) => 256 + i)].map((offset) =>
  String(ipFromBigInt(base + BigInt(offset), 4)),
)
const RESERVED = new Set([...NEVER, '10.1.0.5'])
/** Dynamic leases come from these, whatever else is leased by hand. */
const DYNAMIC = ALL.filter((a, i) => !RESERVED.has(a) && (i < 8 || i >= 24))

const holder = fc.nat(30).map((n) => `h${n}`)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('lease' as const), holder }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      holder,
      address: fc.constantFrom(...ALL, '10.9.9.9', 'fd00::1'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('release' as const),
      holder,
      address: fc.constantFrom(...ALL),
      mine: fc.boolean(),
    }),
  },
)

const codeOf = (call: () => unknown): string => {
  try {
    call()
    return 'ok'
  } catch (error) {
    if (error instanceof WeftError) return error.code
    throw error
  }
}

/** What the naive model, two maps, says must become of an explicit request. */
function expectedClaim(model: ReadonlyMap<string, string>, who: string, address: string): string {
  const held = [...model].find(([, h]) => h === who)?.[0]
  if (address === 'fd00::1') return 'ERR_ADDRESS_FOREIGN'
  if (held !== undefined) return held === address ? 'ok' : 'ERR_HOLDER_TAKEN'
  if (!ALL.includes(address)) return 'ERR_ADDRESS_FOREIGN'
  if (model.has(address)) return 'ERR_ADDRESS_TAKEN'
  return RESERVED.has(address) ? 'ERR_ADDRESS_RESERVED' : 'ok'
}

interface World {
  readonly ipam: Ipam
  readonly model: Map<string, string>
  /** Addresses given back, in order. */
  readonly given: string[]
}

function stepDynamic({ ipam, model, given }: World, who: string): void {
  const held = [...model].find(([, h]) => h === who)?.[0]
  const free = DYNAMIC.filter((address) => !model.has(address))
  if (held === undefined && free.length === 0) {
    expect(codeOf(() => ipam.lease('n', { holder: who }))).toBe('ERR_SUBNET_EXHAUSTED')
    return
  }
  const { address } = ipam.lease('n', { holder: who })
  if (held !== undefined) expect(address).toBe(held)
  else expect(free).toContain(address)
  // The first subnet is used up before the second.
  const first = free.filter((other) => other.startsWith('10.1.0.'))
  if (held === undefined && first.length > 0) expect(first).toContain(address)
  const others = first.length > 0 ? first : free
  if (held === undefined && others.length > 1) expect(address).not.toBe(given.at(-1))
  model.set(address, who)
}

describe('the leases of a network', () => {
  test('do what two maps do, under any sequence of requests', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
        const ipam = createIpam({ pools: [] })
        ipam.createNetwork('n', SUBNETS)
        const model = new Map<string, string>()
        const given: string[] = []
        for (const s of steps) {
          if (s.do === 'lease') stepDynamic({ ipam, model, given }, s.holder)
          else if (s.do === 'claim') {
            const code = codeOf(() => ipam.lease('n', { holder: s.holder, address: s.address }))
            expect(code).toBe(expectedClaim(model, s.holder, s.address))
            if (code === 'ok') model.set(s.address, s.holder)
          } else {
            const owner = model.get(s.address)
            const who = s.mine ? (owner ?? s.holder) : s.holder
            const code = codeOf(() => ipam.release('n', { address: s.address, holder: who }))
            const wrong = owner === undefined ? 'ERR_NOT_LEASED' : 'ERR_ADDRESS_TAKEN'
            expect(code).toBe(owner === who ? 'ok' : wrong)
            if (code === 'ok') given.push(s.address)
            if (code === 'ok') model.delete(s.address)
          }
          const network = ipam.network('n')
          expect(network.leaseCount).toBe(model.size)
          const seen = ALL.map((address) => network.holderOf(parseIp(address)) ?? '').join()
          expect(seen).toBe(ALL.map((address) => model.get(address) ?? '').join())
          const used = DYNAMIC.filter((address) => model.has(address)).length
          expect(ipam.usage().networks[0]).toMatchObject({ used, size: DYNAMIC.length })
        }
      }),
      { numRuns: 100 },
    )
  })

  test('are the same again from the same calls', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const run = (): string => {
          const ipam = createIpam({ pools: [] })
          ipam.createNetwork('n', SUBNETS)
          for (const s of steps) {
            codeOf(() => (s.do === 'release' ? ipam.release('n', s) : ipam.lease('n', s)))
          }
          return JSON.stringify(ipam.snapshot())
        }
        expect(run()).toBe(run())
      }),
      { numRuns: 40 },
    )
  })

  test('come one by one through a whole /16, all different, and then no more', () => {
    const ipam = createIpam({ pools: [] })
    ipam.createNetwork('n', [{ cidr: '10.1.0.0/16' }])
    const seen = new Set<string>()
    for (let i = 0; i < 65_533; i++) seen.add(ipam.lease('n', { holder: `h${i}` }).address)
    expect(seen.size).toBe(65_533)
    let caught: unknown
    try {
      ipam.lease('n', { holder: 'late' })
    } catch (error) {
      caught = error
    }
    expect(hasCode(caught, 'ERR_SUBNET_EXHAUSTED')).toBe(true)
    const holder = ipam.network('n').holderOf(parseIp('10.1.77.7')) ?? ''
    ipam.release('n', { address: '10.1.77.7', holder })
    expect(ipam.lease('n', { holder: 'late' }).address).toBe('10.1.77.7')
  })
})
