/** Transactions over the objects: all or nothing, in memory as in the store. */
import { create } from '@bufbuild/protobuf'
import { hasCode, utf8Bytes, type StoreEntry, type StoreTransaction } from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import {
  AnnotationsSchema,
  NetworkSchema,
  NetworkSpecSchema,
  wallOf,
  type Network,
} from '@weft/swarm'
import { beforeEach, expect, test } from 'vitest'
import { Objects, OWNER_KEY, TRANSACTION_WRITES_MAX } from '../src/objects.ts'
import { FragileStore } from './fragile-store.ts'
import { ManagerWorld } from './manager-world.ts'

let store: FragileStore
let objects: Objects
let clusterId: string

const identity = (): { owner: string; clusterId: string } => ({ owner: 'owner', clusterId })

const open = (): Promise<Objects> => Objects.open(store, new VirtualClock(), identity())

function network(id: string): Network {
  const annotations = create(AnnotationsSchema, { name: `name-${id}` })
  return create(NetworkSchema, { id, spec: create(NetworkSpecSchema, { annotations }) })
}

const versionOf = (id: string): bigint | undefined =>
  objects.tables.get('network', id)?.meta?.version?.index

beforeEach(async () => {
  store = new FragileStore()
  const world = await ManagerWorld.open({ store })
  await world.manager.close()
  clusterId = world.identity.clusterId
  objects = await open()
})

test('what was acknowledged is there after a restart, with its indexes', async () => {
  await objects.transact((draft) => draft.put('network', network('a')))
  store = store.successor()
  const { tables } = await open()
  expect(tables.get('network', 'a')?.id).toBe('a')
  expect(tables.networkNamed('name-a')?.id).toBe('a')
})

test('plans that come during a transaction share the next one', async () => {
  const before = store.commits
  const puts = Array.from({ length: 50 }, (_, i) =>
    objects.transact((draft) => draft.put('network', network(`n${i}`))),
  )
  await Promise.all(puts)
  expect(store.commits - before).toBe(2)
  expect(objects.tables.all('network').size).toBe(50)
})

test('a transaction takes TRANSACTION_WRITES_MAX writes, and what is beyond waits', async () => {
  const plan = (count: number) => (draft: Parameters<Parameters<Objects['transact']>[0]>[0]) => {
    for (let i = 0; i < count; i++) draft.put('network', network(`${count}-${i}`))
  }
  await objects.transact(plan(TRANSACTION_WRITES_MAX))
  expect(store.sizes.at(-1)).toBe(TRANSACTION_WRITES_MAX)
  const tooMany = objects.transact(plan(TRANSACTION_WRITES_MAX + 1))
  await expect(tooMany).rejects.toThrow('bug: one plan fits one transaction')
  const sizes = store.sizes.length
  await Promise.all([1, 60, 61].map((count) => objects.transact(plan(count))))
  expect(store.sizes.slice(sizes)).toEqual([1, 60, 61])
})

test('a full store leaves memory as it was, and only the plans that fail are told', async () => {
  await objects.transact((draft) => draft.put('network', network('old')))
  const version = versionOf('old')
  const changes: string[] = []
  objects.watch(({ object }) => changes.push(object.id))
  // All four share a transaction, which fails, and are then tried alone; the third fails again.
  const [shared, third] = [store.commits + 1, store.commits + 4]
  store.fate = (n) => (n === shared || n === third ? 'full' : 'done')
  const outcomes = await Promise.allSettled(
    ['first', 'good', 'bad', 'late'].map((id) =>
      objects.transact((draft) => {
        if (id === 'bad') draft.remove('network', 'old')
        draft.put('network', network(id))
      }),
    ),
  )
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
  const [, , bad] = outcomes
  expect(bad?.status === 'rejected' && hasCode(bad.reason, 'ERR_STORE_FULL')).toBe(true)
  expect(versionOf('old')).toBe(version)
  expect([...objects.tables.all('network').keys()].sort()).toEqual(['first', 'good', 'late', 'old'])
  expect(changes).toEqual(['first', 'good', 'late'])
  expect(objects.tables.networkNamed('name-bad')).toBeNull()
})

