/** Nodes and attachments: the rules of docker-wire §3.4 to §3.6 and §3.8, with counter-cases. */
import { describe, expect, test } from 'vitest'
import { lanProfile } from '../src/profile.ts'
import { ATTACHMENTS_MAX, RELAYED_EVENTS_MAX } from '../src/tables/attachments.ts'
import { RECONNECTS_MAX } from '../src/tables/reconnect.ts'
import { Bench, broadcastsOf, bulk, join, leave, node, pushPull, row } from './tables-bench.ts'

const nodes = (bench: Bench): string[] => [...(bench.tables.networks()[0]?.nodes ?? [])].sort()

/** Attached to `blue`, and nothing waits to be said. */
function attached(...peers: string[]): Bench {
  const bench = new Bench().peers(...peers)
  bench.tables.attach(bench.now, 'blue')
  for (let i = 0; i < 20; i++) broadcastsOf(bench)
  return bench
}

describe('attachments', () => {
  test('are told, once each way, and idempotent', () => {
    const bench = new Bench().alive('n1')
    bench.tables.attach(bench.now, 'blue')
    bench.tables.attach(bench.now, 'blue')
    expect(broadcastsOf(bench)).toEqual([join('me', 1)])
    bench.tables.detach(bench.now, 'blue')
    bench.tables.detach(bench.now, 'blue')
    // What is newer about the same replaces what still waits.
    expect(broadcastsOf(bench)).toEqual([leave('me', 2)])
    expect(bench.attachmentChanges.map(({ type, road }) => `${type} ${road}`)).toEqual([
      'attach local',
      'detach local',
    ])
  })

  test('are told 4 × ⌈log10(n + 1)⌉ times, and not at all when nobody is there', () => {
    const bench = new Bench()
    bench.tables.attach(bench.now, 'blue')
    expect(bench.delegate.hasBroadcasts()).toBe(false)
    bench.alive('n1')
    expect(bench.delegate.hasBroadcasts()).toBe(true)
    for (let i = 0; i < 4; i++) expect(broadcastsOf(bench)).toHaveLength(1)
    expect(broadcastsOf(bench)).toEqual([])
    expect(bench.delegate.hasBroadcasts()).toBe(false)
  })

  test('keep to the limit of a packet', () => {
    const bench = new Bench().alive('n1')
    for (let i = 0; i < 10; i++) bench.tables.attach(bench.now, `net-${i}`)
    const bytes = bench.delegate.broadcasts(2, 60).reduce((sum, { length }) => sum + length + 2, 0)
    expect(bytes).toBeGreaterThan(30)
    expect(bytes).toBeLessThanOrEqual(60)
    expect(bench.delegate.broadcasts(2, 10)).toEqual([])
  })

  test('with one Lamport time, as a node that was killed may say: leaving is later', () => {
    const bench = attached('n1').hear(join('n1', 5))
    expect(nodes(bench)).toEqual(['me', 'n1'])
    bench.hear(leave('n1', 5))
    expect(nodes(bench)).toEqual(['me'])
    bench.hear(join('n1', 5))
    expect(nodes(bench)).toEqual(['me'])
    bench.hear(join('n1', 6))
    expect(nodes(bench)).toEqual(['me', 'n1'])
  })

  test('of others are believed when they are later, and relayed', () => {
    const bench = attached('n1').hear(leave('n1', 5))
    expect(nodes(bench)).toEqual(['me'])
    expect(broadcastsOf(bench)).toEqual([leave('n1', 5)])
    bench.hear(join('n1', 5), join('n1', 4))
    expect(nodes(bench)).toEqual(['me'])
    expect(bench.tables.counters().stale).toBe(2)
    bench.hear(join('n1', 6))
    expect(nodes(bench)).toEqual(['me', 'n1'])
    expect(bench.attachmentChanges.slice(-2)).toMatchObject([
      { type: 'detach', nodeName: 'n1', road: 'gossip' },
      { type: 'attach', nodeName: 'n1', road: 'gossip' },
    ])
  })

  test('that ended are remembered for 30 minutes and 25 seconds, so that stale joins lose', () => {
    const bench = attached('n1').hear(leave('n1', 5)).run(1_820_000).hear(join('n1', 4))
    expect(nodes(bench)).toEqual(['me'])
    bench.run(10_000).hear(join('n1', 4))
    expect(nodes(bench)).toEqual(['me', 'n1'])
  })

  test('that end before they began lose nothing either', () => {
    const bench = attached().alive('n1').hear(leave('n1', 5), join('n1', 4))
    expect(nodes(bench)).toEqual(['me'])
  })

  test('of a node that is not there wait for it', () => {
    const bench = attached().hear(join('n1', 4))
    expect(nodes(bench)).toEqual(['me'])
    bench.alive('n1')
    expect(nodes(bench)).toEqual(['me', 'n1'])
  })

  test('of ours that are not so are refuted, after a while to say so ourselves', () => {
    const bench = new Bench().alive('n1').hear(join('me', 50))
    expect(broadcastsOf(bench)).toEqual([])
    bench.run(2000).hear(join('me', 50))
    expect(broadcastsOf(bench)).toEqual([leave('me', 52)])
    bench.hear(join('me', 51))
    expect(bench.tables.counters().refuted).toBe(1)
    bench.tables.attach(bench.now, 'blue')
    bench.put('k', 'x').run(500).out.sent.length = 0
    bench.hear(leave('me', 99))
    expect(broadcastsOf(bench).at(-1)).toEqual(join('me', 101))
    // Others have deleted our rows: they are told anew.
    expect([...bench.tables.rows({})][0]?.lTime).toBeGreaterThan(1)
    bench.hear(join('me', 200)).tables.detach(bench.now, 'blue')
    expect(broadcastsOf(bench)).toContainEqual(leave('me', 202))
  })

  test('that others know from before a restart are taken up quietly', () => {
    const entry = { networkId: 'blue', lTime: 7, leaving: false }
    const bench = new Bench({}, [
      { ...entry, nodeName: 'me' },
      { ...entry, nodeName: 'n1' },
      { ...entry, nodeName: 'me', networkId: 'red', leaving: true },
    ]).alive('n1')
    bench.tables.attach(bench.now, 'blue')
    expect(broadcastsOf(bench).filter(({ kind }) => kind === 'network')).toEqual([])
    expect(bench.out.sent).toEqual([])
    expect(nodes(bench)).toEqual(['me', 'n1'])
    expect(bench.delegate.attachments()).toContainEqual({ ...entry, nodeName: 'me' })
    bench.tables.attach(bench.now, 'red')
    expect(broadcastsOf(bench)).toContainEqual(join('me', 9, 'red'))
  })

  test('are bounded, and so is what of anti-entropy is relayed', () => {
    const bench = new Bench().alive('n1')
    const entries = Array.from({ length: ATTACHMENTS_MAX + 1 }, (_, i) => ({
      networkId: `net-${i}`,
      lTime: 1,
      nodeName: 'n1',
      leaving: false,
    }))
    for (let i = 0; i < entries.length; i += 50_000) {
      bench.hear(pushPull('n1', 1, entries.slice(i, i + 50_000)))
    }
    expect(bench.delegate.attachments()).toHaveLength(ATTACHMENTS_MAX)
    expect(bench.tables.counters().faults).toEqual({ 'too-many': 1 })
    expect(broadcastsOf(bench)).toHaveLength(RELAYED_EVENTS_MAX)
  })
})

