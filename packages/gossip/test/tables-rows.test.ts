/** Rows: every rule of docker-wire §3.7 with its counter-case, and what is better than Docker's. */
import { hasCode, utf8Bytes } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { LAMPORT_TIME_MAX } from '../src/networkdb/messages.ts'
import { lanProfile } from '../src/profile.ts'
import { BULK_RELAY_QUEUE_MAX, DIGEST_RELAY_QUEUE_MAX } from '../src/tables/rows.ts'
import { Bench, broadcastsOf, bulk, join, leave, linesOf, node, row } from './tables-bench.ts'

/** Attached to `blue`, with peers, and caught up with them. */
function attached(...peers: string[]): Bench {
  const bench = new Bench().peers(...peers)
  bench.tables.attach(bench.now, 'blue')
  for (const peer of peers) bench.hear(bulk(peer, [], { lTime: 1000 }))
  bench.run(5000).out.sent.length = 0
  return bench
}

const types = ({ rowChanges }: Bench): string[] =>
  rowChanges.map(({ type, road }) => `${type} ${road}`)

describe('events of others', () => {
  test('are taken from attached peers, in networks of ours', () => {
    const bench = attached('n1').hear(row('n1', 1), row('n1', 1, { networkId: 'red' }))
    expect(linesOf(bench)).toEqual(['k=x@1 of n1'])
    expect(types(bench)).toEqual(['create gossip'])
    expect(bench.tables.counters().applied).toEqual({ gossip: 1 })
  })

  test('are fresh only when strictly later', () => {
    const bench = attached('n1').hear(row('n1', 5, { text: 'a' }))
    bench.hear(row('n1', 5, { text: 'b' }), row('n1', 4, { text: 'c' }))
    expect(linesOf(bench)).toEqual(['k=a@5 of n1'])
    expect(bench.tables.counters().stale).toBe(2)
    bench.hear(row('n1', 6, { type: 'update', text: 'd' }))
    expect(linesOf(bench)).toEqual(['k=d@6 of n1'])
    expect(bench.rowChanges.at(-1)?.previous?.lTime).toBe(5)
  })

  test('of two owners at one time: all nodes keep the same', () => {
    const one = attached('n1', 'n2').hear(row('n1', 5), row('n2', 5))
    const other = attached('n1', 'n2').hear(row('n2', 5), row('n1', 5))
    expect(linesOf(one)).toEqual(['k=x@5 of n2'])
    expect(linesOf(other)).toEqual(linesOf(one))
  })

  test('move our clock: what we say next is later', () => {
    const bench = attached('n1').hear(row('n1', 5000)).put('mine', 'x')
    expect(linesOf(bench)).toContain('mine=x@5002 of me')
    bench.hear(row('n1', LAMPORT_TIME_MAX, { key: 'far' })).put('mine', 'y')
    expect(linesOf(bench)).toContain(`mine=y@${LAMPORT_TIME_MAX} of me`)
  })

  test('that delete leave a tombstone, by which older news are known', () => {
    const bench = attached('n1').hear(row('n1', 5), row('n1', 6, { type: 'delete' }))
    expect(linesOf(bench)).toEqual([])
    expect(types(bench)).toEqual(['create gossip', 'delete gossip'])
    bench.hear(row('n1', 5))
    expect(linesOf(bench)).toEqual([])
    expect(bench.tables.networks()[0]?.tombstones).toBe(1)
    bench.hear(row('n1', 7))
    expect(linesOf(bench)).toEqual(['k=x@7 of n1'])
  })

  test('that delete what is unknown leave one too: the create may come later', () => {
    const bench = attached('n1').hear(row('n1', 6, { type: 'delete' }), row('n1', 5))
    expect(linesOf(bench)).toEqual([])
    expect(bench.rowChanges).toEqual([])
  })

  test('tombstones are told with the time that is left, and forgotten then', () => {
    const bench = attached('n1').hear(row('n1', 6, { type: 'delete', residualReapTimeSeconds: 60 }))
    bench.run(20_000).out.sent.length = 0
    bench.hear(bulk('n1', [], { unsolicited: true, lTime: 2000 }))
    const [answer] = bench.out.bulkSyncs()
    expect(answer?.events[0]).toMatchObject({ type: 'delete', residualReapTimeSeconds: 40 })
    bench.run(45_000)
    expect(bench.tables.networks()[0]?.tombstones).toBe(0)
    bench.hear(row('n1', 8, { type: 'delete', residualReapTimeSeconds: 0 })).run(1_700_000)
    expect(bench.tables.networks()[0]?.tombstones).toBe(1)
    bench.run(110_000)
    expect(bench.tables.networks()[0]?.tombstones).toBe(0)
  })
})

