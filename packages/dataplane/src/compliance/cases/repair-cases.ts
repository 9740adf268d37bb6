/** Family repair: what is changed behind our back is put right within a second (P1). */
import { parseMac } from '@weft/core'
import type { DataplaneEvents } from '../../dataplane.ts'
import { defineCase, type ComplianceCase } from '../compliance-case.ts'
import type { Damage, LabNode } from '../lab.ts'
import { eventually } from '../traffic.ts'
import { expectHealed, openPair, type Pair } from './pair.ts'

type Drift = DataplaneEvents['drift']

/** One kind of damage, on node `a` of a pair. */
interface Wound {
  readonly name: `repair/${string}`
  readonly promise: string
  damage(pair: Pair): Damage
  /** Part of the path that a drift event must name. */
  named(pair: Pair): string
}

const STRANGER = parseMac('02:00:5e:00:53:99')

const WOUNDS: readonly Wound[] = [
  {
    name: 'repair/delete-forwarding',
    promise: 'a deleted forwarding entry comes back within a second',
    damage: ({ c2 }) => ({ kind: 'delete-forwarding', network: 'blue', mac: c2.mac }),
    named: () => 'networks/blue/',
  },
  {
    name: 'repair/misdirect-forwarding',
    promise: 'a forwarding entry that was pointed elsewhere points back within a second',
    damage: ({ a, c2 }) => ({
      kind: 'misdirect-forwarding',
      network: 'blue',
      mac: c2.mac,
      to: a.tunnel.ip,
    }),
    named: () => 'networks/blue/',
  },
  {
    name: 'repair/delete-neighbour',
    promise: 'a deleted neighbour entry comes back within a second',
    damage: ({ c2 }) => ({
      kind: 'delete-neighbour',
      network: 'blue',
      ip: c2.addresses[0] as (typeof c2.addresses)[number],
    }),
    named: () => 'networks/blue/',
  },
  {
    name: 'repair/add-forwarding',
    promise: 'a forwarding entry that nobody asked for goes within a second',
    damage: ({ b }) => ({
      kind: 'add-forwarding',
      network: 'blue',
      mac: STRANGER,
      to: b.tunnel.ip,
    }),
    named: () => STRANGER,
  },
  {
    name: 'repair/delete-endpoint',
    promise: "an endpoint's interface that was deleted comes back within a second",
    damage: () => ({ kind: 'delete-endpoint', network: 'blue', endpoint: 'c1' }),
    named: () => 'networks/blue/local/c1',
  },
  {
    name: 'repair/delete-network',
    promise: 'a network that was torn down behind our back is whole again within a second',
    damage: () => ({ kind: 'delete-network', network: 'blue' }),
    named: () => 'networks/blue',
  },
]

function wounded(wound: Wound): ComplianceCase {
  return defineCase({
    name: wound.name,
    promise: wound.promise,
    // Counters of a device that was deleted are gone with it.
    conserves: false,
    async run(lab, check) {
      const pair = await openPair(lab, check)
      const { traffic, a, c1, c2 } = pair
      await traffic.expectReaches(c1, c2)
      const drifts = listen(a)
      const before = (await a.dataplane.counters()).drift
      await a.sabotage(wound.damage(pair))
      await expectHealed(lab, check, pair)
      check.ok((await a.dataplane.counters()).drift > before, 'the drift counter grows')
      check.ok(drifts.length > 0, 'drift is announced')
      const items = drifts.flatMap((drift) => drift.items)
      const named = items.some((item) => item.includes(wound.named(pair)))
      check.ok(named, `drift names what was damaged: ${items.join(', ')}`)
      check.equal(
        drifts.flatMap(({ failures }) => failures),
        [],
        'failures of the repair',
      )
      await traffic.expectReaches(c1, c2)
      await traffic.expectReaches(c2, c1)
      const stranger = { ...c2, mac: STRANGER }
      const frame = traffic.frame(c1, stranger)
      await traffic.send(c1, frame)
      await traffic.expectReaches(c1, c2)
      await traffic.expectNowhere(frame, [c2], 'a MAC that nobody has')
    },
  })
}

/** All drift announced from now on. */
function listen(node: LabNode): Drift[] {
  const drifts: Drift[] = []
  node.dataplane.events.on('drift', (drift) => void drifts.push(drift))
  return drifts
}

/** Drift and its repair. */
export const repairCases: readonly ComplianceCase[] = [
  ...WOUNDS.map(wounded),
  defineCase({
    name: 'repair/quiet-without-damage',
    promise: 'while nobody interferes no drift is announced or counted',
    async run(lab, check) {
      const { scene, traffic, a, b, c1, c2 } = await openPair(lab, check)
      const drifts = [listen(a), listen(b)]
      await traffic.expectReaches(c1, c2)
      scene.removeEndpoint(c2)
      await scene.applied(a)
      const c3 = scene.replace(c2, {})
      await scene.converge()
      await traffic.expectReaches(c1, c3)
      await lab.advance(1500)
      check.equal(drifts.flat(), [], 'drift announced')
      const counted = await Promise.all(
        [a, b].map(async (n) => (await n.dataplane.counters()).drift),
      )
      check.equal(counted, [0, 0], 'drift counted')
    },
  }),
  defineCase({
    name: 'repair/container-vanished',
    promise:
      'an endpoint whose container vanished is cleaned up and fails as data until it is gone',
    conserves: false,
    async run(lab, check) {
      const { scene, traffic, a, c1, c2 } = await openPair(lab, check)
      const c3 = await scene.endpoint('blue', a, { name: 'c3', addresses: ['10.0.1.5'] })
      await scene.converge()
      await c3.inside.vanish()
      const path = 'networks/blue/local/c3'
      const cleaned = await eventually(lab, async () => {
        return !(await a.dataplane.observe()).items.has(path)
      })
      check.ok(cleaned, 'nothing is left of the endpoint within a second')
      const { failures } = await scene.apply(a)
      const facts = failures.map(({ item, error }) => [item, error.code])
      check.equal(facts, [[path, 'ERR_ATTACHMENT_MISSING']], 'failures while it is desired')
      await traffic.expectReaches(c1, c2)
      scene.removeEndpoint(c3)
      await scene.converge()
      await traffic.expectReaches(c2, c1)
    },
  }),
]