describe('push/pull', () => {
  test('tells all attachments with our clock; a joining one stamps ours anew', () => {
    const bench = attached('n1', 'n2').hear(leave('n2', 8))
    bench.tables.attach(bench.now, 'red')
    const other = new Bench().alive('n1', 'n2', 'me')
    other.delegate.mergeState(other.now, bench.delegate.localState(bench.now, false), false)
    expect(other.delegate.attachments()).toEqual([
      { networkId: 'blue', lTime: 1, nodeName: 'n1', leaving: false },
      { networkId: 'blue', lTime: 8, nodeName: 'n2', leaving: true },
    ])
    expect(bench.delegate.attachments()).toContainEqual({
      networkId: 'red',
      lTime: 10,
      nodeName: 'me',
      leaving: false,
    })
    bench.delegate.localState(bench.now, true)
    const times = bench.delegate.attachments().filter(({ nodeName }) => nodeName === 'me')
    expect(times.map(({ lTime }) => lTime)).toEqual([11, 11])
  })

  test('names the sender as one that is there; nodes that left are not told of', () => {
    const bench = new Bench().alive('n1', 'n2').hear(node('leave', 'n1', 5))
    bench.hear(join('n2', 6)).hear(pushPull('n1', 9, []))
    bench.hear(node('leave', 'n2', 12))
    expect(bench.delegate.attachments()).toEqual([])
    bench.hear(join('n1', 13))
    expect(bench.delegate.attachments()).toHaveLength(1)
  })

  test('of a member without tables is nothing', () => {
    const bench = new Bench()
    bench.delegate.mergeState(bench.now, new Uint8Array(0), true)
    expect(bench.tables.counters().faults).toEqual({})
    bench.delegate.mergeState(bench.now, Uint8Array.of(8, 6), true)
    expect(Object.keys(bench.tables.counters().faults)).toHaveLength(1)
  })
})