describe('relaying', () => {
  test('what was news by gossip, once', () => {
    const bench = attached('n1', 'n2').hear(row('n1', 5), row('n1', 5))
    bench.run(10_000)
    const relayed = bench.out.gossiped()
    // 4 × ⌈log10(3 + 1)⌉ transmissions, to both peers (docker-wire §2.9, §3.7).
    expect(relayed).toHaveLength(4 * 1 * 2)
    expect(new Set(relayed.map(({ lTime }) => lTime))).toEqual(new Set([5]))
  })

  test('not while we catch up', () => {
    const bench = new Bench().peers('n1', 'n2')
    bench.tables.attach(bench.now, 'blue')
    bench.hear(row('n1', 5)).run(1000)
    expect(bench.out.gossiped()).toEqual([])
    bench.hear(bulk('n1', [], { lTime: 50 }), bulk('n2', [], { lTime: 99 }), row('n1', 6)).run(1000)
    expect(bench.out.gossiped().length).toBeGreaterThan(0)
  })

  test('of a bulk sync only while few events wait', () => {
    const many = (count: number, lTime: number) =>
      bulk('n1', Array.from({ length: count }, (_, i) => row('n1', lTime, { key: `k${i}` })))
    const bench = attached('n1', 'n2').hear(many(BULK_RELAY_QUEUE_MAX + 10, 5))
    // The last ones came when more than BULK_RELAY_QUEUE_MAX waited already.
    bench.run(600_000)
    const keys = new Set(bench.out.gossiped().map(({ key }) => key))
    expect(keys.size).toBe(BULK_RELAY_QUEUE_MAX + 1)
    expect(DIGEST_RELAY_QUEUE_MAX).toBeLessThan(BULK_RELAY_QUEUE_MAX)
  })

  test('not of deaths that are nearly forgotten', () => {
    const bench = attached('n1')
    bench.hear(row('n1', 5, { type: 'delete', residualReapTimeSeconds: 300 })).run(2000)
    expect(bench.out.gossiped()).toEqual([])
    bench.hear(row('n1', 6, { key: 'l', type: 'delete', residualReapTimeSeconds: 301 })).run(2000)
    expect(bench.out.gossiped().length).toBeGreaterThan(0)
  })
})

describe('what comes before what it depends on', () => {
  test('a row waits for the attachment, an attachment for the node', () => {
    const bench = attached('n1').hear(row('n2', 5), join('n2', 5))
    expect(linesOf(bench)).toEqual([])
    expect(bench.tables.counters().held).toBe(2)
    bench.alive('n2')
    expect(linesOf(bench)).toEqual(['k=x@5 of n2'])
    expect(bench.attachmentChanges.at(-1)).toMatchObject({ nodeName: 'n2', type: 'attach' })
  })

  test('a row of one that left is not early but late', () => {
    const bench = attached('n1').hear(row('n1', 5), leave('n1', 6), row('n1', 7, { key: 'l' }))
    bench.hear(join('n1', 8))
    expect(linesOf(bench)).toEqual([])
    bench.hear(leave('n1', 9)).run(10_000)
    bench.hear(row('n1', 12), join('n1', 13))
    expect(linesOf(bench)).toEqual(['k=x@12 of n1'])
  })

  test('what a node deleted by leaving does not come back with it', () => {
    const bench = attached('n1').hear(row('n1', 5), leave('n1', 6), join('n1', 7), row('n1', 5))
    expect(linesOf(bench)).toEqual([])
    expect(bench.tables.networks()[0]?.tombstones).toBe(1)
  })

  test('of a known owner that failed is taken in, and seen when it is back', () => {
    const bench = attached('n1').hear(row('n1', 5)).gone('dead', 'n1')
    expect(linesOf(bench)).toEqual([])
    bench.hear(row('n1', 6, { key: 'l' }))
    expect(linesOf(bench)).toEqual([])
    bench.alive('n1')
    expect(linesOf(bench).sort()).toEqual(['k=x@5 of n1', 'l=x@6 of n1'])
    expect(types(bench)).toEqual([
      'create gossip',
      'delete membership',
      'create membership',
      'create membership',
    ])
  })

  test('what a node left behind by its goodbye is gone', () => {
    const bench = attached('n1').hear(row('n1', 5)).gone('left', 'n1').alive('n1')
    expect(linesOf(bench)).toEqual([])
    bench.hear(join('n1', 9), row('n1', 5))
    expect(linesOf(bench)).toEqual(['k=x@5 of n1'])
  })
})

