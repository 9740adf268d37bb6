/** How much of what peers know is written down, and how often. */
import {
  FILE_BYTES_MAX,
  instantAfter,
  parseIp,
  silentLogger,
  utf8Bytes,
  type Files,
} from '@weft/core'
import { VirtualClock } from '@weft/core/testing'
import type { Row } from '@weft/gossip'
import { describe, expect, test } from 'vitest'
import { defaultTunables } from '../src/index.ts'
import { JsonFields, type Json } from '../src/snapshot/json-fields.ts'
import { Keeper, PEERS_PAUSE_MS_MAX } from '../src/snapshot/keeper.ts'
import {
  NO_PEERS,
  PART_BYTES_MAX,
  peersSnapshotJson,
  readPeersSnapshot,
} from '../src/snapshot/peers-snapshot.ts'
import { MemoryFiles } from './memory-files.ts'
import { PaperCertificates } from './paper-certificates.ts'

function row(key: string, valueBytes: number): Row {
  const value = new Uint8Array(valueBytes).fill(7)
  const place = { networkId: 'net1', table: 'overlay_peer_table', key }
  return { ...place, owner: 'abc', lTime: 2 ** 48, value }
}

function written(rows: readonly Row[]): readonly Row[] {
  const text = JSON.stringify(peersSnapshotJson({ ...NO_PEERS, rows }))
  return readPeersSnapshot(new JsonFields(JSON.parse(text), 'peers')).rows
}

describe('what is written', () => {
  test('is what was known, as long as it is not too much', () => {
    const member = {
      name: 'é"\\\u0001',
      address: { ip: parseIp('192.0.2.1'), port: 7946 },
      meta: Uint8Array.of(1, 2),
      vsn: [1, 5, 2, 2, 5, 4],
      incarnation: 7,
    } as const
    const entry = { networkId: 'net1', nodeName: 'abc', lTime: 3, leaving: false }
    const gossip = { known: [member], knownAttachments: [entry] }
    const rows = [row('a', 10), row('b', 0)]
    const json = peersSnapshotJson({ gossip, rows })
    const read = readPeersSnapshot(new JsonFields(JSON.parse(JSON.stringify(json)), 'peers'))
    expect(read.gossip).toEqual(gossip)
    expect(read.rows.map(({ key, value }) => [key, value.length])).toEqual([
      ['a', 10],
      ['b', 0],
    ])
  })

  test.each([
    ['large values', (i: number) => row(`k${i}`, 65_000)],
    ['names that JSON makes six of one of', (i: number) => row(`${'\u0001'.repeat(512)}${i}`, 9)],
    ['names that are longer in UTF-8', (i: number) => row(`${'語'.repeat(170)}${i}`, 60_000)],
  ])('ends at PART_BYTES_MAX, by %s too', (_, make) => {
    const size = utf8Bytes(JSON.stringify(peersSnapshotJson({ ...NO_PEERS, rows: [make(0)] })))
    const count = Math.ceil((PART_BYTES_MAX.rows * 1.1) / size.length)
    const rows = Array.from({ length: count }, (_each, i) => make(i))
    const { rows: kept } = peersSnapshotJson({ ...NO_PEERS, rows }) as { rows: readonly Json[] }
    const bytes = utf8Bytes(JSON.stringify(kept)).length
    expect(bytes).toBeLessThanOrEqual(PART_BYTES_MAX.rows)
    expect(bytes).toBeGreaterThan(PART_BYTES_MAX.rows * 0.9)
    expect(kept.length).toBeLessThan(count)
  })

  test('keeps the first, and fits a file with all its parts', () => {
    const many = Array.from({ length: 400 }, (_, i) => row(`k${i}`, 65_000))
    const kept = written(many)
    expect(kept.map(({ key }) => key)).toEqual(many.slice(0, kept.length).map(({ key }) => key))
    const { known, attachments, rows } = PART_BYTES_MAX
    expect(known + attachments + rows).toBeLessThan(FILE_BYTES_MAX)
  })
})

describe('how often', () => {
  /** Writes take `ms`; resolves with when they began. */
  async function writesThatTake(ms: number, times: number): Promise<number[]> {
    const clock = new VirtualClock()
    const began: number[] = []
    const files: Files = Object.assign(new MemoryFiles(), {
      write: async () => {
        began.push(clock.now())
        const { promise, resolve } = Promise.withResolvers<void>()
        clock.schedule(instantAfter(clock.now(), ms), resolve)
        await promise
      },
    })
    const { sha256 } = new PaperCertificates()
    const sources = { node: () => ({}) as never, peers: () => NO_PEERS }
    const parts = { files, sha256, clock, log: silentLogger, tunables: defaultTunables() }
    const keeper = new Keeper({ ...parts, ...sources })
    for (let i = 0; i < times; i++) {
      keeper.touchPeers()
      await clock.advanceUntil(() => began.length > i, 60_000)
      await clock.advance(ms)
    }
    return began.map((at, i) => at - (began[i - 1] ?? 0))
  }

  test('once an interval; a twentieth of the time, where that is longer', async () => {
    expect(await writesThatTake(10, 3)).toEqual([1000, 1010, 1010])
    expect(await writesThatTake(100, 3)).toEqual([1000, 2100, 2100])
  })

  test('every PEERS_PAUSE_MS_MAX at least', async () => {
    const pause = PEERS_PAUSE_MS_MAX + 3000
    expect(await writesThatTake(3000, 3)).toEqual([1000, pause, pause])
  })
})

describe('forgetting', () => {
  test('waits for what is being written, and removes that too', async () => {
    const clock = new VirtualClock()
    const files = new MemoryFiles()
    const slow: Files = {
      read: (name) => files.read(name),
      remove: (name) => files.remove(name),
      write: async (name, bytes) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        clock.schedule(instantAfter(clock.now(), 500), resolve)
        await promise
        await files.write(name, bytes)
      },
    }
    const { sha256 } = new PaperCertificates()
    const parts = { sha256, clock, log: silentLogger, tunables: defaultTunables() }
    const node = { ringName: 'abc', ringAddress: '', vxlanPort: 0, managers: [], keys: [] }
    const sources = {
      node: () => ({ ...node, attachments: [], releases: [] }),
      peers: () => NO_PEERS,
    }
    const keeper = new Keeper({ ...parts, files: slow, ...sources })
    keeper.touch()
    keeper.touchPeers()
    await clock.advance(defaultTunables().snapshotIntervalMs + 10)
    keeper.touch()
    await clock.advance(10)
    expect([...files.content.keys()]).toEqual(['agent-node'])
    const forgotten = keeper.forget()
    await clock.advance(2000)
    await forgotten
    expect([...files.content.keys()]).toEqual([])
    await clock.advance(10_000)
    expect([...files.content.keys()]).toEqual([])
  })
})
