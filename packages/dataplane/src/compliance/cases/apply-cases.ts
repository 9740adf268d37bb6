/** Family apply: convergence as such. */
import type { DesiredState, NetworkSpec } from '../../desired-state.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import { BLUE, GREEN } from '../cluster.ts'
import { Scene } from '../scene.ts'
import { layPair, openPair } from './pair.ts'

/** The same value in new objects, with every map in reverse order. */
export function freshCopy(desired: DesiredState): DesiredState {
  const reversed = <Key, Value>(map: ReadonlyMap<Key, Value>): Map<Key, Value> =>
    new Map([...map].reverse().map(([key, value]) => [key, { ...value }]))
  const copy = (network: NetworkSpec): NetworkSpec => ({
    ...network,
    subnets: network.subnets.map((subnet) => ({ ...subnet, prefixes: [...subnet.prefixes] })),
    local: reversed(network.local),
    remote: reversed(network.remote),
  })
  const networks = new Map([...desired.networks].reverse().map(([id, n]) => [id, copy(n)]))
  return { ...desired, peers: reversed(desired.peers), networks }
}

/** Convergence: what applies must do and leave alone. */
export const applyCases: readonly ComplianceCase[] = [
  defineCase({
    name: 'apply/observed',
    promise: 'what was applied is what observe reads back, item for item',
    async run(lab, check) {
      const { scene, a } = await layPair(lab, check)
      scene.network('green', [GREEN, [5000, ['10.9.0.0/16', null]]], { mtu: 1400 })
      await scene.endpoint('green', a, { name: 'g1', addresses: ['10.0.1.2'] })
      const desired = scene.desired(a)
      const report = await scene.applied(a, desired)
      check.ok(report.changed > 0, 'the first apply changes something')
      check.equal(report.generation, desired.generation, 'the report names the generation')
      check.equal(report.collected, [], 'there was nothing to collect')
      await scene.expectObserved(a, desired, 'observed after the first apply')
      const { generation, foreign } = await a.dataplane.observe()
      check.equal(generation, desired.generation, 'observe names the generation')
      check.equal(foreign, [], 'nothing is foreign')
    },
  }),
  defineCase({
    name: 'apply/empty',
    promise: 'an empty desired state is programmed as nothing at all',
    async run(lab, check) {
      const scene = new Scene(lab, check)
      const a = await scene.node('a')
      const { changed } = await scene.applied(a)
      check.equal(changed, 0, 'nothing changes')
      check.equal((await a.dataplane.observe()).items, new Map(), 'nothing is observed')
    },
  }),
  defineCase({
    name: 'apply/again-is-free',
    promise: 'applying the same again changes nothing, as the same objects or as equal ones',
    async run(lab, check) {
      const { scene, a } = await openPair(lab, check)
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      const before = await a.dataplane.observe()
      const same = { ...desired, generation: desired.generation + 1 }
      check.equal((await scene.applied(a, same)).changed, 0, 'items changed by the same objects')
      const equal = { ...freshCopy(desired), generation: desired.generation + 2 }
      check.equal((await scene.applied(a, equal)).changed, 0, 'items changed by equal objects')
      check.equal((await a.dataplane.observe()).items, before.items, 'observed stays')
      check.equal((await scene.applied(a, equal)).changed, 0, 'a generation may be applied again')
    },
  }),
  defineCase({
    name: 'apply/order-does-not-matter',
    promise: 'the order of maps in a desired state makes no difference',
    async run(lab, check) {
      const { scene, a, b } = await layPair(lab, check, {
        subnets: [BLUE, [6000, ['10.0.64.0/24', null]]],
      })
      scene.network('green', [GREEN])
      for (const [name, node] of [
        ['x', a],
        ['y', b],
        ['z', a],
      ] as const) {
        const addresses = [`10.0.1.${name.charCodeAt(0)}`]
        await scene.endpoint('green', node, { name, addresses })
      }
      const desired = scene.desired(a)
      await scene.applied(a, freshCopy(desired))
      await scene.expectObserved(a, desired, 'observed after the shuffled apply')
    },
  }),
  defineCase({
    name: 'apply/superseded',
    promise: 'a generation that a newer one overtook while it waited is reported, not applied',
    async run(lab, check) {
      const { scene, a } = await layPair(lab, check)
      const [first, second] = [scene.desired(a), scene.desired(a)]
      scene.removeNetwork('blue')
      scene.network('green', [GREEN])
      const third = scene.desired(a)
      const reports = await Promise.all([first, second, third].map((d) => a.dataplane.apply(d)))
      const outcomes = reports.map(({ generation, outcome }) => [generation, outcome])
      check.equal(outcomes[1], [second.generation, 'superseded'], 'the second of three')
      check.equal(outcomes[2], [third.generation, 'applied'], 'the third of three')
      check.equal(reports[1]?.changed, 0, 'items changed by the superseded one')
      await scene.expectObserved(a, third, 'observed after three applies at once')
    },
  }),
  defineCase({
    name: 'apply/stale',
    promise: 'a generation older than the last applied is refused and changes nothing',
    async run(lab, check) {
      const { scene, a } = await layPair(lab, check)
      const old = scene.desired(a)
      scene.removeNetwork('blue')
      const current = scene.desired(a)
      await scene.applied(a, current)
      await check.rejects(a.dataplane.apply(old), 'ERR_STALE_GENERATION', 'the older generation')
      await scene.expectObserved(a, current, 'observed after the refusal')
    },
  }),
  defineCase({
    name: 'apply/remove',
    promise: 'what is no longer desired goes, whole networks too, and the rest stays',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await layPair(lab, check)
      scene.network('green', [GREEN])
      const g1 = await scene.endpoint('green', a, { name: 'g1', addresses: ['10.0.1.2'] })
      const g2 = await scene.endpoint('green', b, { name: 'g2', addresses: ['10.0.1.3'] })
      const c3 = await scene.endpoint('blue', b, { name: 'c3', addresses: ['10.0.1.4'] })
      await scene.converge()
      scene.removeEndpoint(c3)
      scene.removeNetwork('green')
      const desired = scene.desired(a)
      const { changed } = await scene.applied(a, desired)
      check.ok(changed >= 2, 'a removed network and a removed endpoint count as changed')
      await scene.applied(b)
      await scene.expectObserved(a, desired, 'observed after removal')
      check.equal(await g1.inside.mtuBytes(), null, 'the endpoint of the removed network')
      const lost = traffic.frame(g1, g2)
      await traffic.send(g1, lost)
      await traffic.expectReaches(c1, c2)
      await traffic.expectNowhere(lost, [g2, c2, c3], 'the removed network forwards nothing')
    },
  }),
  defineCase({
    name: 'apply/detach-and-attach-again',
    promise: 'an endpoint that was removed can be attached again, here or under another name',
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      scene.removeEndpoint(c1)
      await scene.applied(a)
      check.equal(await c1.inside.mtuBytes(), null, 'MTU inside while detached')
      scene.replace(c1, {})
      await scene.applied(a)
      await traffic.expectReaches(c1, c2)
      scene.removeEndpoint(c1)
      const renamed = scene.replace(c1, { name: 'other' })
      await scene.converge()
      await traffic.expectReaches(renamed, c2)
      await traffic.expectReaches(c2, renamed)
    },
  }),
  defineCase({
    name: 'apply/twenty-generations',
    promise: 'endpoints come and go over many generations and nothing is left of the gone',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      for (let round = 0; round < 20; round++) {
        const address = `10.0.1.${10 + (round % 5)}`
        const addresses = [address]
        const node = round % 2 === 0 ? a : b
        const name = `e${round % 5}`
        const placed = await scene.endpoint('blue', node, { name, addresses })
        await scene.converge()
        if (round % 3 === 2) scene.removeEndpoint(placed)
      }
      const desired = scene.desired(a)
      await scene.applied(a, desired)
      await scene.applied(b)
      await scene.expectObserved(a, desired, 'observed after twenty generations')
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
    },
  }),
]
