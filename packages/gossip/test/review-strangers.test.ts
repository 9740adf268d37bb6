/** What strangers may cost a node: those who can reach its port, with no key or none needed. */
import { ipBytes, parseIp, utf8Bytes, type SocketAddress } from '@weft/core'
import { SimEntropy, SeededRandom } from '@weft/core/testing'
import { describe, expect, test } from 'vitest'
import type { PushPullNode, StreamMessage } from '../src/memberlist/messages.ts'
import { MESSAGE_TYPE } from '../src/memberlist/message-type.ts'
import { PacketCodec } from '../src/memberlist/packet-codec.ts'
import { encodePacketMessage } from '../src/memberlist/packet-messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import type { WrapOptions } from '../src/memberlist/wrap-options.ts'
import { STREAMS_BYTES_MAX, STREAMS_MAX } from '../src/membership/conversations.ts'
import { REPLIES_WITH_NEWS_MAX } from '../src/membership/dissemination.ts'
import { PACKET_REQUESTS_MAX } from '../src/membership/packet-inbox.ts'
import type { StreamId } from '../src/output.ts'
import { VERSIONS } from '../src/membership/versions.ts'
import { addressOf, knownMember, messagesOf, NO_AEAD, view, Wire } from './membership-wire.ts'

const NO_BYTES = new Uint8Array(0)

const PLAIN: WrapOptions = {
  label: '',
  keys: null,
  aead: NO_AEAD,
  entropy: new SimEntropy(new SeededRandom(1)),
  compress: false,
}

function start() {
  const wire = new Wire()
  const me = wire.start('n1', { known: [2, 3].map(knownMember) })
  wire.flush(me)
  const accept = (from: SocketAddress): StreamId | null => me.core.streams.accept(wire.now, from)
  const receive = (stream: StreamId | null, bytes: Uint8Array): void => {
    if (stream !== null) me.core.streams.received(wire.now, stream, bytes)
  }
  return { wire, me, accept, receive }
}

function node(overrides: Partial<PushPullNode>): PushPullNode {
  const addr = ipBytes(addressOf(9).ip)
  const base = { name: 'n9', addr, port: 7946, meta: NO_BYTES, vsn: VERSIONS, incarnation: 4 }
  return { ...base, state: 'alive', ...overrides }
}

describe('a push/pull with a node that cannot be', () => {
  test('counts it once, in however many pieces it comes', () => {
    const { me, accept, receive } = start()
    const nodes = [node({ name: 'n8', port: 0 }), node({})]
    const message: StreamMessage = { kind: 'push-pull', join: false, nodes, userState: NO_BYTES }
    const stream = accept(addressOf(2))
    for (const byte of wrapStreamMessage(PLAIN, message)) receive(stream, Uint8Array.of(byte))
    expect(view(me, 'n9')).toBe('alive 4')
    expect(me.core.counters().faults).toEqual({ 'bad-value': 1 })
  })
})

describe('a datagram full of questions', () => {
  const victim = { sourceAddr: ipBytes(parseIp('192.0.2.9')), sourcePort: 53, sourceNode: 'n2' }
  const ping = { kind: 'ping', seqNo: 7, node: 'n1', ...victim } as const
  const relayed = { ...ping, kind: 'indirect-ping', target: ipBytes(parseIp('192.0.2.8')) } as const

  test.each([
    ['pings', encodePacketMessage(ping)],
    ['indirect pings', encodePacketMessage({ ...relayed, port: 53, nack: false })],
  ])('of %s leads to PACKET_REQUESTS_MAX datagrams, not to hundreds', (_, question) => {
    const { wire, me } = start()
    const before = wire.traffic.sent.length
    wire.inject(me, new PacketCodec(PLAIN).wrap(new Array(100).fill(question), false))
    expect(wire.traffic.sent.length - before).toBe(PACKET_REQUESTS_MAX)
    expect(me.core.counters().faults).toEqual({ 'too-many': 100 - PACKET_REQUESTS_MAX })
    wire.inject(me, question)
    expect(wire.traffic.sent.length - before).toBe(2 * PACKET_REQUESTS_MAX)
  })

  test('still brings the news in it', () => {
    const { wire, me } = start()
    const { name, addr, port, meta, vsn, incarnation } = node({})
    const told = { kind: 'alive', node: name, addr, port, meta, vsn, incarnation } as const
    const alive = encodePacketMessage(told)
    const question = encodePacketMessage(ping)
    wire.inject(me, new PacketCodec(PLAIN).wrap([question, question, alive], false))
    expect(view(me, 'n9')).toBe('alive 4')
    const [answer] = wire.traffic.sent.slice(-1)
    expect(messagesOf(answer?.bytes ?? NO_BYTES)[0]).toMatchObject({ kind: 'ack', seqNo: 7 })
  })
})

