/** The small parts of the tables: clock, queues, sets, early events, watchers, capability. */
import { SeededRandom, utf8Bytes, type Instant } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { LAMPORT_TIME_MAX } from '../src/networkdb/messages.ts'
import { lanProfile } from '../src/profile.ts'
import {
  applicationMeta,
  CAPABILITY_BYTES,
  isWeftMeta,
  weftMeta,
} from '../src/tables/capability.ts'
import { DIGEST_PEERS_MAX } from '../src/tables/digest-lines.ts'
import { transmitsMax } from '../src/membership/scale.ts'
import { HELD_EVENTS_MAX, HELD_MS_MAX, HeldEvents } from '../src/tables/held-events.ts'
import { LamportClock } from '../src/tables/lamport-clock.ts'
import { NodeRecord } from '../src/tables/node-record.ts'
import { NodeSet, placesInRecords } from '../src/tables/node-set.ts'
import { GONE_NODES_MAX } from '../src/tables/nodes.ts'
import { ROWS_MAX, RowStore, type StoredRow } from '../src/tables/row-store.ts'
import type { Row } from '../src/tables/table.ts'
import { PART_OVERHEAD_BYTES_MAX } from '../src/tables/table-gossip.ts'
import { MISFITS_MAX, TransmitQueue, type TakeOptions } from '../src/tables/transmit-queue.ts'
import { Watchers } from '../src/tables/watchers.ts'
import { COMPOUND_OVERHEAD_BYTES, compoundOf } from '../src/networkdb/encode.ts'
import { Bench, bulk, join, memberOf, row } from './tables-bench.ts'

const at = (ms: number): Instant => ms as Instant

describe('a Lamport clock', () => {
  test('counts, witnesses, and stops at LAMPORT_TIME_MAX', () => {
    const clock = new LamportClock()
    expect([clock.increment(), clock.increment()]).toEqual([1, 2])
    clock.witness(1)
    expect(clock.time).toBe(2)
    clock.witness(2)
    expect(clock.time).toBe(3)
    clock.witness(LAMPORT_TIME_MAX)
    expect(clock.increment()).toBe(LAMPORT_TIME_MAX)
  })
})

describe('the capability', () => {
  test('is known by its whole name', () => {
    const meta = weftMeta(utf8Bytes('mine'))
    expect(isWeftMeta(meta)).toBe(true)
    expect(applicationMeta(meta)).toEqual(utf8Bytes('mine'))
    expect(meta).toHaveLength(CAPABILITY_BYTES + 4)
    expect(isWeftMeta(utf8Bytes('weft/1'))).toBe(true)
    for (const other of ['', 'weft/', 'weft/12', 'weft/2', 'Weft/1\0']) {
      expect(isWeftMeta(utf8Bytes(other))).toBe(false)
      expect(applicationMeta(utf8Bytes(other))).toEqual(utf8Bytes(other))
    }
  })
})