describe('node events', () => {
  test('move a node, and are relayed if they did', () => {
    const bench = attached('n1').hear(node('leave', 'n1', 5))
    expect(nodes(bench)).toEqual(['me'])
    expect(broadcastsOf(bench)).toEqual([node('leave', 'n1', 5)])
    bench.hear(node('leave', 'n1', 6), node('join', 'n1', 6))
    expect(broadcastsOf(bench)).toEqual([node('leave', 'n1', 5)])
    bench.hear(node('join', 'n1', 7), join('n1', 8))
    expect(nodes(bench)).toEqual(['me', 'n1'])
  })

  test('of nodes that membership does not see are not believed', () => {
    const bench = attached('n1').gone('dead', 'n1').hear(node('join', 'n1', 50))
    bench.hear(node('join', 'n5', 50))
    expect(nodes(bench)).toEqual(['me'])
    expect(bench.tables.counters().stale).toBe(2)
  })

  test('a new name at an address ends the old one', () => {
    const bench = attached('n1').hear(row('n1', 5))
    expect(bench.rowChanges).toHaveLength(1)
    // w1 lives where n1 did: 10.0.0.1.
    bench.alive('w1')
    expect(nodes(bench)).toEqual(['me'])
    expect(bench.rowChanges.at(-1)).toMatchObject({ type: 'delete', road: 'membership' })
  })

  test('ours are told when a join succeeded, and when we leave', () => {
    const bench = new Bench().alive('n1')
    bench.delegate.joinEnded(bench.now, { ip: '10.0.0.7', port: 1 } as never, 'refused')
    expect(broadcastsOf(bench)).toEqual([])
    bench.delegate.joinEnded(bench.now, { ip: '10.0.0.7', port: 1 } as never, null)
    expect(broadcastsOf(bench)).toEqual([node('join', 'me', 1)])
    bench.delegate.announceLeave(bench.now)
    expect(bench.delegate.hasAnnouncedLeave()).toBe(false)
    for (let i = 0; i < 4; i++) expect(broadcastsOf(bench)).toEqual([node('leave', 'me', 2)])
    expect(bench.delegate.hasAnnouncedLeave()).toBe(true)
    // Others say that we are here: we are going.
    bench.hear(node('join', 'me', 9))
    expect(broadcastsOf(bench)).toEqual([node('leave', 'me', 11)])
  })
})

describe('finding back', () => {
  test('one failed node a second is joined, a few at once, until it is back or forgotten', () => {
    const bench = attached('n1', 'n2', 'n3', 'n4', 'n5', 'n6')
    bench.gone('dead', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6').run(20_000)
    const others = bench.out.joined.filter((ip) => ip !== '10.0.0.77')
    expect(new Set(others).size).toBe(RECONNECTS_MAX)
    expect(others).toHaveLength(RECONNECTS_MAX)
    bench.alive('n1', 'n2', 'n3', 'n4', 'n5', 'n6').out.joined.length = 0
    bench.run(20_000)
    expect(bench.out.joined).toEqual([])
  })

  test('who is back is asked for everything', () => {
    const bench = attached('n1').hear(bulk('n1', [], { lTime: 99 })).gone('dead', 'n1').run(1500)
    expect(bench.out.joined).toEqual(['10.0.0.1'])
    bench.out.sent.length = 0
    bench.alive('n1')
    bench.delegate.joinEnded(bench.now, { ip: '10.0.0.1', port: 7946 } as never, null)
    const asked = { to: 'n1', unsolicited: true, networks: ['blue'] }
    expect(bench.out.bulkSyncs()).toMatchObject([asked])
  })

  test('dead nodes are forgotten after a day', () => {
    const bench = attached('n1').gone('dead', 'n1').run(86_500_000)
    bench.alive('n1')
    expect(nodes(bench)).toEqual(['me'])
  })

  test('bootstrap nodes are joined again while none of them is in sight', () => {
    const docker = new Bench().alive('n1').run(59_000)
    expect(docker.out.joined).toEqual([])
    docker.run(130_000)
    expect(docker.out.joined.length).toBeGreaterThanOrEqual(10)
    const lan = new Bench(lanProfile()).run(10_000)
    expect(lan.out.joined.length).toBeGreaterThanOrEqual(8)
    lan.alive('n77').run(5000).out.joined.length = 0
    lan.run(120_000)
    expect(lan.out.joined).toEqual([])
  })
})
