import { readFileSync } from 'node:fs'
import { toHex } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { decodeNetworkDb } from '../src/networkdb/decode.ts'
import { compoundOf, encodeNetworkDb, encodeTableEvent } from '../src/networkdb/encode.ts'
import {
  gossipMessage,
  messageType,
  NETWORKDB_TYPE,
  openGossipMessage,
} from '../src/networkdb/gossip-message.ts'
import {
  BROKEN_PARTS_MAX,
  BULK_NETWORKS_MAX,
  EVENTS_MAX,
  NETWORK_ENTRIES_MAX,
  NETWORKDB_NAME_BYTES_MAX,
  RESIDUAL_REAP_SECONDS_MAX,
  ROW_KEY_BYTES_MAX,
  ROW_VALUE_BYTES_MAX,
} from '../src/networkdb/limits.ts'
import { LAMPORT_TIME_MAX, type NetworkDbMessage } from '../src/networkdb/messages.ts'
import { decoded, hex, tableEvent } from './networkdb-samples.ts'

const vectors = new URL('../vectors/docker-20.10.24.json', import.meta.url)
const captured = JSON.parse(readFileSync(vectors, 'utf8')) as {
  readonly network_event: { readonly value: string }
  readonly node_event: { readonly value: string }
  readonly tcp_push_pull_reply: { readonly user_state: string }
  readonly tcp_user_bulk_sync: { readonly bulk_sync: string }
  readonly udp_crc_compressed_table_gossip: { readonly inflated: string }
}

const NETWORK = 'bupxxdobl3wnvu0ped2v9qx96'
const SHORT = 'il375ei966g2ckcb6fiipenbt'

/** A PeerRecord: 10.0.1.5/24, 02:42:0a:00:01:05, behind 192.0.2.1 (Appendix A). */
const PEER_ROW =
  '0a0b31302e302e312e352f3234121130323a34323a30613a30303a30313a30351a093139322e302e322e31'

const appendixA: readonly { readonly bytes: string; readonly message: NetworkDbMessage }[] = [
  {
    bytes: '08061212080110071a0c303132333435363738396162',
    message: { kind: 'node', type: 'join', lTime: 7, nodeName: '0123456789ab' },
  },
  {
    bytes:
      '0801122d080110081a0c30313233343536373839616222196162636465666768696a6b6c6d6e6f70' +
      '717273747576777879',
    message: {
      kind: 'network',
      type: 'join',
      lTime: 8,
      nodeName: '0123456789ab',
      networkId: 'abcdefghijklmnopqrstuvwxy',
    },
  },
  {
    bytes:
      '0802125c080110091a0c30313233343536373839616222036e65742a126f7665726c61795f706565725f' +
      `7461626c65320265703a2b${PEER_ROW}`,
    message: {
      ...tableEvent,
      type: 'create',
      value: hex(PEER_ROW),
      residualReapTimeSeconds: 0,
    },
  },
]

describe('messages of docker-wire, Appendix A', () => {
  it.each(appendixA)('$message.kind', ({ bytes, message }) => {
    expect(decoded(hex(bytes))).toEqual({ message, partFaults: [] })
    expect(toHex(encodeNetworkDb(message))).toBe(bytes)
  })

  it('a compound of one', () => {
    const part = appendixA[2]?.bytes ?? ''
    const messages = appendixA.slice(2).map(({ message }) => message)
    expect(decoded(hex(`080512640a620a60${part}`)).message).toEqual({ kind: 'compound', messages })
    expect(toHex(compoundOf([hex(part)]))).toBe(`080512640a620a60${part}`)
  })
})