describe('a transmit queue', () => {
  const options = (more: Partial<TakeOptions> = {}): TakeOptions => ({
    packetBytesMax: 100,
    packetsMax: 1,
    overheadBytes: 0,
    transmissionsMax: 2,
    isFreshOnly: false,
    ...more,
  })
  const message = (byte: number, length = 40): Uint8Array => new Uint8Array(length).fill(byte)
  const marks = (packets: readonly (readonly Uint8Array[])[]): number[][] =>
    packets.map((packet) => packet.map(([first]) => first ?? 0))

  test('sends our own first, then what was sent least, then the oldest', () => {
    const queue = new TransmitQueue(({ length }) => length)
    queue.put('a', message(1), 'relayed')
    queue.put('b', message(2), 'relayed')
    queue.put('c', message(3), 'relayed')
    queue.put('d', message(4), 'own')
    expect(marks(queue.take(options()))).toEqual([[4, 1]])
    expect(queue.hasFresh).toBe(true)
    expect(marks(queue.take(options()))).toEqual([[2, 3]])
    expect(queue.hasFresh).toBe(false)
    expect(queue.take(options({ isFreshOnly: true }))).toEqual([])
    expect(marks(queue.take(options()))).toEqual([[4, 1]])
    expect(marks(queue.take(options()))).toEqual([[2, 3]])
    expect(queue.size).toBe(0)
  })

  test('a message about the same takes the place of an older one, and starts anew', () => {
    const queue = new TransmitQueue(({ length }) => length)
    queue.put('a', message(1), 'own')
    queue.take(options())
    queue.put('a', message(2), 'relayed')
    expect(queue.size).toBe(1)
    expect(marks(queue.take(options()))).toEqual([[2]])
    expect(marks(queue.take(options()))).toEqual([[2]])
    expect(queue.take(options())).toEqual([])
    expect(queue.has('a')).toBe(false)
  })

  test('fills several packets, each message in one of them at most', () => {
    const queue = new TransmitQueue(({ length }) => length)
    for (let i = 0; i < 5; i++) queue.put(String(i), message(i), 'own')
    expect(marks(queue.take(options({ packetsMax: 3 })))).toEqual([[0, 1], [2, 3], [4]])
    expect(marks(queue.take(options({ packetsMax: 3, overheadBytes: 11 })))).toEqual([
      [0],
      [1],
      [2],
    ])
  })

  test('looks past what does not fit, but not for ever', () => {
    const queue = new TransmitQueue(({ length }) => length)
    queue.put('first', message(1, 90), 'own')
    for (let i = 0; i < MISFITS_MAX - 1; i++) queue.put(`large ${i}`, message(2, 20), 'own')
    queue.put('small', message(3, 10), 'own')
    expect(marks(queue.take(options()))).toEqual([[1, 3]])
    const longer = new TransmitQueue(({ length }) => length)
    longer.put('first', message(1, 90), 'own')
    for (let i = 0; i < MISFITS_MAX; i++) longer.put(`large ${i}`, message(2, 20), 'own')
    longer.put('small', message(3, 10), 'own')
    expect(marks(longer.take(options()))).toEqual([[1]])
  })

  test('what fits no packet is never sent', () => {
    const queue = new TransmitQueue(({ length }) => length)
    queue.put('a', message(1, 101), 'own')
    expect(queue.take(options({ packetsMax: 9 }))).toEqual([])
  })
})

test('⌈log10(n + 1)⌉, without a logarithm', () => {
  for (const n of [0, 1, 2, 8, 9, 10, 11, 98, 99, 100, 999, 1000, 5000, 99_999]) {
    const exact = Math['log10'](n + 1)
    expect(transmitsMax(1, n)).toBe(Math.ceil(exact))
  }
})

test('an event may have all bytes of a packet but those of a compound around it', () => {
  for (const length of [10, 120, 130, 1379, 1380]) {
    const around = compoundOf([new Uint8Array(length)]).length - length
    expect(around).toBeLessThanOrEqual(COMPOUND_OVERHEAD_BYTES + PART_OVERHEAD_BYTES_MAX)
  }
})

describe.each([
  ['in a map', null],
  ['in the nodes', placesInRecords],
])('a set of nodes with places %s', (_, places) => {
  const record = (name: string): NodeRecord => new NodeRecord(memberOf(name))

  test('draws different ones, evenly, and none that is gone', () => {
    const set = new NodeSet(places)
    const records = Array.from({ length: 10 }, (_, i) => record(`n${i}`))
    records.forEach((one) => set.add(one))
    const [first, second] = records as [NodeRecord, NodeRecord]
    set.add(first)
    set.delete(second)
    set.delete(second)
    expect(set.size).toBe(9)
    const random = new SeededRandom(1)
    const counts = new Map<string, number>()
    for (let i = 0; i < 3000; i++) {
      const picked = set.pick(random, 3)
      expect(new Set(picked).size).toBe(3)
      for (const { name } of picked) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    expect(counts.has('n1')).toBe(false)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120)
    expect(set.pick(random, 20)).toHaveLength(9)
    expect(set.pick(random, 20, ({ name }) => name === 'n3')).toEqual([records[3]])
  })

  test('knows who is in it while it grows from few to many and shrinks again', () => {
    const set = new NodeSet(places)
    const random = new SeededRandom(2)
    const records = Array.from({ length: 40 }, (_, i) => record(`n${i}`))
    const inside = new Set<NodeRecord>()
    const expectAll = (): void => {
      set.pick(random, 3)
      expect(new Set(set)).toEqual(inside)
      const expected = records.filter((one) => inside.has(one))
      expect(records.filter((one) => set.has(one))).toEqual(expected)
    }
    for (const one of records) {
      inside.add(one)
      set.add(one)
      expectAll()
    }
    for (const one of records) {
      inside.delete(one)
      set.delete(one)
      expectAll()
    }
  })
})

