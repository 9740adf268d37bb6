import { readdirSync, readlinkSync } from 'node:fs'
import { parseIp, utf8Bytes, utf8Text, type SocketAddress } from '@weft/core'
import { nodeRuntime } from '@weft/runtime-node'
import { afterEach, describe, expect, test } from 'vitest'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import { openGossip, type GossipHandle, type OpenGossipOptions } from '../src/open-gossip.ts'
import { lanProfile } from '../src/profile.ts'
import type { RowChange } from '../src/tables/table.ts'

const LOOPBACK: SocketAddress = { ip: parseIp('127.0.0.1'), port: 0 }
const KEY = { tag: 'k1', bytes: new Uint8Array(16).fill(7) }

const handles: GossipHandle[] = []
afterEach(async () => {
  for (const handle of handles.splice(0)) await handle.close()
})

async function open(
  name: string,
  options: Partial<OpenGossipOptions> = {},
): Promise<GossipHandle> {
  const defaults: OpenGossipOptions = {
    name,
    bind: LOOPBACK,
    advertise: null,
    meta: new Uint8Array(0),
    label: '',
    keys: null,
    profile: lanProfile(),
    bootstrap: [],
    known: [],
    knownAttachments: [],
  }
  const handle = await openGossip({ ...defaults, ...options }, nodeRuntime())
  handles.push(handle)
  return handle
}

/** The next row that a node hears of in a network. */
function nextRow(handle: GossipHandle, networkId: string): Promise<RowChange> {
  return new Promise((resolve) => {
    handle.run(({ tables }) => {
      const watch = tables.watchRows({ networkId }, (change) => {
        // The first call may come before there is anything to dispose of.
        queueMicrotask(() => watch[Symbol.dispose]())
        resolve(change)
      })
    })
  })
}

const textOf = ({ row }: RowChange): string => utf8Text(row.value, 0, row.value.length)

describe.each([
  ['in the clear', (): KeyRing | null => null, ''],
  ['sealed and labelled', (): KeyRing | null => new KeyRing([KEY]), 'blue'],
])('three nodes on real sockets, %s', (_how, keys, label) => {
  test('find each other, and a row written on one is seen on the others', async () => {
    const [a, b, c] = await Promise.all(
      ['a', 'b', 'c'].map((name) => open(name, { keys: keys(), label })),
    )
    if (a === undefined || b === undefined || c === undefined) throw new Error('bug: three')
    await b.join([a.local])
    await c.join([a.local])
    const all = [a, b, c]
    for (const handle of all) handle.run(({ tables }, now) => tables.attach(now, 'net'))
    const seen = [nextRow(a, 'net'), nextRow(b, 'net')]
    const row = { networkId: 'net', table: 't', key: 'k' }
    c.run(({ tables }, now) => tables.put(now, { ...row, value: utf8Bytes('hello') }))
    expect((await Promise.all(seen)).map(textOf)).toEqual(['hello', 'hello'])
    expect(all.map(({ gossip }) => gossip.membership.roster.activeCount)).toEqual([3, 3, 3])
    const faults = all.map(({ gossip }) => gossip.membership.counters().faults)
    expect(faults.flatMap((counts) => Object.keys(counts))).toEqual([])
    await c.leave()
    expect(c.gossip.hasLeft).toBe(true)
  })
})

test('whoever has another key does not get in', async () => {
  const a = await open('a', { keys: new KeyRing([KEY]) })
  const other = { tag: 'k2', bytes: new Uint8Array(32).fill(9) }
  const b = await open('b', { keys: new KeyRing([other]) })
  const failed = b.join([a.local])
  await expect(failed).rejects.toMatchObject({ code: 'ERR_JOIN_FAILED' })
  expect(a.gossip.membership.roster.activeCount).toBe(1)
  expect(a.gossip.membership.counters().faults).toMatchObject({ 'cannot-open': 1 })
})

test('closing leaves nothing open', async () => {
  const before = socketsOpen()
  const [a, b] = [await open('a'), await open('b')]
  await a.join([b.local])
  expect(socketsOpen()).toBeGreaterThan(before)
  await Promise.all([a.close(), a.close()])
  await b[Symbol.asyncDispose]()
  // Streams of the join may end a moment after both sides have closed.
  while (socketsOpen() > before) await new Promise((resolve) => setImmediate(resolve))
  expect(() => a.run(({ tables }, now) => tables.attach(now, 'net'))).not.toThrow()
})

/** Sockets that this process has. */
function socketsOpen(): number {
  let count = 0
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')) count++
    } catch {
      // The descriptor that read the directory is gone again.
    }
  }
  return count
}
