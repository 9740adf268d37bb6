/** A node that ends in the middle of anything, and what its next life makes of it. */
import { parseIp } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClusterWorld, type WorldNode } from './cluster-world.ts'

/** What may be under way. */
const DEEDS = {
  attach: (a: WorldNode) => a.attaching('blue', 'c3'),
  'attach many': (a: WorldNode) =>
    Promise.allSettled(['c4', 'c5', 'c6'].map((name) => a.attaching('blue', name))),
  detach: (a: WorldNode) => a.agent.detach('blue/c1'),
  update: (a: WorldNode) => a.agent.update({ dataPathIp: parseIp(a.ip) }),
  'update and attach': (a: WorldNode) => {
    const moving = a.agent.update({ dataPathIp: parseIp('198.51.100.7') })
    return Promise.allSettled([moving, a.attaching('blue', 'c7')])
  },
  nothing: () => Promise.resolve(),
} as const

const ENDS = {
  killed: async (a: WorldNode) => a.kill(),
  stopped: (a: WorldNode) => a.world.settled(a.agent.close('detach')),
  'killed while it stops': async (a: WorldNode) => {
    void a.agent.close('detach')
    for (let i = 0; i < 5; i++) await Promise.resolve()
    a.kill()
  },
} as const

/** Everybody agrees on what is attached, and nothing is left over. */
function expectAgreement(world: ClusterWorld, id: string): void {
  const [a, b] = world.pair
  const tasks = world.manager.control.tasks().map((task) => task.id)
  const attached = world.pair.flatMap(({ agent }) => agent.attachments())
  expect(attached.map(({ attachmentId }) => attachmentId).sort()).toEqual(tasks.sort())
  expect(attached.every(({ state }) => state === 'running')).toBe(true)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const own = one.agent.attachments().flatMap(({ addresses }) => addresses)
    const local = one.desired.networks.get(id)?.local
    expect(local?.size ?? 0).toBe(own.length)
    if (other.agent.attachments().length === 0) continue
    const seen = Object.keys(other.remote(id)).map((address) => `${address}/24`)
    expect(seen.sort()).toEqual([...own].sort())
  }
}

describe('a node that ends', () => {
  test('in the middle of anything leaves nothing that its next life does not mend', async () => {
    const deed = fc.constantFrom(...(Object.keys(DEEDS) as (keyof typeof DEEDS)[]))
    const end = fc.constantFrom(...(Object.keys(ENDS) as (keyof typeof ENDS)[]))
    const step = fc.record({ deed, end, turns: fc.nat(150), ms: fc.constantFrom(0, 0, 1, 40) })
    const steps = fc.array(step, { minLength: 1, maxLength: 4 })
    const run = async (seed: number, given: readonly Step[]): Promise<void> => {
      const world = await ClusterWorld.open(2, { seed })
      const [a, b] = world.pair
      const { id } = await world.createNetwork('blue')
      await a.attach('blue', 'c1')
      await b.attach('blue', 'c2')
      for (const one of given) {
        void DEEDS[one.deed](a).catch(() => undefined)
        for (let i = 0; i < one.turns; i++) await Promise.resolve()
        await world.run(one.ms)
        await ENDS[one.end](a)
        await a.start()
      }
      await world.run(30_000)
      expect(a.agent.view()).toMatchObject({ connected: true, ready: true, error: '' })
      expectAgreement(world, id)
    }
    // Its peers hear that it left, and it forgets having said so: two lives with one Lamport time.
    const forgotten: [number, Step[]] = [
      0,
      [
        { deed: 'detach', end: 'killed', turns: 0, ms: 40 },
        { deed: 'attach', end: 'killed', turns: 0, ms: 0 },
      ],
    ]
    const options = { numRuns: 40, examples: [forgotten] }
    await fc.assert(fc.asyncProperty(fc.nat(1000), steps, run), options)
  }, 120_000)
})

interface Step {
  readonly deed: keyof typeof DEEDS
  readonly end: keyof typeof ENDS
  /** Promises that settle, then milliseconds that pass, before the end. */
  readonly turns: number
  readonly ms: number
}