describe('early events', () => {
  test('are kept by owner until taken, the newest of each', () => {
    const held = new HeldEvents()
    expect(held.hold(at(0), row('n1', 5), 'gossip')).toBe(true)
    expect(held.hold(at(0), row('n1', 5), 'gossip')).toBe(false)
    expect(held.hold(at(0), row('n1', 6), 'digest')).toBe(true)
    held.hold(at(0), join('n1', 5), 'gossip')
    held.hold(at(0), join('n2', 5), 'gossip')
    expect(held.size).toBe(3)
    expect(held.take('n1').map(({ event, road }) => [event.lTime, road])).toEqual([
      [6, 'digest'],
      [5, 'gossip'],
    ])
    expect(held.take('n1')).toEqual([])
    expect(held.size).toBe(1)
  })

  test('at most HELD_EVENTS_MAX, of which the oldest go first', () => {
    const held = new HeldEvents()
    for (let i = 0; i <= HELD_EVENTS_MAX; i++) held.hold(at(0), join(`n${i}`, 5), 'gossip')
    expect([held.size, held.dropped]).toEqual([HELD_EVENTS_MAX, 1])
    expect(held.take('n0')).toEqual([])
    expect(held.take('n1')).toHaveLength(1)
  })

  test('for HELD_MS_MAX', () => {
    const held = new HeldEvents()
    held.hold(at(0), join('n1', 5), 'gossip')
    held.expire(at(HELD_MS_MAX - 1))
    expect(held.size).toBe(1)
    held.expire(at(HELD_MS_MAX))
    expect([held.size, held.dropped]).toEqual([0, 1])
    const bench = new Bench().hear(join('n1', 5)).run(HELD_MS_MAX + 10_000).alive('n1')
    expect(bench.attachmentChanges).toEqual([])
    expect(bench.tables.counters()).toMatchObject({ held: 1, heldDropped: 1 })
  })
})

describe('watchers', () => {
  const some = (key: string): Row => {
    const value = utf8Bytes(key)
    return { networkId: 'blue', table: 't', key, owner: 'n1', value, lTime: 1 }
  }
  const create = (key: string) =>
    ({ type: 'create', row: some(key), previous: null, road: 'gossip' }) as const

  test('hear what is known, then what changes, until disposed', () => {
    const watchers = new Watchers()
    const heard: string[] = []
    const watch = watchers.watchRows({}, [some('a')], ({ row: { key } }) => heard.push(key))
    const tell = (key: string): void => {
      watchers.hold()
      watchers.row(create(key))
      watchers.release()
    }
    tell('b')
    watch[Symbol.dispose]()
    tell('c')
    expect(heard).toEqual(['a', 'b'])
  })

  test('one order for all, whatever callbacks do', () => {
    const watchers = new Watchers()
    const heard: string[] = []
    const late: string[] = []
    let second: Disposable | null = null
    watchers.watchRows({}, [], ({ row: { key } }) => {
      heard.push(`1${key}`)
      if (key === 'a') {
        watchers.hold()
        watchers.row(create('c'))
        watchers.release()
        // Sees the state of now, with a, b and c in it.
        watchers.watchRows({}, ['a', 'b', 'c'].map(some), ({ row }) => late.push(row.key))
      }
      if (key === 'b') second?.[Symbol.dispose]()
    })
    second = watchers.watchRows({}, [], ({ row: { key } }) => heard.push(`2${key}`))
    watchers.hold()
    watchers.row(create('a'))
    watchers.row(create('b'))
    expect(heard).toEqual([])
    watchers.release()
    expect(heard).toEqual(['1a', '2a', '1b', '1c'])
    expect(late).toEqual(['a', 'b', 'c'])
  })

  test('by network and table; what one throws keeps nothing from later changes', () => {
    const watchers = new Watchers()
    const heard: string[] = []
    watchers.watchRows({ networkId: 'blue', table: 't' }, [], ({ row: { key } }) => {
      heard.push(key)
      if (key === 'bad') throw new Error('a bug of the callback')
    })
    watchers.watchRows({ networkId: 'red' }, [], () => heard.push('red'))
    watchers.watchRows({ table: 'other' }, [], () => heard.push('other'))
    watchers.row(create('bad'))
    watchers.row(create('good'))
    const tell = (): void => {
      watchers.hold()
      watchers.release()
    }
    expect(tell).toThrow('a bug of the callback')
    tell()
    expect(heard).toEqual(['bad', 'good'])
  })

  test('through the tables: a callback may write, watch and dispose', () => {
    const bench = new Bench().peers('n1')
    bench.tables.attach(bench.now, 'blue')
    const heard: string[] = []
    bench.tables.watchRows({ table: 't' }, ({ type, row: { key } }) => {
      heard.push(`${type} ${key}`)
      if (key === 'k' && type === 'create') bench.put('reply', 'x')
    })
    bench.hear(bulk('n1', [row('n1', 3), row('n1', 4, { key: 'l' })]))
    expect(heard).toEqual(['create k', 'create l', 'create reply'])
    expect(bench.rowChanges.map(({ row: { key } }) => key)).toEqual(['k', 'l', 'reply'])
  })
})