describe('rows of ours', () => {
  test('are told with a fresh time, as create, update and delete', () => {
    const bench = attached('n1').put('k', 'a').put('k', 'b')
    bench.run(200)
    expect(bench.out.gossiped()).toMatchObject([{ type: 'update', nodeName: 'me', key: 'k' }])
    bench.tables.remove(bench.now, { networkId: 'blue', table: 't', key: 'k' })
    bench.run(200)
    const [deleted] = bench.out.gossiped()
    expect(deleted).toMatchObject({ type: 'delete', residualReapTimeSeconds: 1800 })
    expect(deleted?.value).toEqual(utf8Bytes('b'))
    expect(types(bench)).toEqual(['create local', 'update local', 'delete local'])
  })

  test('that do not change are not told again', () => {
    const bench = attached('n1').put('k', 'a').run(5000)
    bench.out.gossiped()
    bench.put('k', 'a').run(5000)
    expect(bench.out.gossiped()).toEqual([])
    expect(bench.rowChanges).toHaveLength(1)
  })

  test('peer rows are never updated, which an engine takes for a delete (§4.4)', () => {
    const bench = attached('n1')
    const put = (text: string) =>
      bench.tables.put(bench.now, {
        networkId: 'blue',
        table: 'overlay_peer_table',
        key: 'k',
        value: utf8Bytes(text),
      })
    put('a')
    put('b')
    bench.run(5000)
    expect(new Set(bench.out.gossiped().map(({ type }) => type))).toEqual(new Set(['create']))
    expect(types(bench)).toEqual(['create local', 'update local'])
  })

  test('as others remember them from before a restart', () => {
    const bench = attached('n1').put('k', 'a')
    const { refuted } = bench.tables.counters()
    // The same content: their time will do, nothing has to be said.
    bench.hear(row('me', 9000, { text: 'a' }))
    expect(linesOf(bench)).toEqual(['k=a@9000 of me'])
    expect(bench.tables.counters().refuted).toBe(refuted)
    // Another content, or a death: said again, later.
    bench.hear(row('me', 9100, { text: 'old' }))
    expect(linesOf(bench)).toEqual(['k=a@9102 of me'])
    bench.hear(row('me', 9200, { type: 'delete' }))
    expect(linesOf(bench)).toEqual(['k=a@9202 of me'])
    // The same time with another content was said by our former self.
    bench.hear(row('me', 9202, { text: 'old' }))
    expect(linesOf(bench)).toEqual(['k=a@9204 of me'])
    bench.hear(row('me', 9203, { text: 'old' }))
    expect(linesOf(bench)).toEqual(['k=a@9204 of me'])
    expect(bench.tables.counters().refuted).toBe(refuted + 3)
  })

  test('that we do not have are refuted, once we had the time to write them', () => {
    const bench = new Bench().peers('n1')
    bench.tables.attach(bench.now, 'blue')
    bench.hear(row('me', 50)).run(1000)
    expect(bench.tables.counters().refuted).toBe(0)
    bench.run(4000).hear(row('me', 50)).run(1000)
    expect(bench.out.gossiped().at(-1)).toMatchObject({ type: 'delete', nodeName: 'me', lTime: 52 })
    expect(linesOf(bench)).toEqual([])
    bench.hear(row('me', 50))
    expect(bench.tables.counters().refuted).toBe(1)
  })

  test('are not deleted by another', () => {
    const bench = attached('n1').put('k', 'a').hear(row('n1', 9000, { type: 'delete' }))
    expect(linesOf(bench)).toEqual(['k=a@9002 of me'])
    bench.hear(row('n1', 9100))
    expect(linesOf(bench)).toEqual(['k=x@9100 of n1'])
  })

  test('that we deleted by leaving are tombstones when we return', () => {
    const bench = attached('n1').put('k', 'a')
    bench.tables.detach(bench.now, 'blue')
    expect(types(bench)).toEqual(['create local', 'delete local'])
    bench.tables.attach(bench.now, 'blue')
    expect(bench.tables.networks()[0]?.tombstones).toBe(1)
    expect(linesOf(bench)).toEqual([])
    bench.tables.detach(bench.now, 'blue')
    bench.run(1_900_000)
    bench.tables.attach(bench.now, 'blue')
    expect(bench.tables.networks()[0]?.tombstones).toBe(0)
  })
})

