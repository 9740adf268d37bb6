/** Laws of tables: whatever is done, all agree once it is quiet; replays change nothing. */
import fc, { type AsyncCommand } from 'fast-check'
import { expect, test } from 'vitest'
import type { TableEvent } from '../src/networkdb/messages.ts'
import { lanProfile } from '../src/profile.ts'
import { addressOf, World, type WorldNode } from './gossip-world.ts'
import { Bench, bulk, join, leave, linesOf, node, row } from './tables-bench.ts'

const NETWORKS = ['blue', 'red'] as const
const KEYS = ['a', 'b', 'c'] as const
const NODES = 4

/** What should be true: who is attached to what, and whose rows there are. */
class Model {
  readonly attached = NETWORKS.map(() => new Set<number>())
  readonly rows = new Map<string, string>()

  lines(network: number): string[] {
    const prefix = `${NETWORKS[network]}/`
    return [...this.rows]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => {
        const [networkId, key, owner] = name.split('/')
        return `${networkId}/${key}-${owner}=${value} of ${owner}`
      })
      .sort()
  }
}

interface Real {
  readonly world: World
  readonly nodes: WorldNode[]
}

/** One thing that somebody does. */
interface Deed {
  readonly kind: 'attach' | 'detach' | 'put' | 'remove' | 'crash' | 'wait'
  readonly who: number
  readonly network: number
  readonly key: number
  readonly ms: number
}

class DeedCommand implements AsyncCommand<Model, Real> {
  readonly #deed: Deed
  static #count = 0

  constructor(deed: Deed) {
    this.#deed = deed
  }

  check(model: Readonly<Model>): boolean {
    const { kind, who, network } = this.#deed
    const isAttached = model.attached[network]?.has(who) === true
    if (kind === 'attach') return !isAttached
    if (kind === 'remove') return model.rows.has(this.#row)
    return kind === 'crash' || kind === 'wait' || isAttached
  }

  async run(model: Model, real: Real): Promise<void> {
    const { kind, who, network, key, ms } = this.#deed
    const networkId = NETWORKS[network] ?? ''
    const actor = real.nodes[who] as WorldNode
    const name = `${KEYS[key] ?? ''}-${actor.name}`
    if (kind === 'attach') {
      actor.attach(networkId)
      model.attached[network]?.add(who)
    } else if (kind === 'detach') {
      actor.detach(networkId)
      model.attached[network]?.delete(who)
      this.#forget(model, `${networkId}/`)
    } else if (kind === 'put') {
      const value = String(DeedCommand.#count++)
      actor.put(networkId, name, value)
      model.rows.set(this.#row, value)
    } else if (kind === 'remove') {
      actor.remove(networkId, name)
      model.rows.delete(this.#row)
    } else if (kind === 'crash') {
      // It comes back under its name, knows nothing, and attaches to what it was attached to.
      real.world.crash(actor)
      const others = real.nodes.filter((one) => one !== actor).map(({ name }) => addressOf(name))
      const restarted = real.world.start(actor.name, { bootstrap: others })
      restarted.core.join(real.world.now, others)
      real.nodes[who] = restarted
      for (const id of NETWORKS) this.#forget(model, `${id}/`)
      NETWORKS.forEach((id, i) => {
        if (model.attached[i]?.has(who) === true) restarted.attach(id)
      })
    }
    real.world.run(ms)
  }

  toString(): string {
    return JSON.stringify(this.#deed)
  }

  get #row(): string {
    const { who, network, key } = this.#deed
    return `${NETWORKS[network]}/${KEYS[key]}/n${who + 1}`
  }

  #forget(model: Model, prefix: string): void {
    for (const name of [...model.rows.keys()]) {
      const isOurs = name.endsWith(`/n${this.#deed.who + 1}`)
      if (isOurs && name.startsWith(prefix)) model.rows.delete(name)
    }
  }
}

/** What is done oftener stands here oftener. */
const KINDS = [
  'attach',
  'attach',
  'put',
  'put',
  'put',
  'remove',
  'detach',
  'crash',
  'wait',
] as const

const deeds = fc.record({
  kind: fc.constantFrom(...KINDS),
  who: fc.integer({ min: 0, max: NODES - 1 }),
  network: fc.integer({ min: 0, max: NETWORKS.length - 1 }),
  key: fc.integer({ min: 0, max: KEYS.length - 1 }),
  ms: fc.constantFrom(0, 5, 50, 300, 1500),
}).map((deed) => new DeedCommand(deed))

function agree({ nodes }: Real, model: Model): boolean {
  return NETWORKS.every((networkId, i) => {
    const attached = [...(model.attached[i] ?? [])]
    const names = attached.map((who) => `n${who + 1}`).sort()
    const lines = model.lines(i)
    return attached.every((who) => {
      const seen = nodes[who] as WorldNode
      const isRight = String(seen.rows(networkId)) === String(lines)
      return isRight && String(seen.peers(networkId)) === String(names)
    })
  })
}

test('all tables become what their owners hold, and what was heard adds up to it', async () => {
  const runs = fc.asyncProperty(
    fc.commands([deeds], { maxCommands: 40 }),
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.constantFrom(0, 10, 30),
    async (steps, seed, lossPercent) => {
      const world = new World({ seed })
      const real: Real = { world, nodes: world.ring(NODES) }
      const model = new Model()
      world.lossPercent = lossPercent
      await fc.asyncModelRun(() => ({ model, real }), steps)
      world.lossPercent = 0
      const took = world.runUntil(10_000, () => agree(real, model))
      if (took === null) {
        const seen = real.nodes.map((one) => [one.rows(), one.peers('blue'), one.peers('red')])
        expect(seen).toEqual([model.lines(0), model.lines(1)])
      }
      // Quiet is quiet: nothing that was deleted comes back.
      world.run(5000)
      expect(agree(real, model)).toBe(true)
      for (const one of real.nodes) {
        expect(one.replayed()).toEqual(one.rows())
        expect(one.core.tables.counters().faults).toEqual({})
      }
    },
  )
  await fc.assert(runs, { numRuns: 60, seed: 20_261_121 })
}, 120_000)

test('packets that are played again change nothing', () => {
  const world = new World({ seed: 9 })
  const nodes = world.ring(4)
  nodes.forEach((one) => one.attach('blue').put('blue', one.name, 'x'))
  world.run(2000)
  nodes[0]?.put('blue', 'n1', 'y').put('blue', 'gone', 'x')
  world.run(1000)
  nodes[0]?.remove('blue', 'gone')
  nodes[3]?.detach('blue')
  world.run(5000)
  const before = nodes.map((one) => [one.rows(), one.peers('blue'), one.changes.length])
  for (const { bytes } of [...world.packets].reverse()) {
    for (const one of nodes) one.core.receive(world.now, addressOf('n200'), bytes)
  }
  expect(nodes.map((one) => [one.rows(), one.peers('blue'), one.changes.length])).toEqual(before)
  world.run(5000)
  expect(nodes.map((one) => [one.rows(), one.peers('blue'), one.changes.length])).toEqual(before)
})

const EVENTS = [
  'row',
  'delete',
  'join',
  'leave',
  'node-join',
  'node-leave',
  'dead',
  'alive',
] as const

/** Events of a small world, so that they meet. */
const events = fc.record({
  what: fc.constantFrom(...EVENTS),
  who: fc.constantFrom('n1', 'n2', 'me'),
  lTime: fc.integer({ min: 1, max: 12 }),
  key: fc.constantFrom('k', 'l'),
})

test('any order of events leaves the same rows, of what is told to all', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      (seed) => {
        const told = Array.from({ length: 12 }, (_, i) =>
          row(i % 2 === 0 ? 'n1' : 'n2', 1 + ((i * seed) % 9), {
            key: i % 3 === 0 ? 'k' : 'l',
            text: `${i % 2} ${1 + ((i * seed) % 9)}`,
            type: (i * seed) % 4 === 0 ? 'delete' : 'create',
          }),
        )
        const idOf = ({ lTime, nodeName, key }: TableEvent) => `${lTime} ${nodeName} ${key}`
        const ids = told.map(idOf)
        const unique = told.filter((one, i) => ids.indexOf(idOf(one)) === i)
        const bench = new Bench().peers('n1', 'n2')
        const other = new Bench().peers('n2', 'n1')
        for (const one of [bench, other]) one.tables.attach(one.now, 'blue')
        bench.hear(...unique)
        other.hear(bulk('n1', [...unique].reverse()))
        expect(linesOf(other).sort()).toEqual(linesOf(bench).sort())
      },
    ),
    { numRuns: 200 },
  )
})

