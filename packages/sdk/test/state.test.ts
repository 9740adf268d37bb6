/** What a node writes down: read back as it was, refused when it does not read. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8Bytes } from '@weft/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CloseList } from '../src/close-list.ts'
import { RecordStore } from '../src/node-record.ts'
import { memoryPlaces, openDirectory } from '../src/state-places.ts'
import { RECORD } from './doubles.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-sdk-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

test('a record survives, and is its owner’s alone', async () => {
  const path = join(directory, 'state')
  const places = await openDirectory(path)
  const records = new RecordStore(places.node, places.location)
  expect(await records.load()).toEqual({ kind: 'none' })
  await records.save({ kind: 'member', record: RECORD })
  await places.close()
  const again = await openDirectory(path)
  expect(await new RecordStore(again.node, '').load()).toEqual({ kind: 'member', record: RECORD })
  await again.close()
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(statSync(join(path, 'node.db')).mode & 0o777).toBe(0o600)
})

test('one owner at a time', async () => {
  const places = await openDirectory(directory)
  await expect(openDirectory(directory)).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' })
  await places.close()
  await (await openDirectory(directory)).close()
})

test('clearing takes everything but the record', async () => {
  for (const places of [await openDirectory(directory), memoryPlaces()]) {
    const records = new RecordStore(places.node, '')
    await records.save({ kind: 'unfinished' })
    await places.agent.write('snapshot', Uint8Array.of(1))
    const cluster = await places.openCluster()
    await cluster.commit({ checks: [], writes: [{ key: 'a', value: Uint8Array.of(1) }] })
    await cluster.close()
    await places.clear()
    await places.clear()
    expect(await places.agent.read('snapshot')).toBeNull()
    await places.agent.write('snapshot', Uint8Array.of(1))
    const empty = await places.openCluster()
    expect(await empty.list('')).toEqual([])
    await empty.close()
    expect(await records.load()).toEqual({ kind: 'unfinished' })
    await places.close()
  }
})

test('a cluster that was closed is opened again as it was', async () => {
  const places = memoryPlaces()
  const first = await places.openCluster()
  await first.commit({ checks: [], writes: [{ key: 'a', value: Uint8Array.of(1) }] })
  await first.close()
  expect(await (await places.openCluster()).list('')).toHaveLength(1)
})

test('a record that does not read is refused, with what to do', async () => {
  for (const text of ['{', '{"version":2}', '{"version":1,"kind":"?"}', BAD_IP]) {
    const places = memoryPlaces()
    const write = { key: 'node', value: utf8Bytes(text) }
    await places.node.commit({ checks: [], writes: [write] })
    const records = new RecordStore(places.node, '/state/node.db')
    await expect(records.load()).rejects.toMatchObject({
      code: 'ERR_STATE_CORRUPT',
      details: { file: '/state/node.db', remedy: expect.stringContaining('bring back') as string },
    })
  }
})

const BAD_IP = JSON.stringify({
  version: 1,
  kind: 'member',
  record: { ...RECORD, dataPathIp: 'nowhere' },
})

test('a damaged file is refused and stays', async () => {
  writeFileSync(join(directory, 'node.db'), 'garbage')
  mkdirSync(join(directory, 'agent'))
  await expect(openDirectory(directory)).rejects.toMatchObject({ code: 'ERR_STORE_CORRUPT' })
  expect(readdirSync(directory).sort()).toEqual(['agent', 'node.db'])
})

test('what was opened is closed in reverse, all of it, and once', async () => {
  const order: string[] = []
  const list = new CloseList()
  for (const name of ['a', 'b', 'c']) {
    list.add(async (mode) => {
      order.push(`${name} ${mode}`)
      if (name !== 'a') throw new Error(name)
    })
  }
  await expect(list.close('detach')).rejects.toThrow('c')
  await list.close('teardown')
  expect(order).toEqual(['c detach', 'b detach', 'a detach'])
})
