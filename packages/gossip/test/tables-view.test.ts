/** Rows as values of their schema, and members as a set to be compared. */
import { parseInterfaceAddress, parseIp, parseMac, utf8Bytes } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { decodePacketMessage, encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import type { PushPullNode } from '../src/memberlist/messages.ts'
import type { Member } from '../src/membership/member.ts'
import { peerTable, type PeerRecord } from '../src/networkdb/peer-record.ts'
import { bucketOf } from '../src/reconcile/digest-sums.ts'
import { itemHash } from '../src/reconcile/item-hash.ts'
import { MemberItem } from '../src/tables/member-item.ts'
import { MemberSource } from '../src/tables/member-source.ts'
import { TableView, type ValueChange } from '../src/tables/table-view.ts'
import type { TablesContext } from '../src/tables/tables-context.ts'
import { TablesCounts } from '../src/tables/tables-counts.ts'
import { addressOf } from './gossip-world.ts'
import { Bench, row } from './tables-bench.ts'

const record = (last: number): PeerRecord => ({
  endpointIp: parseInterfaceAddress(`10.0.1.${last}/24`),
  endpointMac: parseMac('02:42:0a:00:01:05'),
  vtep: parseIp('192.0.2.1'),
})

describe('a view of a table', () => {
  const tableName = peerTable.name
  const told = (lTime: number, value: Uint8Array) => row('n1', lTime, { tableName, value })

  test('writes, watches and deletes values', () => {
    const bench = new Bench().peers('n1')
    bench.tables.attach(bench.now, 'blue')
    const view = new TableView(bench.tables, { networkId: 'blue', schema: peerTable })
    const changes: ValueChange<PeerRecord>[] = []
    view.put(bench.now, 'mine', record(5))
    view.watch((change) => changes.push(change))
    view.put(bench.now, 'mine', record(6))
    view.remove(bench.now, 'mine')
    bench.hear(told(900, peerTable.encode(record(7))))
    expect(changes.map(({ type, key, owner }) => `${type} ${key} ${owner}`)).toEqual([
      'create mine me',
      'update mine me',
      'delete mine me',
      'create k n1',
    ])
    expect(changes[1]).toMatchObject({ value: record(6), previous: record(5), road: 'local' })
    expect(changes[2]).toMatchObject({ value: record(6), previous: null })
    expect(view.faults()).toEqual({})
  })

  test('counts what does not decode, and does not tell of it', () => {
    const bench = new Bench().peers('n1')
    bench.tables.attach(bench.now, 'blue')
    const view = new TableView(bench.tables, { networkId: 'blue', schema: peerTable })
    const types: string[] = []
    view.watch(({ type }) => types.push(type))
    bench.hear(told(900, utf8Bytes('no record')))
    expect(types).toEqual([])
    bench.hear(told(901, peerTable.encode(record(7))), told(902, utf8Bytes('no record')))
    bench.hear(row('n1', 903, { tableName, type: 'delete' }))
    expect(types).toEqual(['create', 'delete'])
    expect(Object.values(view.faults())).toEqual([2])
  })
})

describe('members as a set', () => {
  const memberOf = (state: Member['state'], incarnation: number): Member => ({
    name: 'n1',
    address: addressOf('n1'),
    meta: utf8Bytes('m'),
    vsn: [1, 5, 2, 0, 0, 0],
    state,
    incarnation,
    stateSince: 0 as Member['stateSince'],
  })

  function source(known: Member | null = null) {
    const merged: PushPullNode[] = []
    const counts = new TablesCounts()
    const merge = (_: unknown, nodes: readonly PushPullNode[]) => void merged.push(...nodes)
    const roster = { get: () => known, merge }
    const context = { name: 'me', counts, lines: { roster } } as unknown as TablesContext
    return { members: new MemberSource(context), merged, counts }
  }
  const now = 0 as Member['stateSince']
  const hash = itemHash('n1', '', '')

  test('a death outranks a life of its incarnation, and loses to the next', () => {
    const { members } = source()
    const noted = new MemberItem(memberOf('alive', 1))
    const versions = (
      [
        ['alive', 3],
        ['suspect', 3],
        ['dead', 3],
        ['left', 3],
        ['alive', 4],
      ] as const
    ).map(([state, incarnation]) => {
      noted.member = memberOf(state, incarnation)
      members.note(now, noted)
      const [item] = members.itemsOf(bucketOf(hash))
      return [item?.version, item?.isLive]
    })
    expect(versions).toEqual([
      [6, true],
      [6, true],
      [7, false],
      [7, false],
      [8, true],
    ])
    members.forget(now, noted)
    expect([...members.itemsOf(bucketOf(hash))]).toEqual([])
    expect(members.tell(now, [hash])).toEqual([])
  })

  for (const [state, merges] of [
    ['alive', 'alive'],
    ['suspect', 'alive'],
    ['dead', 'dead'],
    ['left', 'left'],
  ] as const) {
    test(`${state} is told, and merged as ${merges}`, () => {
      const { members } = source()
      members.note(now, new MemberItem(memberOf(state, 3)))
      const [message] = members.tell(now, [hash, itemHash('nobody', '', '')])
      expect(message).toBeDefined()
      if (message === undefined) return
      const other = source(memberOf('alive', 3))
      other.members.apply(now, message)
      const expected = { name: 'n1', incarnation: 3, state: merges, port: 7946 }
      expect(other.merged).toMatchObject([expected])
    })
  }

  test('the death of a stranger is no news; nonsense is counted', () => {
    const { members, merged, counts } = source(null)
    const dead = { kind: 'dead', node: 'n9', incarnation: 1, from: 'n2' } as const
    members.apply(now, encodePacketMessage(dead))
    members.apply(now, encodePacketMessage({ kind: 'nack', seqNo: 1 }))
    members.apply(now, Uint8Array.of(200))
    expect(merged).toEqual([])
    expect(counts.faults).toMatchObject({ 'bad-type': expect.any(Number) })
    expect(decodePacketMessage(encodePacketMessage(dead), 0, 999)).toBeDefined()
  })
})