describe('errors', () => {
  const fails = (act: () => void, code: string): unknown => {
    try {
      act()
    } catch (error) {
      expect(hasCode(error, code) ? code : String(error)).toBe(code)
      return error
    }
    throw new Error(`no ${code}`)
  }
  const name = { networkId: 'blue', table: 't', key: 'k' }
  const value = utf8Bytes('x')

  test('ERR_NOT_ATTACHED, ERR_NO_SUCH_ROW', () => {
    const bench = new Bench()
    fails(() => bench.put('k', 'x'), 'ERR_NOT_ATTACHED')
    fails(() => bench.tables.remove(bench.now, name), 'ERR_NO_SUCH_ROW')
    bench.tables.attach(bench.now, 'blue')
    fails(() => bench.tables.remove(bench.now, name), 'ERR_NO_SUCH_ROW')
    bench.put('k', 'x').tables.remove(bench.now, name)
    fails(() => bench.tables.remove(bench.now, name), 'ERR_NO_SUCH_ROW')
  })

  test('ERR_NOT_OWNER, unless the owner is away', () => {
    const bench = attached('n1').hear(row('n1', 5))
    fails(() => bench.put('k', 'x'), 'ERR_NOT_OWNER')
    fails(() => bench.tables.remove(bench.now, name), 'ERR_NOT_OWNER')
    bench.gone('dead', 'n1').put('k', 'mine').alive('n1')
    expect(linesOf(bench)).toEqual([expect.stringMatching(/^k=mine@\d+ of me$/)])
  })

  test('ERR_ROW_TOO_LARGE at the first byte that fits no packet', () => {
    const bench = attached('n1')
    const write = (length: number) =>
      bench.tables.put(bench.now, { ...name, value: new Uint8Array(length) })
    const error = fails(() => write(1394), 'ERR_ROW_TOO_LARGE')
    const { details } = error as { details: { bytes: number; bytesMax: number } }
    const fits = 1394 - (details.bytes - details.bytesMax)
    fails(() => write(fits + 1), 'ERR_ROW_TOO_LARGE')
    write(fits)
    bench.run(1000)
    expect(bench.out.gossiped()).not.toEqual([])
  })

  test('ERR_NAME_LENGTH', () => {
    const bench = attached('n1')
    const { tables, now } = bench
    fails(() => tables.attach(now, ''), 'ERR_NAME_LENGTH')
    fails(() => tables.attach(now, 'x'.repeat(256)), 'ERR_NAME_LENGTH')
    tables.attach(now, 'x'.repeat(255))
    fails(() => tables.put(now, { ...name, key: '', value }), 'ERR_NAME_LENGTH')
    fails(() => tables.put(now, { ...name, key: 'x'.repeat(513), value }), 'ERR_NAME_LENGTH')
    fails(() => tables.put(now, { ...name, table: 'ü'.repeat(128), value }), 'ERR_NAME_LENGTH')
    tables.put(now, { ...name, key: 'x'.repeat(512), value })
  })
})

test('node events that concern us are put right with a fresh time', () => {
  const bench = new Bench(lanProfile()).peers('w1')
  bench.tables.attach(bench.now, 'blue')
  broadcastsOf(bench)
  bench.hear(node('leave', 'me', 70))
  const said = broadcastsOf(bench)
  expect(said).toContainEqual(expect.objectContaining({ kind: 'node', type: 'join', lTime: 72 }))
  expect(said).toContainEqual(expect.objectContaining({ kind: 'network', type: 'join' }))
})
