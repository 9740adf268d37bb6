/** Where the tables stop: floods from those who have the key, up to the limit and beyond. */
import { instantAfter, parseIp, SeededRandom, silentLogger, type Instant } from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import { nodeAead } from '@weft/runtime-node'
import { describe, expect, test } from 'vitest'
import { Gossip } from '../src/gossip.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { StreamReader } from '../src/memberlist/stream-reader.ts'
import { VERSIONS } from '../src/membership/versions.ts'
import type { KnownMember } from '../src/membership/member.ts'
import { decodeNetworkDb } from '../src/networkdb/decode.ts'
import { compoundOf, encodeNetworkDb } from '../src/networkdb/encode.ts'
import { EVENTS_MAX } from '../src/networkdb/limits.ts'
import type { BulkSync, NetworkDbMessage, TableEvent } from '../src/networkdb/messages.ts'
import type { GossipOutput } from '../src/output.ts'
import { dockerProfile, lanProfile } from '../src/profile.ts'
import { decodeExchange } from '../src/reconcile/exchange-decode.ts'
import { ATTACHMENTS_MAX } from '../src/tables/attachments.ts'
import {
  BULK_ANSWERS_PER_SECOND_MAX,
  BULK_MESSAGE_BYTES_MAX,
  BULK_ROWS_MAX,
} from '../src/tables/bulk-sync.ts'
import { weftMeta } from '../src/tables/capability.ts'
import { DIGEST_PEERS_MAX } from '../src/tables/digest-lines.ts'
import { FOREIGN_PEERS_MAX, FOREIGN_SYNC_BYTES_PER_SECOND_MAX } from '../src/tables/foreign-sync.ts'
import { HELD_EVENTS_MAX, HELD_MS_MAX, HeldEvents } from '../src/tables/held-events.ts'
import { NEWCOMER_MS_MAX } from '../src/tables/local-network.ts'
import { ROWS_MAX } from '../src/tables/row-store.ts'
import { streamOf, wrapOptions } from './hostile-lies.ts'
import { Pair, rowOf } from './hostile-pair.ts'

const at = (ms: number): Instant => ms as Instant
const NOTHING = new Uint8Array(0)

describe('what is remembered', () => {
  test('ATTACHMENTS_MAX attachments', { timeout: 60_000 }, () => {
    const pair = new Pair({ isSealed: false })
    // One is there already: that of b to the network of both.
    flood(pair, ATTACHMENTS_MAX - 1, (i) => attachmentOf(`n${i}`))
    expect(pair.a.tables.counters().faults).toEqual({})
    flood(pair, 3, (i) => attachmentOf(`m${i}`))
    expect(pair.a.tables.counters().faults).toEqual({ 'too-many': 3 })
    // What is known already may change.
    flood(pair, 1, () => ({ ...attachmentOf('n7'), type: 'leave', lTime: 100 }))
    expect(pair.a.tables.counters().faults).toEqual({ 'too-many': 3 })
  })

  test('ROWS_MAX rows of one network', { timeout: 60_000 }, () => {
    const pair = new Pair({ isSealed: false })
    // There are two: one of each.
    flood(pair, ROWS_MAX - 2, (i) => rowEventOf(`k${i}`))
    expect(pair.a.tables.counters().faults).toEqual({})
    flood(pair, 3, (i) => rowEventOf(`l${i}`))
    expect(pair.a.tables.counters().faults).toEqual({ 'too-many': 3 })
    expect(pair.a.tables.networks()[0]?.rows).toBe(ROWS_MAX)
    flood(pair, 1, () => ({ ...rowEventOf('k7'), type: 'delete', lTime: 100 }))
    expect(pair.a.tables.counters().faults).toEqual({ 'too-many': 3 })
  })

  test('HELD_EVENTS_MAX events of nodes that nobody knows; the oldest go', () => {
    const pair = new Pair({ isSealed: false })
    const stranger = (i: number): TableEvent => ({ ...rowEventOf(`k${i}`), nodeName: 'stranger' })
    flood(pair, HELD_EVENTS_MAX, stranger)
    expect(pair.a.tables.counters()).toMatchObject({ held: HELD_EVENTS_MAX, heldDropped: 0 })
    flood(pair, 5, (i) => ({ ...stranger(i), networkId: 'net', tableName: 'u' }))
    expect(pair.a.tables.counters()).toMatchObject({ heldDropped: 5 })
  })

  test('and held for HELD_MS_MAX', () => {
    const held = new HeldEvents()
    held.hold(at(0), rowEventOf('k'), 'gossip')
    held.expire(at(HELD_MS_MAX - 1))
    expect(held.size).toBe(1)
    held.expire(at(HELD_MS_MAX))
    expect([held.size, held.dropped]).toEqual([0, 1])
    expect(held.take('b')).toEqual([])
  })
})

