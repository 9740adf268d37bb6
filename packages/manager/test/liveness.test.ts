/** Nodes that fall silent, come back, and stay away (docker-wire §7.6). */
import { hasCode } from '@weft/core'
import { NodeState, type Node } from '@weft/swarm'
import { expect, test } from 'vitest'
import { FragileStore } from './fragile-store.ts'
import { ManagerWorld, networkSpec, settle, type TestNode } from './manager-world.ts'

const PERIOD_MS = 5_000

function stored(node: TestNode): Node {
  const found = node.world.manager.control.nodes().find(({ id }) => id === node.id)
  if (found === undefined) throw new Error('no such node')
  return found
}

async function beat(world: ManagerWorld, node: TestNode, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await world.clock.advance(PERIOD_MS)
    await node.heartbeat()
  }
}

test('heartbeats are asked for every five seconds, half a second more or less', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  const periods = await Promise.all(Array.from({ length: 200 }, () => node.heartbeat()))
  expect(Math.min(...periods)).toBeGreaterThanOrEqual(4_500)
  expect(Math.max(...periods)).toBeLessThanOrEqual(5_500)
  expect(new Set(periods).size).toBeGreaterThan(50)
})

test('a node is down after three periods, is told so, and its streams end', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  const assignments = node.assignments()
  await beat(world, node, 10)
  expect(stored(node).status?.state).toBe(NodeState.READY)
  await world.clock.advance(3 * PERIOD_MS - 1)
  expect(stored(node).status?.state).toBe(NodeState.READY)
  await world.clock.advance(1)
  expect(stored(node).status).toMatchObject({ state: NodeState.DOWN, message: 'heartbeat failure' })
  await settle(() => node.session?.isDone === true && assignments.isDone)
  expect(node.session?.last.node?.status?.state).toBe(NodeState.DOWN)
  expect(hasCode(node.session?.error, 'ERR_NOT_FOUND')).toBe(true)
  expect(hasCode(assignments.error, 'ERR_NOT_FOUND')).toBe(true)
  await expect(node.heartbeat()).rejects.toThrow('node not registered')
  await node.register()
  expect(stored(node).status?.state).toBe(NodeState.READY)
})

test('a session that begins in time survives its predecessor', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  await world.clock.advance(3 * PERIOD_MS - 1)
  await node.register()
  await world.clock.advance(PERIOD_MS)
  expect(stored(node).status?.state).toBe(NodeState.READY)
})

test('a store that is full when a node falls silent learns of it later', async () => {
  const store = new FragileStore()
  const world = await ManagerWorld.open({ store })
  const node = await world.ready()
  store.fate = () => 'full'
  await world.clock.advance(3 * PERIOD_MS)
  expect(stored(node).status?.state).toBe(NodeState.READY)
  await expect(node.heartbeat()).rejects.toThrow('node not registered')
  store.fate = () => 'done'
  await world.clock.advance(3 * PERIOD_MS)
  expect(stored(node).status?.state).toBe(NodeState.DOWN)
  expect(world.lines.map(({ message }) => message)).toEqual(['a node could not be marked as down'])
})

test('after a restart nodes are unknown, and down when they do not come back', async () => {
  const world = await ManagerWorld.open()
  const [back, away, fresh] = [await world.ready(), await world.ready(), await world.join()]
  await world.restart()
  expect(stored(back).status?.state).toBe(NodeState.UNKNOWN)
  await expect(back.heartbeat()).rejects.toThrow('node not registered')
  await back.register()
  for (let i = 0; i < 5; i++) {
    await world.clock.advance(PERIOD_MS)
    await back.heartbeat()
  }
  expect(stored(away).status?.state).toBe(NodeState.UNKNOWN)
  await world.clock.advance(PERIOD_MS)
  expect(stored(away).status?.state).toBe(NodeState.DOWN)
  expect(stored(back).status?.state).toBe(NodeState.READY)
  expect(stored(fresh).status?.state).toBe(NodeState.UNKNOWN)
})

test('attachments of a node that is down a day are freed, of one that returns kept', async () => {
  const world = await ManagerWorld.open({ tunables: { orphanMs: 100_000 } })
  const [returning, gone] = [await world.ready(), await world.ready()]
  await world.manager.control.createNetwork(networkSpec('blue'))
  const kept = await returning.attach('blue')
  const freed = await gone.attach('blue', { addresses: ['10.0.0.9'] })
  await world.clock.advance(3 * PERIOD_MS)
  await world.clock.advance(99_000)
  await returning.register()
  const ids = (): string[] => world.manager.control.tasks().map(({ id }) => id)
  expect(ids()).toEqual([kept, freed])
  await world.clock.advance(1_000)
  expect(ids()).toEqual([kept])
  await returning.attach('blue', { addresses: ['10.0.0.9'] })
})

test('the period can be changed while nodes are there', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  const { control } = world.manager
  const version = control.cluster().meta?.version?.index ?? 0n
  await control.updateCluster(version, { heartbeatPeriodMs: 1_000 })
  expect(await node.heartbeat()).toBeLessThanOrEqual(1_100)
  await world.clock.advance(3_000)
  expect(stored(node).status?.state).toBe(NodeState.DOWN)
})

test('when the manager closes, streams end and nothing is left to happen', async () => {
  const world = await ManagerWorld.open()
  const node = await world.ready()
  const assignments = node.assignments()
  await settle(() => assignments.messages.length === 1)
  await world.manager.close()
  await settle(() => node.session?.isDone === true && assignments.isDone)
  for (const error of [node.session?.error, assignments.error]) {
    expect(hasCode(error, 'ERR_ABORTED') && error.message).toBe('dispatcher is stopped')
  }
  await expect(node.heartbeat()).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  expect(world.clock.pending).toBe(0)
})