describe('messages of a live engine', () => {
  it('attaches and leaves', () => {
    expect(read(captured.network_event.value)).toEqual({
      kind: 'network',
      type: 'join',
      lTime: 515,
      nodeName: '72d16c513ccc',
      networkId: NETWORK,
    })
    const nodeName = '72d16c513ccc'
    const left = { kind: 'node', type: 'leave', lTime: 526, nodeName }
    expect(read(captured.node_event.value)).toEqual(left)
  })

  it('pushes all attachments', () => {
    const manager = { nodeName: '939ff485535d', lTime: 512, leaving: false }
    const worker = { nodeName: 'f24aa917dd24', leaving: false }
    expect(read(captured.tcp_push_pull_reply.user_state)).toEqual({
      kind: 'push-pull',
      lTime: 512,
      nodeName: '939ff485535d',
      networks: [
        { networkId: SHORT, ...manager },
        { networkId: NETWORK, ...manager },
        { networkId: SHORT, lTime: 5, ...worker },
        { networkId: NETWORK, lTime: 7, ...worker },
      ],
    })
  })

  it('answers a bulk sync with the rows of every owner', () => {
    const message = read(captured.tcp_user_bulk_sync.bulk_sync)
    if (message.kind !== 'bulk-sync') throw new Error(message.kind)
    const { events, ...head } = message
    const nodeName = '939ff485535d'
    expect(head).toEqual({
      kind: 'bulk-sync',
      lTime: 531,
      unsolicited: false,
      nodeName,
      networks: [NETWORK],
    })
    expect(events.map(({ type, lTime, nodeName: owner, tableName }) => {
      return `${type} ${lTime} ${owner} ${tableName}`
    })).toEqual([
      'create 10 f24aa917dd24 endpoint_table',
      'create 11 939ff485535d endpoint_table',
      'create 9 f24aa917dd24 overlay_peer_table',
      'create 7 939ff485535d overlay_peer_table',
      'create 8 939ff485535d overlay_peer_table',
      'create 6 f24aa917dd24 overlay_peer_table',
    ])
    expect(new Set(events.map(({ networkId }) => networkId))).toEqual(new Set([NETWORK]))
  })

  it('gossips rows in a compound', () => {
    // In front stands memberlist's type byte for a user message.
    const message = read(captured.udp_crc_compressed_table_gossip.inflated.slice(2))
    if (message.kind !== 'compound') throw new Error(message.kind)
    expect(message.messages.map((part) => {
      return part.kind === 'table' ? `${part.type} ${part.lTime} ${part.tableName}` : part.kind
    })).toEqual([
      'create 537 endpoint_table',
      'create 536 overlay_peer_table',
    ])
  })
})

/** Decode, and see that encoding gives the same bytes again. */
function read(text: string): NetworkDbMessage {
  const { message, partFaults } = decoded(hex(text))
  expect(partFaults).toEqual([])
  if (typeof message === 'string') throw new Error(message)
  expect(toHex(encodeNetworkDb(message))).toBe(text)
  return message
}

describe('what is left out', () => {
  it('is nothing but a type in an empty compound, and in the payload of an empty bulk sync', () => {
    expect(toHex(compoundOf([]))).toBe('0805')
    const head = { lTime: 3, unsolicited: false, nodeName: 'n', networks: [] }
    const bytes = encodeNetworkDb({ kind: 'bulk-sync', ...head, events: [] })
    expect(toHex(bytes)).toBe('080412090803' + '1a016e' + '2a020805')
    expect(decoded(bytes).message).toEqual({ kind: 'bulk-sync', ...head, events: [] })
  })

  it('may be the payload itself', () => {
    const message = decoded(hex('08041205' + '0803' + '1a016e')).message
    expect(message).toMatchObject({ kind: 'bulk-sync', lTime: 3, events: [] })
  })
})

describe('what other versions may send', () => {
  const event = appendixA[0]?.message

  it('fields in another order, unknown fields, and fields twice: the last one holds', () => {
    const data = '1a0c303132333435363738396162' + '1001' + '1007' + 'f80101' + '7a0278790801'
    const size = (data.length / 2).toString(16).padStart(2, '0')
    expect(decoded(hex(`12${size}${data}0806`)).message).toEqual(event)
  })

  it('but no groups: the end of each would be looked for in all that follows', () => {
    const closed = `080110071a0c3031323334353637383961627b7c`
    const size = (closed.length / 2).toString(16).padStart(2, '0')
    expect(decoded(hex(`080612${size}${closed}`)).message).toBe('bad-protobuf')
  })
})