test('a plan that throws changes nothing, and the others of its transaction count', async () => {
  const blocker = objects.transact(() => undefined)
  const thrown = objects.transact((draft) => {
    draft.put('network', network('half'))
    throw new Error('changed its mind')
  })
  const kept = objects.transact((draft) => draft.put('network', network('kept')))
  await expect(thrown).rejects.toThrow('changed its mind')
  await Promise.all([blocker, kept])
  expect([...objects.tables.all('network').keys()]).toEqual(['kept'])
})

test('versions grow with every change, also within a transaction', async () => {
  const versions = await Promise.all(
    [0, 1, 2, 3].map(() => objects.transact((draft) => draft.put('network', network('a')))),
  )
  const indexes = versions.map(({ meta }) => meta?.version?.index ?? 0n)
  expect(new Set(indexes).size).toBe(4)
  expect(versionOf('a')).toBe(indexes.at(-1))
})

test('whoever lost the store to another manager can change nothing', async () => {
  const successor = await open()
  const put = (): Promise<Network> =>
    objects.transact((draft) => draft.put('network', network('stale')))
  await expect(put()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await expect(put()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  expect(objects.tables.get('network', 'stale')).toBeNull()
  await successor.transact((draft) => draft.put('network', network('fresh')))
})

test('whoever is overtaken while reading can change nothing either', async () => {
  const overtaken = new (class extends FragileStore {
    override async list(prefix: string): Promise<readonly StoreEntry[]> {
      if (prefix === '') objects = await Objects.open(store, new VirtualClock(), identity())
      return store.list(prefix)
    }
    override commit(transaction: StoreTransaction): Promise<number | null> {
      return store.commit(transaction)
    }
  })()
  const slow = await Objects.open(overtaken, new VirtualClock(), identity())
  const stale = slow.transact((draft) => draft.put('network', network('stale')))
  await expect(stale).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await objects.transact((draft) => draft.put('network', network('fresh')))
})

test('objects say when they were made, and when they changed', async () => {
  const clock = new VirtualClock()
  objects = await Objects.open(store, clock, identity())
  const made = await objects.transact((draft) => draft.put('network', network('a')))
  await clock.advance(1_000)
  const changed = await objects.transact((draft) => draft.put('network', network('a')))
  expect(wallOf(made.meta?.createdAt)).toBe(clock.wall() - 1_000)
  expect(changed.meta?.createdAt).toEqual(made.meta?.createdAt)
  expect(wallOf(changed.meta?.updatedAt)).toBe(clock.wall())
})

test('who opens the store of another cluster is refused, and deposes nobody', async () => {
  const wrong = Objects.open(store, new VirtualClock(), { owner: 'x', clusterId: 'another' })
  await expect(wrong).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
  await objects.transact((draft) => draft.put('network', network('a')))
  const empty = Objects.open(new FragileStore(), new VirtualClock(), { owner: 'x', clusterId })
  await expect(empty).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
})

test('after closing, what is under way comes to its end and what waits is told so', async () => {
  const underWay = objects.transact((draft) => draft.put('network', network('a')))
  const waiting = objects.transact((draft) => draft.put('network', network('b')))
  const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  await objects.close()
  await Promise.all([underWay, refused])
  const late = objects.transact(() => undefined)
  await expect(late).rejects.toMatchObject({ code: 'ERR_ABORTED' })
})

test.each([
  ['task/x', utf8Bytes('no protobuf'), 'task/x'],
  ['network/y', utf8Bytes(''), 'network/y'],
  ['cluster/z', utf8Bytes(''), 'cluster/z'],
])('a damaged entry %s is refused by name and left alone', async (key, value, location) => {
  await store.commit({ checks: [], writes: [{ key, value }] })
  const before = (await store.list('')).filter((entry) => entry.key !== OWNER_KEY)
  await expect(open()).rejects.toMatchObject({ code: 'ERR_STORE_CORRUPT', details: { location } })
  expect((await store.list('')).filter((entry) => entry.key !== OWNER_KEY)).toEqual(before)
})
