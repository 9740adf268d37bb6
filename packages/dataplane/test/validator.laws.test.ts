/** Validation forgets nothing, invents nothing, and remembers without being swayed. */
import {
  itemPath,
  validate,
  Validator,
  type AcceptedState,
  type DesiredState,
  type NetworkSpec,
} from '../src/index.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALL, arbitraryState, FACTS, fresh, ip, mac, remote, state } from './states.ts'

/** Paths of all items of a state. */
function paths(desired: DesiredState): string[] {
  const inNetwork = ([id, network]: readonly [string, NetworkSpec]): string[] => [
    itemPath.network(id),
    ...network.subnets.map(({ vni }) => itemPath.subnet(id, vni)),
    ...[...network.local.keys()].map((name) => itemPath.local(id, name)),
    ...[...network.remote.keys()].map((name) => itemPath.remote(id, name)),
  ]
  const peers = [...desired.peers.keys()].map(itemPath.peer)
  return [...peers, ...[...desired.networks].flatMap(inNetwork)].sort()
}

function plain({ peers, networks }: AcceptedState): unknown {
  const specs = [...networks].map(([id, n]) => [
    id,
    { ...n, local: new Map(n.local), remote: new Map(n.remote) },
  ])
  return { peers: new Map(peers), networks: new Map(specs as [string, unknown][]) }
}

const lines = (failures: readonly { item: string; error: Error & { code: string } }[]): string[] =>
  failures.map(({ item, error }) => `${item} ${error.code}`).sort()

test('every item is accepted or fails, and never both', () => {
  fc.assert(
    fc.property(arbitraryState, (desired) => {
      const { accepted, failures } = validate(desired, ALL, FACTS)
      const failed = failures.map(({ item }) => item)
      expect([...paths(accepted), ...failed].sort()).toEqual(paths(desired))
    }),
    { numRuns: 1000 },
  )
})

test('what was accepted is acceptable', () => {
  fc.assert(
    fc.property(arbitraryState, (desired) => {
      const { accepted } = validate(desired, ALL, FACTS)
      expect(validate(accepted, ALL, FACTS).failures).toEqual([])
    }),
  )
})

test('a validator with a past says what one without says', () => {
  const history = fc.array(arbitraryState, { minLength: 2, maxLength: 6 })
  fc.assert(
    fc.property(history, fc.boolean(), (states, copies) => {
      const validator = new Validator(ALL)
      for (const desired of states) {
        const given = copies ? fresh(desired) : desired
        const seasoned = validator.validate(given, FACTS)
        const newborn = validate(desired, ALL, FACTS)
        expect(lines(seasoned.failures)).toEqual(lines(newborn.failures))
        expect(plain(seasoned.accepted)).toEqual(plain(newborn.accepted))
        validator.validate(given, FACTS)
      }
    }),
    { numRuns: 500 },
  )
})

test('maps in another order make no difference', () => {
  const reversed = (desired: DesiredState): DesiredState => {
    const networks = [...desired.networks].reverse().map(([id, n]) => {
      const [local, remote] = [new Map([...n.local].reverse()), new Map([...n.remote].reverse())]
      return [id, { ...n, local, remote, subnets: [...n.subnets].reverse() }] as const
    })
    return { ...desired, networks: new Map(networks) }
  }
  fc.assert(
    fc.property(arbitraryState, (desired) => {
      const [one, other] = [desired, reversed(desired)].map((d) => validate(d, ALL, FACTS))
      expect(lines(other?.failures ?? [])).toEqual(lines(one?.failures ?? []))
    }),
    { numRuns: 500 },
  )
})

test('unchanged parts come out as the same objects, so that planning can pass them over', () => {
  const validator = new Validator(ALL)
  const entries = Array.from(
    { length: 100 },
    (_, i) => [`e${i}`, { ...remote(`10.0.1.${i + 2}`, 2), mac: mac(1, i) }] as const,
  )
  const first = validator.validate(
    state({ blue: { remote: new Map(entries) }, green: { subnets: [] } }),
    FACTS,
  )
  const again = validator.validate(
    state({ blue: { remote: new Map(entries) }, green: { subnets: [] } }),
    FACTS,
  )
  expect(again.accepted.peers).toBe(first.accepted.peers)
  expect(again.accepted.networks.get('blue')?.remote.get('e7')).toBe(entries[7]?.[1])
  const shared = state({ blue: { remote: new Map(entries) } })
  const [a, b] = [
    validator.validate(shared, FACTS),
    validator.validate({ ...shared, generation: 2 }, FACTS),
  ]
  expect(b.accepted.networks.get('blue')).toBe(a.accepted.networks.get('blue'))
})

test('an underlay that shrank is felt by networks that nobody touched', () => {
  const validator = new Validator(ALL)
  const desired = state({
    blue: { mtu: 1450 },
    any: {
      subnets: [
        {
          ...state({ x: {} }).networks.get('x')?.subnets[0],
          vni: 9 as never,
          prefixes: [{ cidr: '10.5.0.0/24' as never, gateway: ip('10.5.0.1') }],
        },
      ],
    },
  })
  expect(validator.validate(desired, FACTS).failures).toEqual([])
  const { accepted, failures } = validator.validate(desired, { underlayMtuBytes: 1400 })
  expect(lines(failures)).toContain('networks/blue ERR_MTU')
  expect(accepted.networks.get('any')?.mtu).toBe(1350)
})