describe('bounds', () => {
  test('of rows: ROWS_MAX, and one beyond is refused', () => {
    const store = new RowStore()
    const value = new Uint8Array(0)
    const stored = (i: number): StoredRow => ({
      row: { networkId: 'n', table: 't', key: String(i), owner: 'o', value, lTime: 1 },
      high: i,
      low: Math.imul(i, 0x9e37_79b1),
      version: 1,
      isLive: true,
      isDeleted: false,
      reapAt: at(0),
    })
    for (let i = 0; i < ROWS_MAX; i++) store.put(at(0), stored(i))
    expect(store.put(at(0), stored(ROWS_MAX))).toBe(false)
    expect(store.put(at(0), stored(1))).toBe(true)
    expect([store.size, store.liveCount]).toEqual([ROWS_MAX, ROWS_MAX])
    store.delete(at(0), stored(1))
    expect(store.size).toBe(ROWS_MAX)
    store.delete(at(0), store.get('t', '1') as StoredRow)
    expect(store.put(at(0), stored(ROWS_MAX))).toBe(true)
  })

  test('of nodes that are gone: the one gone for longest is forgotten', () => {
    const bench = new Bench()
    bench.tables.attach(bench.now, 'blue')
    bench.alive('n1').hear(join('n1', 5)).gone('dead', 'n1')
    const rest = Array.from({ length: GONE_NODES_MAX }, (_, i) => `n${i + 100}`)
    bench.alive(...rest).gone('dead', ...rest.slice(1))
    expect(bench.delegate.attachments().map(({ nodeName }) => nodeName)).toContain('n1')
    bench.gone('dead', rest[0] ?? '')
    expect(bench.delegate.attachments().map(({ nodeName }) => nodeName)).not.toContain('n1')
  })

  test('of peers in a round of digests: networks take turns', () => {
    const bench = new Bench({ ...lanProfile(), digestPeers: 1 })
    const networks = Array.from({ length: DIGEST_PEERS_MAX * 2 }, (_, i) => `net-${i}`)
    networks.forEach((networkId, i) => {
      bench.alive(`w${i + 1}`).hear(join(`w${i + 1}`, 5, networkId))
      bench.tables.attach(bench.now, networkId)
    })
    bench.run(6000).out.sent.length = 0
    const rounds: number[] = []
    const seen = new Set<string>()
    for (let round = 0; round < 4; round++) {
      bench.run(1000)
      const digests = bench.out.sent.splice(0).filter(({ message }) => message === null)
      rounds.push(new Set(digests.map(({ to }) => to)).size)
      digests.forEach(({ to }) => seen.add(to))
    }
    expect(rounds).toEqual(Array.from({ length: 4 }, () => DIGEST_PEERS_MAX))
    expect(seen.size).toBe(networks.length)
  })
})
