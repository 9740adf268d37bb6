import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCode, WeftError } from '@weft/core'
import {
  COOLING_LENGTH_MAX,
  createIpam,
  restoreIpam,
  SNAPSHOT_VERSION,
  type Ipam,
} from '../src/index.ts'

const step = fc.oneof(
  fc.record({ do: fc.constant('network' as const), id: fc.nat(4) }),
  fc.record({ do: fc.constant('grow' as const), id: fc.nat(4), n: fc.nat(3) }),
  fc.record({ do: fc.constant('remove' as const), id: fc.nat(4) }),
  fc.record({ do: fc.constant('lease' as const), id: fc.nat(4), n: fc.nat(20) }),
  fc.record({ do: fc.constant('claim' as const), id: fc.nat(4), n: fc.nat(20) }),
  fc.record({ do: fc.constant('release' as const), id: fc.nat(4), n: fc.nat(20) }),
  fc.record({ do: fc.constant('vni' as const), id: fc.nat(4), n: fc.nat(5000) }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** What a step answers: a value or the code of an error. */
function run(ipam: Ipam, s: Step): string {
  const id = `n${s.id}`
  try {
    if (s.do === 'network') {
      const reserved = [{ name: 'kept', addresses: '10.3.0.9' }]
      const own = { cidr: '10.3.0.0/28', gateway: null, range: '10.3.0.8/29', reserved }
      return JSON.stringify(ipam.createNetwork(id, s.id === 0 ? [own] : undefined))
    }
    if (s.do === 'grow') {
      return JSON.stringify(ipam.growNetwork(id, { family: 4, prefixLength: 26 + s.n }))
    }
    if (s.do === 'remove') {
      ipam.removeNetwork(id)
      return 'removed'
    }
    if (s.do === 'lease') return ipam.lease(id, { holder: `h${s.n}` }).address
    if (s.do === 'claim') {
      return ipam.lease(id, { holder: `h${s.n}`, address: `10.0.${s.id}.${s.n}` }).address
    }
    if (s.do === 'vni') return String(ipam.vnis.allocate(id, s.n > 4000 ? s.n : undefined))
    const address = ipam.network(id).addressOf(`h${s.n}`, 4) ?? '10.0.0.99'
    ipam.release(id, { address, holder: `h${s.n}` })
    return 'released'
  } catch (error) {
    if (error instanceof WeftError) return error.code
    throw error
  }
}

const reserved = [{ cidr: '10.0.4.0/23', name: 'office' }]

describe('a snapshot', () => {
  test('restores an address space that answers everything alike from then on', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.array(step, { maxLength: 80, size: 'max' }),
        (before, after) => {
          const ipam = createIpam({ reserved })
          for (const s of before) run(ipam, s)
          const copy = restoreIpam(JSON.parse(JSON.stringify(ipam.snapshot())))
          expect(copy.snapshot()).toEqual(ipam.snapshot())
          expect(copy.usage()).toEqual(ipam.usage())
          for (const s of after) expect(run(copy, s)).toBe(run(ipam, s))
          expect(copy.snapshot()).toEqual(ipam.snapshot())
        },
      ),
    )
  })

  test('bent at any place is refused with the place named, or means a sound address space', () => {
    const ipam = createIpam({ reserved })
    const kept = [{ name: 'k', addresses: '10.3.0.9' }]
    ipam.createNetwork('n0', [{ cidr: '10.3.0.0/28', reserved: kept }])
    ipam.createNetwork('n1')
    for (const n of ['a', 'b', 'c']) ipam.lease('n1', { holder: n })
    ipam.release('n1', { address: '10.0.0.3', holder: 'b' })
    ipam.vnis.allocate('n1')
    const good = JSON.stringify(ipam.snapshot())
    const junk = fc.oneof(
      fc.constantFrom(null, true, -1, 1.5, 2 ** 60, '', 'x', '10.0.0.2', '10.0.0.0/24', [], {}),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(fc.nat(), junk, fc.boolean(), (where, value, remove) => {
        const bent: unknown = JSON.parse(good)
        const places = leaves(bent)
        const place = places[where % places.length]
        if (place === undefined) throw new Error('bug: no place')
        if (remove) Reflect.deleteProperty(place.owner, place.key)
        else Reflect.set(place.owner, place.key, value)
        let restored: Ipam
        try {
          restored = restoreIpam(bent)
        } catch (error) {
          const isTyped =
            hasCode(error, 'ERR_SNAPSHOT_INVALID') || hasCode(error, 'ERR_SNAPSHOT_VERSION')
          expect(isTyped, String(error)).toBe(true)
          return
        }
        const again = restoreIpam(JSON.parse(JSON.stringify(restored.snapshot())))
        expect(again.snapshot()).toEqual(restored.snapshot())
      }),
      { numRuns: 1500 },
    )
  })

  const at = (change: (snapshot: Snapshot) => void): unknown => {
    const ipam = createIpam()
    ipam.createNetwork('blue')
    for (const n of ['a', 'b']) ipam.lease('blue', { holder: n })
    ipam.vnis.allocate('blue')
    const snapshot = JSON.parse(JSON.stringify(ipam.snapshot())) as Snapshot
    change(snapshot)
    try {
      restoreIpam(snapshot)
      return 'restored'
    } catch (error) {
      return error instanceof WeftError ? error.details : error
    }
  }

  const long = new Array<number>(COOLING_LENGTH_MAX + 1).fill(1)

  test.each<[string, (s: Snapshot) => void, string]>([
    ['networks[0].id', (s) => Reflect.set(s.networks[0] ?? {}, 'id', 7), 'text'],
    ['networks', (s) => Reflect.set(s, 'networks', {}), 'a list'],
    ['networks[0].closing', (s) => Reflect.set(s.networks[0] ?? {}, 'closing', 1), 'true or false'],
    ['networks[1]', (s) => s.networks.push(...s.networks), 'a network of this name exists'],
    ['networks[0].subnets[0].leases[0]', (s) => void lease(s, 0).pop(), '2 items'],
    ['networks[0].subnets[0].leases[0][0]', (s) => void (lease(s, 0)[0] = '10.9.0.1'), 'subnet'],
    ['networks[0].subnets[0].leases[1][0]', (s) => void (lease(s, 1)[0] = '10.0.0.2'), 'once'],
    ['networks[0].subnets[0].leases[1]', (s) => void (lease(s, 1)[1] = 'a'), 'has another address'],
    ['networks[0].subnets[0].leases[0]', (s) => void (lease(s, 0)[0] = '10.0.0.1'), 'kept back'],
    ['networks[0].subnets[0].cursor', (s) => Reflect.set(subnet(s), 'cursor', -1), 'whole'],
    ['networks[0].subnets[0].cooling[0]', (s) => Reflect.set(subnet(s), 'cooling', ['x']), 'whole'],
    ['networks[0].subnets[0].cooling', (s) => Reflect.set(subnet(s), 'cooling', long), 'at most'],
    ['networks[0]', (s) => Reflect.set(subnet(s), 'cidr', '10.0.0.1/24'), 'not an address prefix'],
    ['pools[0]', (s) => Reflect.set(s.pools[0] ?? {}, 'subnetLength', 99), 'not a usable subnet'],
    ['vnis.holders[0][0]', (s) => Reflect.set(s.vnis.holders[0] ?? [], 0, 'x'), 'a whole number'],
    ['vnis.holders[1][0]', (s) => s.vnis.holders.push([4096, 'x']), 'once'],
    ['vnis.holders[0]', (s) => Reflect.set(s.vnis.holders[0] ?? [], 0, 2 ** 24), 'not a VNI'],
  ])('that is wrong at %s says so', (path, change, expected) => {
    expect(at(change)).toEqual({ path, expected: expect.stringContaining(expected) })
  })

  test('of another version is refused as such, and what is no object at all too', () => {
    const facts = { version: 2, supported: SNAPSHOT_VERSION }
    expect(at((s) => Reflect.set(s, 'version', 2))).toEqual(facts)
    for (const value of [null, 'x', 7, [], undefined]) {
      expect(() => restoreIpam(value)).toThrow(
        expect.objectContaining({
          code: 'ERR_SNAPSHOT_INVALID',
          details: { path: '(top)', expected: 'an object' },
        }),
      )
    }
  })

  test('of a network that is closing keeps its leases and gives no new one', () => {
    const ipam = createIpam()
    ipam.createNetwork('n')
    const { address } = ipam.lease('n', { holder: 'a' })
    ipam.network('n').close()
    const copy = restoreIpam(JSON.parse(JSON.stringify(ipam.snapshot())))
    expect(copy.lease('n', { holder: 'a' }).address).toBe(address)
    expect(() => copy.lease('n', { holder: 'b' })).toThrow('going away')
  })
})

interface Snapshot {
  pools: object[]
  networks: { subnets: { leases: string[][] }[] }[]
  vnis: { holders: [number, string][] }
}

const subnet = (s: Snapshot): { leases: string[][] } => s.networks[0]?.subnets[0] ?? { leases: [] }
const lease = (s: Snapshot, at: number): string[] => subnet(s).leases[at] ?? []

/** Every place in a tree where something stands. */
function leaves(tree: unknown): { owner: object; key: string }[] {
  if (typeof tree !== 'object' || tree === null) return []
  return Object.entries(tree).flatMap(([key, value]) => [{ owner: tree, key }, ...leaves(value)])
}