describe('what is answered', () => {
  test('BULK_ANSWERS_PER_SECOND_MAX bulk syncs', () => {
    const pair = new Pair({ isSealed: false })
    pair.run(1000)
    const ask = (): number => {
      pair.a.drain()
      for (let i = 0; i < BULK_ANSWERS_PER_SECOND_MAX + 3; i++) say(pair, bulkSyncOf(['net']))
      return pair.a.drain().filter(({ kind }) => kind === 'stream-open').length
    }
    expect(ask()).toBe(BULK_ANSWERS_PER_SECOND_MAX)
    expect(pair.a.tables.counters().faults).toEqual({ 'too-many': 3 })
  })

  test('with messages of BULK_MESSAGE_BYTES_MAX', () => {
    const pair = new Pair({ isSealed: false })
    const text = 'x'.repeat(1000)
    for (let i = 0; i < 1500; i++) pair.a.tables.put(pair.now, rowOf(`k${i}`, text))
    pair.a.drain()
    // Nobody is new any more.
    pair.now = instantAfter(pair.now, NEWCOMER_MS_MAX)
    say(pair, bulkSyncOf(['net']))
    const answers = bulkSyncsIn(writtenIn(pair.a.drain()))
    expect(answers.length).toBe(2)
    expect(answers.flatMap(({ events }) => events).length).toBe(1501)
    for (const answer of answers) {
      expect(rowBytesOf(answer)).toBeLessThanOrEqual(BULK_MESSAGE_BYTES_MAX + 10)
    }
  })

  test('with our own rows alone to one who compares digests, beyond BULK_ROWS_MAX', () => {
    const pair = new Pair({ isSealed: false })
    const ask = (): number => {
      pair.a.drain()
      say(pair, bulkSyncOf(['net']))
      return bulkSyncsIn(writtenIn(pair.a.drain())).flatMap(({ events }) => events).length
    }
    flood(pair, BULK_ROWS_MAX - 2, (i) => rowEventOf(`k${i}`))
    // Nobody is new any more.
    pair.now = instantAfter(pair.now, NEWCOMER_MS_MAX)
    expect(ask()).toBe(BULK_ROWS_MAX)
    flood(pair, 1, () => rowEventOf('one more'))
    expect(ask()).toBe(1)
  })
})

describe('what is asked and told', () => {
  test('FOREIGN_PEERS_MAX engines by stream', () => {
    const node = crowded('engine', FOREIGN_PEERS_MAX + 5, { isWeft: false, isOneNetwork: true })
    node.tables.put(at(10), rowOf('k', 'told'))
    node.drain()
    node.tick(at(110))
    const streams = node.drain().filter(({ kind }) => kind === 'stream-open')
    expect(streams.length).toBe(FOREIGN_PEERS_MAX)
  })

  test('FOREIGN_SYNC_BYTES_PER_SECOND_MAX to and from engines', { timeout: 60_000 }, () => {
    const profile = { ...lanProfile(), bulkSyncIntervalMs: 1_000_000_000 }
    const pair = new Pair({ isSealed: false, profile, peerProfile: dockerProfile() })
    const text = 'x'.repeat(1000)
    for (let i = 0; i < 1000; i++) pair.a.tables.put(pair.now, rowOf(`k${i}`, text))
    pair.run(5000)
    pair.written.length = 0
    const seconds = 120
    pair.run(1000 * seconds)
    const asked = bulkSyncsIn(pair.written).filter(({ unsolicited }) => unsolicited)
    const bytes = asked.reduce((sum, one) => sum + rowBytesOf(one), 0)
    expect(asked.length).toBeGreaterThan(1)
    // Both ways, and one that was due when we began to count; the pace varies by an eighth.
    const allowed = (FOREIGN_SYNC_BYTES_PER_SECOND_MAX * seconds) / 2
    expect(bytes).toBeLessThan((allowed * 8) / 7 + 1_200_000)
  })

  test('DIGEST_PEERS_MAX peers in a round, however many networks there are', () => {
    const node = crowded('peer', 40, { isWeft: true, isOneNetwork: false })
    const recipients = new Set<string>()
    for (let ms = 10; ms <= 1000; ms += 10) {
      node.tick(at(ms))
      for (const output of node.drain()) {
        if (output.kind === 'packet' && hasDigest(output.bytes)) recipients.add(output.to.ip)
      }
    }
    expect(recipients.size).toBe(DIGEST_PEERS_MAX)
  })
})

