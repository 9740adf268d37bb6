/** Keys of gossip and IPsec, and when they change (docker-wire §5.1, §5.2). */
import type { EncryptionKey } from '@weft/swarm'
import { expect, test } from 'vitest'
import { KEYS_PER_SUBSYSTEM } from '../src/network-keys.ts'
import { FragileStore } from './fragile-store.ts'
import { ManagerWorld, settle, type TestNode } from './manager-world.ts'

const PERIOD_MS = 12 * 3_600_000

function lamports(keys: readonly EncryptionKey[] | undefined, subsystem: string): bigint[] {
  const own = (keys ?? []).filter((key) => key.subsystem === `networking:${subsystem}`)
  return own.map(({ lamportTime }) => lamportTime)
}

async function freshKeys(node: TestNode): Promise<readonly EncryptionKey[]> {
  const reader = await node.register()
  node.hangUp()
  return reader.last.networkBootstrapKeys
}

test('six keys of sixteen bytes, three for each subsystem, at consecutive times', async () => {
  const world = await ManagerWorld.open()
  const keys = await freshKeys(await world.join())
  const first = keys[0]?.lamportTime ?? 0n
  expect(first).toBeLessThanOrEqual(65_536n)
  const offsets = [...lamports(keys, 'gossip'), ...lamports(keys, 'ipsec')].map((at) => at - first)
  expect(offsets).toEqual([0n, 1n, 2n, 3n, 4n, 5n])
  expect(offsets).toHaveLength(2 * KEYS_PER_SUBSYSTEM)
  expect(keys.every(({ key }) => key.length === 16)).toBe(true)
  expect(new Set(keys.map(({ key }) => key.join())).size).toBe(6)
})

test('every twelve hours the oldest goes, and nodes hear of it at once', async () => {
  const world = await ManagerWorld.open()
  const node = await world.join()
  const before = await freshKeys(node)
  await world.clock.advance(PERIOD_MS - 1_000)
  await node.register()
  const { session } = node
  expect(session?.last.networkBootstrapKeys).toEqual(before)
  await world.clock.advance(1_000)
  await settle(() => session?.messages.length === 2)
  const after = session?.last.networkBootstrapKeys
  for (const subsystem of ['gossip', 'ipsec']) {
    const [old, next] = [lamports(before, subsystem), lamports(after, subsystem)]
    expect(next.slice(0, 2)).toEqual(old.slice(1))
  }
  const newest = ['gossip', 'ipsec'].map((subsystem) => lamports(after, subsystem).at(-1))
  const last = before.at(-1)?.lamportTime ?? 0n
  expect(newest).toEqual([last + 1n, last + 2n])
})

test('rotations missed while no manager ran are done once, when it starts', async () => {
  const world = await ManagerWorld.open()
  const node = await world.join()
  const before = await freshKeys(node)
  await world.manager.close()
  await world.clock.advance(10 * PERIOD_MS)
  await world.restart()
  await world.clock.advance(0)
  const after = await freshKeys(node)
  expect(lamports(after, 'gossip').slice(0, 2)).toEqual(lamports(before, 'gossip').slice(1))
  await world.clock.advance(PERIOD_MS - 1)
  expect(await freshKeys(node)).toEqual(after)
  await world.clock.advance(1)
  expect(await freshKeys(node)).not.toEqual(after)
})

test('a restart does not put the next rotation off', async () => {
  const world = await ManagerWorld.open()
  const node = await world.join()
  const before = await freshKeys(node)
  for (let i = 0; i < 4; i++) {
    await world.clock.advance(PERIOD_MS / 4)
    await world.restart()
  }
  await world.clock.advance(0)
  expect(await freshKeys(node)).not.toEqual(before)
})

test('a rotation that cannot be stored is tried again', async () => {
  const store = new FragileStore()
  const world = await ManagerWorld.open({ store, tunables: { keyRotationMs: 200_000 } })
  const node = await world.join()
  const before = await freshKeys(node)
  store.fate = () => 'full'
  await world.clock.advance(200_000)
  store.fate = () => 'done'
  expect(await freshKeys(node)).toEqual(before)
  await world.clock.advance(60_000)
  expect(await freshKeys(node)).not.toEqual(before)
  expect(world.lines.map(({ message }) => message)).toContain('network keys could not be rotated')
})

test('a store without the time of the last rotation is refused', async () => {
  const world = await ManagerWorld.open()
  await world.manager.close()
  await world.store.commit({ checks: [], writes: [{ key: 'rotation', value: null }] })
  const { pending } = world.clock
  await expect(world.start()).rejects.toMatchObject({
    code: 'ERR_STORE_CORRUPT',
    details: { location: 'rotation' },
  })
  expect(world.clock.pending).toBe(pending)
})