describe('one question that is replayed', () => {
  test('does not use up the news that others are to hear', () => {
    const { wire, me } = start()
    wire.run(3000)
    const ping = { kind: 'ping', seqNo: 7, node: 'n1' } as const
    const source = { sourceAddr: ipBytes(addressOf(66).ip), sourcePort: 7946, sourceNode: 'n2' }
    me.core.setMeta(wire.now, utf8Bytes('news'))
    const from = wire.traffic.sent.length
    for (let i = 0; i < 1000; i++) wire.say(me, { ...ping, ...source })
    const answers = wire.traffic.sent.slice(from)
    expect(answers.length).toBe(1000)
    const withNews = answers.filter(({ bytes }) => messagesOf(bytes).length > 1)
    expect(withNews.length).toBe(REPLIES_WITH_NEWS_MAX)
    wire.run(1000)
    const heard = wire.traffic.sent.slice(from + 1000).filter(({ to, bytes }) => {
      const isPeer = to === '10.0.0.2:7946' || to === '10.0.0.3:7946'
      return isPeer && messagesOf(bytes).some(({ kind }) => kind === 'alive')
    })
    expect(new Set(heard.map(({ to }) => to)).size).toBe(2)
  })
})

describe('streams on which nothing is said', () => {
  test('keep nobody out who comes from elsewhere', () => {
    const { me, accept, receive } = start()
    const idle = Array.from({ length: STREAMS_MAX }, () => accept(addressOf(66)))
    expect(accept(addressOf(66, 1))).toBe(null)
    const state = { kind: 'push-pull', join: true, nodes: [node({})], userState: NO_BYTES } as const
    receive(accept(addressOf(2)), wrapStreamMessage(PLAIN, state))
    expect(view(me, 'n9')).toBe('alive 4')
    expect(me.core.counters().faults).toEqual({ 'too-many-streams': 2 })
    // The oldest of them had to go.
    expect(me.core.drain()).toContainEqual({ kind: 'stream-close', stream: idle[0] })
  })

  test('keep nobody out, from however many addresses of one IPv6 subnet they come', () => {
    const { accept } = start()
    for (let i = 1; i <= STREAMS_MAX; i++) accept({ ip: parseIp(`2001:db8::${i}`), port: 7946 })
    expect(accept({ ip: parseIp('2001:db8::9999'), port: 7946 })).toBe(null)
    expect(accept({ ip: parseIp('2001:db8:0:1::1'), port: 7946 })).not.toBe(null)
  })

  test('are shared evenly between those who want them', () => {
    const { accept } = start()
    const peers = 4
    for (let i = 0; i < STREAMS_MAX; i++) expect(accept(addressOf(i % peers))).not.toBe(null)
    for (let i = 0; i < peers; i++) expect(accept(addressOf(i))).toBe(null)
    expect(accept(addressOf(66))).not.toBe(null)
  })
})

describe('streams on which much is said, and never all of it', () => {
  const CHUNK = new Uint8Array(1_048_576)

  test('keep STREAMS_BYTES_MAX altogether, then whoever has most of it is cut', () => {
    const { me, accept, receive } = start()
    // A user message of 16 MiB, as it begins.
    const open = Uint8Array.of(
      ...[MESSAGE_TYPE.user, 0x81, 0xaa, ...utf8Bytes('UserMsgLen')],
      ...[0xce, 1, 0, 0, 0],
    )
    const greedy = Array.from({ length: 5 }, (_, i) => accept(addressOf(66 + i)))
    for (const stream of greedy) receive(stream, open)
    const modest = accept(addressOf(2))
    const hello = wrapStreamMessage(PLAIN, { kind: 'user', bytes: Uint8Array.of(1) })
    receive(modest, hello.subarray(0, 3))
    let received = 0
    for (let round = 0; received <= STREAMS_BYTES_MAX; round++) {
      received += CHUNK.length
      receive(greedy[round % greedy.length] ?? null, CHUNK)
    }
    expect(me.core.counters().faults).toEqual({ oversized: 1 })
    receive(modest, hello.subarray(3))
    expect(me.delegate.userMessages).toEqual([{ bytes: Uint8Array.of(1), how: 'stream' }])
  })
})