describe('limits', () => {
  it.each([
    ['a varint without an end', '0a01ff'],
    ['a group without an end', '0a028301'],
  ])('broken parts, each %s', (_, part) => {
    const compound = (count: number) =>
      decoded(gossipMessage(NETWORKDB_TYPE.compound, hex(part.repeat(count))))
    const most = compound(BROKEN_PARTS_MAX)
    expect(most.message).toEqual({ kind: 'compound', messages: [] })
    expect(most.partFaults).toEqual(new Array(BROKEN_PARTS_MAX).fill('bad-protobuf'))
    expect(compound(BROKEN_PARTS_MAX + 1)).toEqual({ message: 'bad-protobuf', partFaults: [] })
  })

  const text = (length: number): string => 'x'.repeat(length)
  const edges = [
    { what: 'node', max: NETWORKDB_NAME_BYTES_MAX, of: (n: number) => ({ nodeName: text(n) }) },
    { what: 'network', max: NETWORKDB_NAME_BYTES_MAX, of: (n: number) => ({ networkId: text(n) }) },
    { what: 'table', max: NETWORKDB_NAME_BYTES_MAX, of: (n: number) => ({ tableName: text(n) }) },
    { what: 'key', max: ROW_KEY_BYTES_MAX, of: (n: number) => ({ key: text(n) }) },
    { what: 'time', max: LAMPORT_TIME_MAX, of: (n: number) => ({ lTime: n }) },
    {
      what: 'memory',
      max: RESIDUAL_REAP_SECONDS_MAX,
      of: (n: number) => ({ residualReapTimeSeconds: n }),
    },
  ]

  it.each(edges)('$what: $max and no more', ({ max, of, what }) => {
    const most = { ...tableEvent, ...of(max) }
    expect(decoded(encodeTableEvent(most)).message).toEqual(most)
    if (what === 'time') return
    const more = encodeTableEvent({ ...tableEvent, ...of(max + 1) })
    expect(decoded(more).message).toBe('bad-value')
  })

  it('time: refused beyond its limit, and never written', () => {
    const bytes = (time: string): Uint8Array => {
      return gossipMessage(NETWORKDB_TYPE.node, hex(`08011a017810${time}`))
    }
    expect(decoded(bytes('808080808080' + '40')).message).toMatchObject({ lTime: 2 ** 48 })
    for (const time of ['818080808080' + '40', 'ffffffffffffffff7f', 'ffffffffffffffffff01']) {
      expect(decoded(bytes(time)).message).toBe('bad-value')
    }
    const lTime = LAMPORT_TIME_MAX + 1
    expect(() => encodeTableEvent({ ...tableEvent, lTime })).toThrow('LAMPORT_TIME_MAX')
    // What was written of it does not get into the next one.
    expect(decoded(encodeTableEvent(tableEvent)).message).toEqual(tableEvent)
  })

  it('value', () => {
    const most = { ...tableEvent, value: new Uint8Array(ROW_VALUE_BYTES_MAX) }
    expect(decoded(encodeTableEvent(most)).message).toEqual(most)
    const more = { ...tableEvent, value: new Uint8Array(ROW_VALUE_BYTES_MAX + 1) }
    expect(decoded(encodeTableEvent(more)).message).toBe('oversized')
    // Of several faults the first one is told.
    expect(decoded(encodeTableEvent({ ...more, key: '' })).message).toBe('oversized')
  })

  it('a negative memory', () => {
    const negative = { ...tableEvent, residualReapTimeSeconds: 1 }
    const bytes = toHex(encodeTableEvent(negative)).replace(/4001$/, '')
    const data = `${bytes.slice(8)}40ffffffffffffffffff01`
    expect(decoded(gossipMessage(NETWORKDB_TYPE.table, hex(data))).message).toBe('bad-value')
  })

  it('parts of a compound', () => {
    const event = encodeTableEvent(tableEvent)
    const parts = new Array<Uint8Array>(EVENTS_MAX).fill(event)
    expect(decoded(compoundOf(parts)).message).toMatchObject({ kind: 'compound' })
    expect(decoded(compoundOf([...parts, event])).message).toBe('too-many')
    // Bad parts count as well: they are work too.
    const bad = new Array<Uint8Array>(EVENTS_MAX + 1).fill(new Uint8Array(0))
    expect(decoded(compoundOf(bad))).toEqual({ message: 'too-many', partFaults: [] })
  })

  it('entries of a push/pull', () => {
    const entry = { networkId: 'n', lTime: 1, nodeName: 'a', leaving: true }
    const pushPull = (count: number): Uint8Array => {
      const networks = new Array<typeof entry>(count).fill(entry)
      return encodeNetworkDb({ kind: 'push-pull', lTime: 1, networks, nodeName: 'a' })
    }
    expect(decoded(pushPull(NETWORK_ENTRIES_MAX)).message).toMatchObject({ kind: 'push-pull' })
    expect(decoded(pushPull(NETWORK_ENTRIES_MAX + 1)).message).toBe('too-many')
  })

  it('networks of a bulk sync', () => {
    const bulkSync = (count: number): Uint8Array => {
      const networks = new Array<string>(count).fill('n')
      const head = { lTime: 1, unsolicited: true, nodeName: 'a', networks }
      return encodeNetworkDb({ kind: 'bulk-sync', ...head, events: [] })
    }
    expect(decoded(bulkSync(BULK_NETWORKS_MAX)).message).toMatchObject({ kind: 'bulk-sync' })
    expect(decoded(bulkSync(BULK_NETWORKS_MAX + 1)).message).toBe('too-many')
  })
})