function attachmentOf(networkId: string): NetworkDbMessage & { kind: 'network' } {
  return { kind: 'network', type: 'join', lTime: 50, nodeName: 'b', networkId }
}

function rowEventOf(key: string): TableEvent {
  return {
    kind: 'table',
    type: 'create',
    lTime: 50,
    nodeName: 'b',
    networkId: 'net',
    tableName: 't',
    key,
    value: NOTHING,
    residualReapTimeSeconds: 0,
  }
}

function bulkSyncOf(networks: readonly string[]): BulkSync {
  return { kind: 'bulk-sync', lTime: 60, unsolicited: true, nodeName: 'b', networks, events: [] }
}

function say(pair: Pair, message: NetworkDbMessage): void {
  pair.stream(pair.a, [streamOf({ kind: 'user', bytes: encodeNetworkDb(message) }, null)], true)
}

/** So many events at once, in as few messages as hold them. */
function flood(pair: Pair, count: number, eventOf: (i: number) => NetworkDbMessage): void {
  for (let from = 0; from < count; from += EVENTS_MAX) {
    const length = Math.min(EVENTS_MAX, count - from)
    const events = Array.from({ length }, (_, i) => encodeNetworkDb(eventOf(from + i)))
    const bytes = streamOf({ kind: 'user', bytes: compoundOf(events) }, null)
    pair.stream(pair.a, [bytes], true)
  }
}

function writtenIn(outputs: readonly GossipOutput[]): Uint8Array[] {
  return outputs.flatMap((output) => (output.kind === 'stream-write' ? [output.bytes] : []))
}

function bulkSyncsIn(written: readonly Uint8Array[]): BulkSync[] {
  return written.flatMap((bytes) => {
    const message = new StreamReader(wrapOptions(null)).push(bytes)
    if (message?.kind !== 'user') return []
    const said = decodeNetworkDb(message.bytes, () => undefined)
    return typeof said === 'object' && said.kind === 'bulk-sync' ? [said] : []
  })
}

function rowBytesOf({ events }: BulkSync): number {
  return compoundOf(events.map(encodeNetworkDb)).length
}

function hasDigest(bytes: Uint8Array): boolean {
  let found = false
  new PacketCodec(wrapOptions(null)).open(
    bytes,
    (message) => {
      const said = message.kind === 'user' ? decodeExchange(message.bytes) : ''
      if (typeof said === 'object' && said.kind === 'digest') found = true
    },
    () => undefined,
  )
  return found
}

/** A node that begins with many others, who all attend its network, or one each. */
function crowded(
  prefix: string,
  count: number,
  options: { readonly isWeft: boolean; readonly isOneNetwork: boolean },
): Gossip {
  const numbers = Array.from({ length: count }, (_, i) => i + 2)
  const meta = options.isWeft ? weftMeta(NOTHING) : NOTHING
  const known = numbers.map((number): KnownMember => {
    const address = { ip: parseIp(`10.0.0.${number}`), port: 7946 }
    return { name: `${prefix}${number}`, address, meta, vsn: VERSIONS, incarnation: 1 }
  })
  const networkOf = (number: number): string => (options.isOneNetwork ? 'net' : `net${number}`)
  const knownAttachments = numbers.map((number) => {
    const nodeName = `${prefix}${number}`
    return { networkId: networkOf(number), lTime: 1, nodeName, leaving: false }
  })
  const random = new SeededRandom(prefix)
  const node = new Gossip(
    at(0),
    {
      name: 'me',
      advertise: { ip: parseIp('10.0.0.1'), port: 7946 },
      meta: NOTHING,
      label: '',
      keys: null,
      bootstrap: [],
      profile: lanProfile(),
      known,
      knownAttachments,
    },
    { random, entropy: new SimEntropy(random), aead: nodeAead, log: silentLogger },
  )
  for (const number of numbers) node.tables.attach(at(1), networkOf(number))
  return node
}
