/** Whatever happens, wherever it stops: nothing acknowledged is lost, nothing is given twice. */
import { addressOf, parseInterfaceAddress } from '@weft/core'
import { expect, test } from 'vitest'
import { ChaosWorld } from './chaos-world.ts'
import { FragileStore } from './fragile-store.ts'
import { offences } from './invariants.ts'
import { addressesOf, ManagerWorld, networkSpec, settle } from './manager-world.ts'

/** Of each kind of thing there must have been some, or the runs prove nothing. */
const HAPPENED = [
  'join',
  'network',
  'network refused',
  'network removal',
  'attach',
  'attach refused',
  'detach',
  'report',
  'failure',
  'node removal',
  'register',
  'rotation',
  'time',
  'crash',
  'kept',
]

test('random operations, full stores and crashes at any write, then everybody agrees', async () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < 40; seed++) {
    const chaos = await ChaosWorld.open(`chaos ${seed}`)
    await chaos.run(250)
    expect({ seed, offences: chaos.offences() }).toEqual({ seed, offences: [] })
    for (const [what, times] of chaos.counts) counts.set(what, (counts.get(what) ?? 0) + times)
  }
  expect(HAPPENED.filter((what) => (counts.get(what) ?? 0) < 20)).toEqual([])
})

/** What a cluster's life consists of, one after the other; returns what was acknowledged. */
async function life(world: ManagerWorld, acknowledged: Set<string>): Promise<void> {
  const [first, second] = [await world.ready(), await world.ready()]
  const { control } = world.manager
  const blue = await control.createNetwork(networkSpec('blue'))
  acknowledged.add(blue.id)
  for (const node of [first, second, first]) acknowledged.add(await node.attach('blue'))
  const wanted = await second.attach('blue', { addresses: ['10.0.0.50'] })
  acknowledged.add(wanted)
  await first.report(wanted, 512).catch(() => undefined)
  const green = await control.createNetwork(networkSpec('green'))
  acknowledged.add(green.id)
  const moved = await first.attach('green')
  await first.detach(moved)
  await control.removeNetwork(green.id)
  acknowledged.delete(green.id)
  await world.clock.advance(12 * 3_600_000)
  await control.rotateJoinToken('worker')
}

test('a crash after any single write leaves a cluster that goes on', async () => {
  const whole = new FragileStore()
  const calm = await ManagerWorld.open({ store: whole })
  await life(calm, new Set())
  const total = whole.commits
  expect(total).toBeGreaterThan(15)
  for (let at = 3; at <= total; at++) {
    for (const fate of ['lost', 'kept'] as const) {
      const store = new FragileStore()
      const world = await ManagerWorld.open({ store })
      store.fate = (commit) => (commit === at ? fate : 'done')
      const acknowledged = new Set<string>()
      let failure: unknown = null
      life(world, acknowledged).catch((error: unknown) => {
        if (!store.isStopped) failure = error
      })
      await settle(() => store.isStopped || failure !== null)
      expect(failure).toBeNull()
      world.store = store.successor()
      store.fate = () => 'done'
      await world.start()
      const { control } = world.manager
      expect({ at, fate, offences: offences(control) }).toEqual({ at, fate, offences: [] })
      const ids = new Set([...control.networks(), ...control.tasks()].map(({ id }) => id))
      const lost = [...acknowledged].filter((id) => !ids.has(id) && !isUnderWay(control, id))
      expect({ at, fate, lost }).toEqual({ at, fate, lost: [] })
      await goOn(world)
    }
  }
})

/** The removal of the green network may have been durable and not acknowledged. */
function isUnderWay(control: ManagerWorld['manager']['control'], id: string): boolean {
  const names = control.networks().map(({ spec }) => spec?.annotations?.name)
  return !names.includes('green') && !control.tasks().some((task) => task.id === id)
}

/** New nodes, networks and attachments collide with nothing that is there. */
async function goOn(world: ManagerWorld): Promise<void> {
  const node = await world.ready()
  await world.manager.control.createNetwork(networkSpec('next'))
  const before = new Set(world.manager.control.tasks().flatMap(addressesOf))
  const ids = [await node.attach('next'), await node.attach('next')]
  const tasks = world.manager.control.tasks().filter(({ id }) => ids.includes(id))
  const addresses = tasks.flatMap(addressesOf)
  const hosts = addresses.map((text) => addressOf(parseInterfaceAddress(text as never)))
  expect(new Set(hosts).size).toBe(2)
  expect(addresses.filter((address) => before.has(address))).toEqual([])
  expect(offences(world.manager.control)).toEqual([])
}