describe('what is refused', () => {
  it.each([
    ['nothing at all', '', 'bad-type'],
    ['the invalid type', '0800', 'bad-type'],
    ['an unknown type', '08071200', 'bad-type'],
    ['a type of our own', '08401200', 'bad-type'],
    ['an event of no type', '0806' + '1203' + '1a016e', 'bad-value'],
    ['an event of an unknown type', '0806' + '1205' + '08031a016e', 'bad-value'],
    ['a node without a name', '0806' + '1202' + '0801', 'bad-value'],
    ['a name that is no UTF-8', '0806' + '1205' + '08011a01ff', 'bad-value'],
    ['a name with the wrong wire type', '0806' + '1204' + '08011801', 'bad-protobuf'],
    ['field number 0', '0806' + '1202' + '0000', 'bad-protobuf'],
    ['a length beyond the data', '0806' + '1204' + '08011a02', 'bad-protobuf'],
    ['a length beyond the message', '0806' + '1209' + '08011a016e', 'bad-protobuf'],
    ['an endless varint', '08' + 'ff'.repeat(12), 'bad-protobuf'],
    ['an end of no group', '0806' + '1201' + '7c', 'bad-protobuf'],
    ['a payload that is no compound', '0804' + '1207' + '1a016e' + '2a020806', 'bad-type'],
    ['a bulk sync from nobody', '0804' + '1204' + '2a020805', 'bad-value'],
    ['a push/pull from nobody', '0803' + '1202' + '0801', 'bad-value'],
  ])('%s', (_what, bytes, fault) => {
    expect(decodeNetworkDb(hex(bytes), unexpected)).toBe(fault)
  })

  it('a replacement character is text like any other', () => {
    const named = { ...tableEvent, key: 'a\ufffdb' }
    expect(decoded(encodeTableEvent(named)).message).toEqual(named)
  })
})

describe('a bad part', () => {
  const good = encodeTableEvent(tableEvent)
  const node = hex('08061212080110071a0c303132333435363738396162')

  it.each([
    ['no protobuf', hex('080212ff'), 'bad-protobuf'],
    ['a bad value', encodeTableEvent({ ...tableEvent, key: '' }), 'bad-value'],
    ['a compound again', compoundOf([good]), 'too-deep'],
    ['a type that is no event', hex('08031200'), 'bad-type'],
    ['nothing', new Uint8Array(0), 'bad-type'],
  ])('leaves the others alone: %s', (_what, part, fault) => {
    const compound = decoded(compoundOf([good, part, node]))
    expect(compound.partFaults).toEqual([fault])
    expect(compound.message).toMatchObject({ messages: [tableEvent, { kind: 'node' }] })
  })

  it('in a bulk sync is whatever is no row', () => {
    const payload = compoundOf([node, good, compoundOf([good])])
    const data = `1a016e2a${(0x80 | (payload.length & 0x7f)).toString(16)}0${payload.length >> 7}`
    const bytes = gossipMessage(NETWORKDB_TYPE.bulkSync, hex(data + toHex(payload)))
    const { message, partFaults } = decoded(bytes)
    expect(partFaults).toEqual(['bad-type', 'too-deep'])
    expect(message).toMatchObject({ events: [tableEvent] })
  })

  it('does not take the blame for what is around it', () => {
    // l_time beyond its limit, then an entry without names.
    const data = '08ffffffffffffff7f' + '1200' + '1a016e'
    const bytes = gossipMessage(NETWORKDB_TYPE.pushPull, hex(data))
    expect(decoded(bytes)).toEqual({ message: 'bad-value', partFaults: [] })
  })
})

describe('envelopes', () => {
  it('carry our own types', () => {
    const bytes = gossipMessage(64, Uint8Array.of(5, 6))
    expect(messageType(bytes)).toBe(64)
    expect(openGossipMessage(bytes)).toEqual({ type: 64, data: Uint8Array.of(5, 6) })
    expect(openGossipMessage(gossipMessage(79, new Uint8Array(0)))).toMatchObject({ type: 79 })
  })

  it('have type 0 when there is none', () => {
    expect(messageType(hex('1200'))).toBe(0)
    expect(messageType(hex('08'))).toBe(0)
    expect(openGossipMessage(hex('08'))).toBe('bad-protobuf')
  })
})

function unexpected(): void {
  throw new Error('no part was expected to be refused')
}