test('whatever is heard, nothing throws, clocks never go back, and watchers are right', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 60 }), (heard) => {
      const bench = new Bench(lanProfile()).peers('n1', 'n2')
      bench.tables.attach(bench.now, 'blue')
      bench.run(2000).put('k', 'mine')
      let lTime = 0
      for (const { what, who, lTime: at, key } of heard) {
        if (what === 'row') bench.hear(row(who, at, { key }))
        else if (what === 'delete') bench.hear(row(who, at, { key, type: 'delete' }))
        else if (what === 'join') bench.hear(join(who, at))
        else if (what === 'leave') bench.hear(leave(who, at))
        else if (what === 'node-join') bench.hear(node('join', who, at))
        else if (what === 'node-leave') bench.hear(node('leave', who, at))
        else if (who !== 'me' && what === 'dead') bench.gone('dead', who)
        else if (who !== 'me') bench.alive(who)
        bench.run(20)
        const own = [...bench.tables.rows({})].find(({ owner }) => owner === 'me')
        if (own !== undefined) expect(own.lTime).toBeGreaterThanOrEqual(lTime)
        lTime = own?.lTime ?? lTime
        const seen = new Map<string, number>()
        for (const { type, row: changed } of bench.rowChanges) {
          if (type === 'delete') seen.delete(changed.key)
          else seen.set(changed.key, changed.lTime)
        }
        const shown = [...bench.tables.rows({})].map((one) => [one.key, one.lTime] as const)
        expect([...seen].sort()).toEqual(shown.sort())
      }
      // Attached we stay, whatever others say.
      expect(bench.tables.networks()[0]?.nodes).toContain('me')
    }),
    { numRuns: 300 },
  )
})
