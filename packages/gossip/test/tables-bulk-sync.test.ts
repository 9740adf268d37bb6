/** Bulk syncs and what engines are told besides: docker-wire §3.6, §3.8, §3.9. */
import { describe, expect, test } from 'vitest'
import { encodeNetworkDb } from '../src/networkdb/encode.ts'
import { dockerProfile, lanProfile } from '../src/profile.ts'
import {
  BULK_ANSWER_BYTES_PER_SECOND_MAX,
  BULK_ANSWER_MS_MAX,
  BULK_ANSWERS_PER_SECOND_MAX,
  BULK_ATTEMPTS_MAX,
  BULK_MESSAGE_BYTES_MAX,
  BULK_NEWCOMER_ROWS_MAX,
  BULK_ROWS_MAX,
  BULK_SYNCS_MAX,
  BULK_WEFT_PEERS_MAX,
} from '../src/tables/bulk-sync.ts'
import { NEWCOMER_MS_MAX, NEWCOMERS_MAX } from '../src/tables/local-network.ts'
import { FOREIGN_PEERS_MAX, FOREIGN_SYNC_BYTES_PER_SECOND_MAX } from '../src/tables/foreign-sync.ts'
import { Bench, bulk, join, leave, row } from './tables-bench.ts'

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`)

function attached(profile: ReturnType<typeof lanProfile>, ...peers: string[]): Bench {
  const bench = new Bench(profile).peers(...peers)
  bench.tables.attach(bench.now, 'blue')
  return bench
}

describe('at attaching', () => {
  test('all peers are asked, one after the other, as Docker does', () => {
    const bench = attached(dockerProfile(), 'n1', 'n2', 'n3')
    const [first, ...more] = bench.out.bulkSyncs()
    expect(first).toMatchObject({ unsolicited: true, nodeName: 'me', networks: ['blue'] })
    expect(more).toEqual([])
    // Who answers with the time of the request has not heard it.
    bench.hear(bulk(first?.to ?? '', [], { lTime: first?.lTime ?? 0 }))
    expect(bench.out.bulkSyncs()).toEqual([])
    expect(bench.tables.networks()).toMatchObject([{ isAnswered: false }])
    bench.hear(bulk(first?.to ?? '', [row('n2', 1)], { lTime: 50 }))
    expect(bench.tables.networks()).toMatchObject([{ isAnswered: true }])
    const [second] = bench.out.bulkSyncs()
    expect(second?.to).not.toBe(first?.to)
    expect(second?.events).toHaveLength(1)
    bench.run(BULK_ANSWER_MS_MAX - 1)
    expect(bench.out.bulkSyncs()).toEqual([])
    bench.run(1)
    expect(bench.out.bulkSyncs()).toHaveLength(1)
    expect(bench.tables.counters().bulkSyncs).toBe(3)
  })

  test('all that know no digests, and a few of ours, several at once', () => {
    const bench = attached(lanProfile(), ...names('n', 6), ...names('w', 0))
    expect(bench.out.bulkSyncs()).toHaveLength(BULK_SYNCS_MAX)
    const ours = attached(lanProfile(), ...names('w', 10))
    expect(ours.out.bulkSyncs()).toHaveLength(BULK_WEFT_PEERS_MAX)
  })

  test('further ones of ours, until one has answered', () => {
    const bench = attached(lanProfile(), ...names('w', 40))
    bench.out.sent.length = 0
    bench.run(1100)
    const asked = bench.out.bulkSyncs()
    expect(asked).toHaveLength(2 * BULK_WEFT_PEERS_MAX)
    const [one] = asked
    bench.hear(bulk(one?.to ?? '', [], { lTime: 99 })).run(10_000)
    expect(bench.out.bulkSyncs()).toEqual([])
    const unheard = attached(lanProfile(), ...names('w', 40)).run(60_000)
    expect(unheard.out.bulkSyncs()).toHaveLength((BULK_ATTEMPTS_MAX + 1) * BULK_WEFT_PEERS_MAX)
  })

  test('when nobody is there yet, the first that come', () => {
    const bench = new Bench()
    bench.tables.attach(bench.now, 'blue')
    expect(bench.out.bulkSyncs()).toEqual([])
    bench.peers('n1')
    expect(bench.out.bulkSyncs()).toMatchObject([{ to: 'n1', unsolicited: true }])
  })

  test('peers that die are not waited for', () => {
    const bench = attached(dockerProfile(), 'n1', 'n2')
    const [first] = bench.out.bulkSyncs()
    bench.gone('dead', first?.to ?? '')
    expect(bench.out.bulkSyncs()).toHaveLength(1)
  })
})

describe('answers', () => {
  test('are later than the request, and hold rows of every owner', () => {
    const bench = attached(dockerProfile(), 'n1', 'n2').put('mine', 'x').hear(row('n2', 3))
    bench.out.sent.length = 0
    bench.hear(bulk('n1', [], { unsolicited: true, lTime: 700, networks: ['blue', 'red'] }))
    const [answer] = bench.out.bulkSyncs()
    expect(answer).toMatchObject({ to: 'n1', unsolicited: false, networks: ['blue', 'red'] })
    expect(answer?.lTime).toBeGreaterThan(700)
    expect(answer?.events.map(({ nodeName }) => nodeName).sort()).toEqual(['me', 'n2'])
  })

  test('hold nothing of networks that we are not attached to', () => {
    const bench = new Bench().alive('n1')
    bench.hear(bulk('n1', [row('n1', 3)], { unsolicited: true }))
    expect(bench.out.bulkSyncs()).toMatchObject([{ events: [] }])
  })

  test('are given to those we know, so many in a second', () => {
    const bench = attached(dockerProfile(), 'n1')
    bench.out.sent.length = 0
    const ask = bulk('n1', [], { unsolicited: true })
    bench.hear({ ...ask, nodeName: 'n9' })
    expect(bench.out.bulkSyncs()).toEqual([])
    for (let i = 0; i <= BULK_ANSWERS_PER_SECOND_MAX; i++) bench.hear(ask)
    expect(bench.out.bulkSyncs()).toHaveLength(BULK_ANSWERS_PER_SECOND_MAX)
    expect(bench.tables.counters().faults).toEqual({ 'too-many': 1 })
    bench.run(1000).out.sent.length = 0
    expect(bench.hear(ask).out.bulkSyncs()).toHaveLength(1)
  })

  test('are bounded in bytes a second; one that is begun is given whole', () => {
    const bench = attached(dockerProfile(), 'n1')
    const text = 'x'.repeat(60_000)
    const rows = Array.from({ length: 40 }, (_, i) => row('n1', 3, { key: `k${i}`, text }))
    bench.hear(bulk('n1', rows, { lTime: 50 })).run(30_000).out.sent.length = 0
    const ask = bulk('n1', [], { unsolicited: true, lTime: 60 })
    const answers = Math.ceil(BULK_ANSWER_BYTES_PER_SECOND_MAX / (40 * text.length))
    for (let i = 0; i < answers + 5; i++) bench.hear(ask)
    const told = bench.out.bulkSyncs().flatMap(({ events }) => events)
    expect(told).toHaveLength(answers * rows.length)
    expect(bench.tables.counters().faults).toEqual({ 'too-many': 5 })
    bench.run(1000).out.sent.length = 0
    expect(bench.hear(ask).out.bulkSyncs().flatMap(({ events }) => events)).toHaveLength(40)
  })

  test('are asked for over streams: by datagram anybody could ask in their name (§3.9)', () => {
    const bench = attached(dockerProfile(), 'n1')
    bench.run(30_000).out.sent.length = 0
    const ask = encodeNetworkDb(bulk('n1', [row('n1', 9)], { unsolicited: true, lTime: 60 }))
    bench.delegate.userMessage(bench.now, ask, 'packet')
    expect(bench.out.bulkSyncs()).toEqual([])
    expect([...bench.tables.rows({})]).toEqual([])
    expect(bench.tables.counters().faults).toEqual({ 'bad-type': 1 })
  })

  test('to peers that compare digests hold our own rows only, when there are many', () => {
    const bench = attached(lanProfile(), 'w1', 'n2').put('mine', 'x')
    const rows = Array.from({ length: BULK_ROWS_MAX - 1 }, (_, i) => row('n2', 3, { key: `k${i}` }))
    bench.hear(bulk('n2', rows)).out.sent.length = 0
    const ask = (nodeName: string) => bulk(nodeName, [], { unsolicited: true })
    expect(bench.hear(ask('w1')).out.bulkSyncs()[0]?.events).toHaveLength(BULK_ROWS_MAX)
    bench.hear(bulk('n2', [row('n2', 3, { key: 'one more' })])).out.sent.length = 0
    expect(bench.hear(ask('w1')).out.bulkSyncs()[0]?.events).toHaveLength(1)
    expect(bench.hear(ask('n2')).out.bulkSyncs()[0]?.events).toHaveLength(BULK_ROWS_MAX + 1)
  })

  test('to one who attaches just now hold all that it waits for', () => {
    const bench = attached(lanProfile(), 'n2').put('mine', 'x').alive('w1')
    const more = (from: number, count: number): void => {
      const rows = Array.from({ length: count }, (_, i) => row('n2', 3, { key: `k${from + i}` }))
      bench.hear(bulk('n2', rows)).out.sent.length = 0
    }
    const ask = (): number => {
      const { out } = bench.hear(bulk('w1', [], { unsolicited: true }))
      return out.bulkSyncs().flatMap(({ events }) => events).length
    }
    more(0, BULK_NEWCOMER_ROWS_MAX - 1)
    expect(ask()).toBe(BULK_NEWCOMER_ROWS_MAX)
    more(BULK_NEWCOMER_ROWS_MAX, 1)
    expect(ask()).toBe(1)
  })

  /** Rows of one more than are handed to everybody, and how many of them a peer is answered. */
  function crowded(bench: Bench, owner: string) {
    const rows = Array.from({ length: BULK_ROWS_MAX + 1 }, (_, i) =>
      row(owner, 3, { key: `k${i}` }),
    )
    bench.hear(bulk(owner, rows))
    return (nodeName: string): number => {
      bench.out.sent.length = 0
      const { out } = bench.hear(bulk(nodeName, [], { unsolicited: true }))
      return out.bulkSyncs().flatMap(({ events }) => events).length
    }
  }

  test('hold it too when the word that it attached was here before what it asks', () => {
    const bench = attached(lanProfile(), 'n2', 'w1').peers('w3')
    const ask = crowded(bench, 'n2')
    const all = BULK_ROWS_MAX + 1
    expect([ask('w3'), ask('w1')]).toEqual([all, 0])
    bench.run(NEWCOMER_MS_MAX - 1)
    expect(ask('w3')).toBe(all)
    bench.run(1)
    expect(ask('w3')).toBe(0)
    bench.hear(leave('w3', 4), join('w3', 5))
    expect(ask('w3')).toBe(all)
  })

  test('hold it for the latest NEWCOMERS_MAX that attached', () => {
    const bench = attached(lanProfile(), 'n9999').peers(...names('w', NEWCOMERS_MAX + 1))
    const ask = crowded(bench, 'n9999')
    expect(['w1', 'w2'].map(ask)).toEqual([0, BULK_ROWS_MAX + 1])
  })

  test('are cut into messages of bounded length, of which the first asks', () => {
    const bench = attached(dockerProfile(), 'n1')
    const text = 'x'.repeat(60_000)
    const rows = Array.from({ length: 20 }, (_, i) => row('n1', 3, { key: `k${i}`, text }))
    bench.hear(bulk('n1', rows, { lTime: 50 })).out.sent.length = 0
    bench.run(30_000)
    const parts = bench.out.bulkSyncs()
    expect(parts.map(({ unsolicited }) => unsolicited)).toEqual([true, false])
    const perPart = Math.trunc(BULK_MESSAGE_BYTES_MAX / 60_060)
    expect(parts.map(({ events }) => events.length)).toEqual([perPart, 20 - perPart])
  })
})

describe('from time to time', () => {
  test('one peer is asked for all networks in common; another when it does not answer', () => {
    const bench = attached(dockerProfile(), 'n1', 'n2', 'n3')
    for (const name of ['n1', 'n2', 'n3']) bench.hear(join(name, 2, 'red'))
    bench.tables.attach(bench.now, 'red')
    bench.run(60_000).out.sent.length = 0
    bench.run(30_000)
    const asked = bench.out.bulkSyncs()
    expect(asked).toHaveLength(2)
    expect(asked[0]?.networks).toEqual(['blue', 'red'])
    expect(new Set(asked.map(({ to }) => to)).size).toBe(2)
  })

  test('peers that compare digests are not', () => {
    const bench = attached(lanProfile(), 'w1', 'w2').run(10_000)
    bench.out.sent.length = 0
    bench.run(120_000)
    expect(bench.out.bulkSyncs()).toEqual([])
  })
})

describe('engines, from a node that compares digests', () => {
  test('are asked for everything, one at each interval', () => {
    const bench = attached(lanProfile(), 'n1', 'n2', 'n3').run(10_000)
    bench.out.sent.length = 0
    bench.out.exchanged.length = 0
    bench.run(40_000)
    expect(bench.out.exchanged.length).toBeGreaterThanOrEqual(9)
    expect(new Set(bench.out.exchanged).size).toBe(3)
    expect(bench.out.bulkSyncs().length).toBeGreaterThanOrEqual(9)
  })

  test('the fewer of ours each has to ask the more seldom', () => {
    const bench = attached(lanProfile(), 'n1', ...names('w', 19).slice(1)).run(10_000)
    bench.out.exchanged.length = 0
    bench.run(200_000)
    expect(bench.out.exchanged.length).toBeGreaterThanOrEqual(2)
    expect(bench.out.exchanged.length).toBeLessThanOrEqual(4)
  })

  test('no more than FOREIGN_SYNC_BYTES_PER_SECOND_MAX', () => {
    const bench = attached(lanProfile(), 'n1')
    const text = 'x'.repeat(60_000)
    const rows = Array.from({ length: 50 }, (_, i) => row('n1', 3, { key: `k${i}`, text }))
    for (let i = 0; i < 50; i += 10) bench.hear(bulk('n1', rows.slice(i, i + 10)))
    bench.run(20_000).out.exchanged.length = 0
    bench.run(1_000_000)
    const seconds = (2 * 50 * 60_000) / FOREIGN_SYNC_BYTES_PER_SECOND_MAX
    expect(bench.out.exchanged.length).toBeLessThanOrEqual(1.2 * (1000 / seconds))
    expect(bench.out.exchanged.length).toBeGreaterThan(1)
  })

  test('hear what we change by stream too, after what it depends on', () => {
    const bench = attached(lanProfile(), 'n1', 'w2').put('a', 'x').put('a', 'y').put('b', 'x')
    bench.out.sent.length = 0
    bench.run(150)
    const told = bench.out.streamed()
    expect(told.map(({ to }) => to)).toEqual(['n1'])
    expect(told[0]?.message).toMatchObject({
      messages: [{ kind: 'network', type: 'join' }, { type: 'update', key: 'a' }, { key: 'b' }],
    })
    bench.out.sent.length = 0
    bench.tables.detach(bench.now, 'blue')
    const message = { messages: [{ type: 'leave' }] }
    expect(bench.out.sent).toMatchObject([{ to: 'n1', how: 'stream', message }])
  })

  test('so many of them', () => {
    const bench = attached(lanProfile(), ...names('n', FOREIGN_PEERS_MAX + 5)).run(1000)
    bench.out.sent.length = 0
    bench.put('a', 'x').run(150)
    const told = bench.out.streamed()
    expect(told).toHaveLength(FOREIGN_PEERS_MAX)
  })

  test('not in the profile of Docker', () => {
    const bench = attached(dockerProfile(), 'n1').put('a', 'x').run(1000)
    expect(bench.out.streamed()).toEqual([])
    expect(bench.out.exchanged).toEqual([])
    expect(bench.hear(leave('n1', 9)).tables.networks()[0]?.nodes).toEqual(['me'])
  })
})
