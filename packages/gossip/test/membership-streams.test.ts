/** Streams: push/pulls, pings and user messages (docker-wire §2.7), between nodes and by hand. */
import { ipBytes, type Instant } from '@weft/core'
import { SimEntropy, SeededRandom } from '@weft/core/testing'
import { nodeAead } from '@weft/runtime-node'
import { describe, expect, test } from 'vitest'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import type { PushPullNode, StreamMessage } from '../src/memberlist/messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import { StreamReader } from '../src/memberlist/stream-reader.ts'
import type { WrapOptions } from '../src/memberlist/wrap-options.ts'
import { STREAMS_MAX } from '../src/membership/conversations.ts'
import { VERSIONS } from '../src/membership/versions.ts'
import type { GossipOutput, StreamId } from '../src/output.ts'
import { addressOf, knownMember, NO_AEAD, view, Wire, type WireNode } from './membership-wire.ts'

const NO_BYTES = new Uint8Array(0)

const PLAIN: WrapOptions = {
  label: '',
  keys: null,
  aead: NO_AEAD,
  entropy: new SimEntropy(new SeededRandom(1)),
  compress: false,
}

function node(overrides: Partial<PushPullNode> = {}): PushPullNode {
  const { addr, port } = { addr: ipBytes(addressOf(9).ip), port: 7946 }
  const incarnation = 4
  const base = { name: 'n9', addr, port, meta: NO_BYTES, vsn: VERSIONS, incarnation }
  return { ...base, state: 'alive', ...overrides }
}

function pushPull(nodes: readonly PushPullNode[], userState = NO_BYTES): StreamMessage {
  return { kind: 'push-pull', join: false, nodes, userState }
}

/** What one node writes on one stream, and whether it closed it. */
function answerOf(me: WireNode, stream: StreamId): { messages: StreamMessage[]; closed: boolean } {
  const reader = new StreamReader(PLAIN)
  const messages: StreamMessage[] = []
  let closed = false
  for (const output of me.core.drain()) {
    if (output.kind === 'stream-close' && output.stream === stream) closed = true
    if (output.kind !== 'stream-write' || output.stream !== stream) continue
    const message = reader.push(output.bytes)
    if (message !== null) messages.push(message)
  }
  return { messages, closed }
}

/** Connect to a node and say something. */
function ask(wire: Wire, me: WireNode, message: StreamMessage) {
  const stream = me.core.streams.accept(wire.now, addressOf(2)) as StreamId
  me.core.streams.received(wire.now, stream, wrapStreamMessage(PLAIN, message))
  return answerOf(me, stream)
}

function start(): { wire: Wire; me: WireNode } {
  const wire = new Wire()
  const me = wire.start('n1', { known: [2, 3].map(knownMember) })
  me.core.drain()
  return { wire, me }
}

describe('a push/pull that somebody begins', () => {
  test('is answered with all we know, and then believed', () => {
    const { wire, me } = start()
    me.delegate.state = Uint8Array.of(1, 2)
    const { messages, closed } = ask(wire, me, pushPull([node()], Uint8Array.of(3)))
    const [answer] = messages
    expect(closed).toBe(true)
    expect(answer).toMatchObject({ kind: 'push-pull', join: false })
    const told = answer?.kind === 'push-pull' ? answer.nodes : []
    expect(told.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'n1 alive',
      'n2 alive',
      'n3 alive',
    ])
    expect(answer?.kind === 'push-pull' && answer.userState).toEqual(Uint8Array.of(1, 2))
    expect(view(me, 'n9')).toBe('alive 4')
    expect(me.delegate.merged).toEqual([Uint8Array.of(3)])
  })

  test('says whether it is a join, as the question did', () => {
    const { wire, me } = start()
    const question = { kind: 'push-pull', join: true, nodes: [], userState: NO_BYTES } as const
    const { messages } = ask(wire, me, question)
    expect(messages[0]).toMatchObject({ join: true })
  })

  test('of nobody and nothing is answered and changes nothing', () => {
    const { wire, me } = start()
    expect(ask(wire, me, pushPull([])).messages).toHaveLength(1)
    expect([me.delegate.merged, me.delegate.heard]).toEqual([[], []])
  })

  test('doubts whom the other side thinks dead, in our name', () => {
    const { wire, me } = start()
    ask(wire, me, pushPull([node({ name: 'n2', incarnation: 1, state: 'dead' })]))
    ask(wire, me, pushPull([node({ name: 'n3', incarnation: 1, state: 'suspect' })]))
    expect([view(me, 'n2'), view(me, 'n3')]).toEqual(['suspect 1', 'suspect 1'])
  })

  test('believes that somebody left', () => {
    const { wire, me } = start()
    ask(wire, me, pushPull([node({ name: 'n2', incarnation: 1, state: 'left' })]))
    expect(view(me, 'n2')).toBe('left 1')
  })

  test.each(['dead', 'suspect', 'left'] as const)('refutes that we are %s', (state) => {
    const { wire, me } = start()
    ask(wire, me, pushPull([node({ name: 'n1', incarnation: 6, state })]))
    expect(view(me, 'n1')).toBe('alive 7')
  })

  test('is refused as a whole when somebody there speaks what we cannot', () => {
    const { wire, me } = start()
    const stranger = node({ name: 'n8', vsn: [3, 5, 3, 0, 0, 0] })
    ask(wire, me, pushPull([node(), stranger], Uint8Array.of(1)))
    expect([view(me, 'n9'), me.delegate.merged]).toEqual(['unknown', []])
    const old = node({ name: 'n8', vsn: [3, 5, 3, 0, 0, 0], state: 'dead' })
    ask(wire, me, pushPull([node(), { ...old, vsn: [1, 5, 2, 0, 0, 0] }]))
    expect(view(me, 'n9')).toBe('alive 4')
  })

  test('ends by itself when the other side says too little for too long', () => {
    const { wire, me } = start()
    const stream = me.core.streams.accept(wire.now, addressOf(2)) as StreamId
    me.core.streams.received(wire.now, stream, Uint8Array.of(6))
    me.core.tick((wire.now + 9999) as Instant)
    expect(answerOf(me, stream).closed).toBe(false)
    me.core.tick((wire.now + 10_000) as Instant)
    expect(answerOf(me, stream).closed).toBe(true)
    expect(me.core.counters().faults).toEqual({ 'stream-cut': 1 })
  })

  test('that is cut counts as such, an empty stream does not', () => {
    const { wire, me } = start()
    const cut = me.core.streams.accept(wire.now, addressOf(2)) as StreamId
    const whole = wrapStreamMessage(PLAIN, pushPull([node()]))
    me.core.streams.received(wire.now, cut, whole.slice(0, 30))
    me.core.streams.ended(wire.now, cut, true)
    const empty = me.core.streams.accept(wire.now, addressOf(2)) as StreamId
    me.core.streams.ended(wire.now, empty, true)
    expect(me.core.counters().faults).toEqual({ 'stream-cut': 1 })
    me.core.streams.received(wire.now, cut, Uint8Array.of(1))
    me.core.streams.ended(wire.now, cut, false)
    expect(view(me, 'n9')).toBe('unknown')
  })
})

describe('streams at once', () => {
  test('are STREAMS_MAX that others opened', () => {
    const { wire, me } = start()
    const accept = (): StreamId | null => me.core.streams.accept(wire.now, addressOf(2))
    const all = Array.from({ length: STREAMS_MAX }, accept)
    expect(all).not.toContain(null)
    expect(new Set(all).size).toBe(STREAMS_MAX)
    expect(accept()).toBe(null)
    expect(me.core.counters().faults).toEqual({ 'too-many-streams': 1 })
    me.core.streams.ended(wire.now, all[0] as StreamId, true)
    expect(accept()).not.toBe(null)
  })

  test('are STREAMS_MAX that we opened', () => {
    const { wire, me } = start()
    for (let i = 0; i < STREAMS_MAX; i++) me.core.join(wire.now, addressOf(9))
    expect(me.delegate.heard).toEqual([])
    me.core.join(wire.now, addressOf(9))
    expect(me.delegate.heard).toEqual(['join 10.0.0.9:7946: too many streams are open'])
  })
})

describe('a ping over a stream', () => {
  const source = { sourceAddr: NO_BYTES, sourcePort: 0, sourceNode: '' }
  const ping = { kind: 'ping', seqNo: 5, ...source } as const

  test.each(['n1', ''])('for %o is answered', (name) => {
    const { wire, me } = start()
    const { messages, closed } = ask(wire, me, { ...ping, node: name })
    expect([messages, closed]).toMatchObject([[{ kind: 'ack', seqNo: 5 }], true])
  })

  test('for another is not', () => {
    const { wire, me } = start()
    expect(ask(wire, me, { ...ping, node: 'n2' })).toEqual({ messages: [], closed: true })
    expect(me.core.counters().ignored).toBe(1)
  })
})

describe('our ping over a stream', () => {
  test.each([
    ['with its number is an answer', 0, 'alive 1'],
    ['with another number is none', 1, 'suspect 1'],
  ])('an ack %s', (_, off, expected) => {
    const me = new Wire().start('n1', { known: [knownMember(2)] })
    for (let ms = 0; ms <= 3000 && me.core.counters().probesFailed === 0; ms += 50) {
      me.core.tick(ms as Instant)
      for (const output of me.core.drain()) {
        if (output.kind !== 'stream-write') continue
        const ping = new StreamReader({ ...PLAIN }).push(output.bytes)
        const seqNo = ping?.kind === 'ping' ? ping.seqNo + off : -1
        const ack = wrapStreamMessage(PLAIN, { kind: 'ack', seqNo, payload: NO_BYTES })
        me.core.streams.received(ms as Instant, output.stream, ack)
      }
    }
    expect(view(me, 'n2')).toBe(expected)
  })
})

describe('a stream that cannot be', () => {
  test.each<[string, StreamMessage]>([
    ['an answer without a question', { kind: 'ack', seqNo: 1, payload: NO_BYTES }],
    ['a complaint', { kind: 'error', error: 'no' }],
  ])('%s is closed and counted', (_, message) => {
    const { wire, me } = start()
    expect(ask(wire, me, message)).toEqual({ messages: [], closed: true })
    expect(me.core.counters().faults).toEqual({ 'bad-type': 1 })
  })

  test('rubbish is closed and counted', () => {
    const { wire, me } = start()
    const stream = me.core.streams.accept(wire.now, addressOf(2)) as StreamId
    me.core.streams.received(wire.now, stream, Uint8Array.of(77, 1, 2))
    expect(answerOf(me, stream)).toEqual({ messages: [], closed: true })
    expect(me.core.counters().faults).toEqual({ 'bad-type': 1 })
  })

  const ring = (fill: number) => (): KeyRing =>
    new KeyRing([{ tag: '1', bytes: new Uint8Array(16).fill(fill) }])

  test.each<[string, WrapOptions, string, string]>([
    [
      'in the clear',
      PLAIN,
      'not-sealed',
      'Encryption is configured but remote state is not encrypted',
    ],
    [
      'under another key',
      { ...PLAIN, aead: nodeAead, keys: ring(2)() },
      'cannot-open',
      'No installed keys could decrypt the message',
    ],
  ])('%s is told so, under our key', (_, wrap, fault, error) => {
    const wire = new Wire({ keys: ring(1), aead: nodeAead })
    const me = wire.start('n1')
    const stream = me.core.streams.accept(wire.now, addressOf(2)) as StreamId
    me.core.streams.received(wire.now, stream, wrapStreamMessage(wrap, pushPull([])))
    const [complaint] = me.core.drain().filter((output) => output.kind === 'stream-write')
    const reader = new StreamReader({ ...PLAIN, aead: nodeAead, keys: ring(1)() })
    expect(reader.push(complaint?.bytes ?? NO_BYTES)).toEqual({ kind: 'error', error })
    expect(me.core.counters().faults).toEqual({ [fault]: 1 })
  })
})

describe('a join', () => {
  /** A node that joins 10.0.0.9, and what it is told. */
  function joining() {
    const { wire, me } = start()
    me.core.join(wire.now, addressOf(9))
    const opened = me.core.drain().find((output) => output.kind === 'stream-open')
    const stream = (opened as Extract<GossipOutput, { kind: 'stream-open' }>).stream
    const hear = (message: StreamMessage): void => {
      me.core.streams.received(wire.now, stream, wrapStreamMessage(PLAIN, message))
    }
    return { wire, me, stream, hear, opened }
  }

  test('is over when the answer came', () => {
    const { me, stream, hear, opened } = joining()
    expect(opened).toMatchObject({ to: addressOf(9) })
    hear(pushPull([node()], Uint8Array.of(1)))
    expect(answerOf(me, stream).closed).toBe(true)
    expect(view(me, 'n9')).toBe('alive 4')
    expect(me.delegate.heard).toEqual(['joined n9', 'join 10.0.0.9:7946: ok'])
    expect(me.delegate.merged).toEqual([Uint8Array.of(1)])
  })

  test.each<[string, StreamMessage, string]>([
    ['a complaint', { kind: 'error', error: 'go away' }, 'go away'],
    ['nonsense', { kind: 'user', bytes: NO_BYTES }, 'the answer is no push/pull'],
    [
      'versions that are not ours',
      pushPull([node({ vsn: [3, 5, 3, 0, 0, 0] })]),
      'protocol versions do not overlap',
    ],
  ])('fails on %s', (_, message, reason) => {
    const { me, hear } = joining()
    hear(message)
    expect(me.delegate.heard).toEqual([`join 10.0.0.9:7946: ${reason}`])
    expect(view(me, 'n9')).toBe('unknown')
  })

  test('fails on rubbish', () => {
    const { wire, me, stream } = joining()
    me.core.streams.received(wire.now, stream, Uint8Array.of(77, 1, 2))
    expect(me.delegate.heard).toEqual(['join 10.0.0.9:7946: the answer is refused: bad-type'])
  })

  test.each([
    [true, 'the other side said nothing'],
    [false, 'no connection'],
  ])('fails when the stream ends (clean: %s), and hears nothing after that', (clean, reason) => {
    const { wire, me, stream, hear } = joining()
    me.core.streams.ended(wire.now, stream, clean)
    hear(pushPull([node()]))
    expect(me.delegate.heard).toEqual([`join 10.0.0.9:7946: ${reason}`])
  })

  test('fails when no answer comes in time', () => {
    const { wire, me, stream } = joining()
    me.core.tick((wire.now + 10_000) as Instant)
    expect(answerOf(me, stream).closed).toBe(true)
    expect(me.delegate.heard).toContain('join 10.0.0.9:7946: no answer in time')
  })
})

test('an exchange tells nobody how it ended', () => {
  const { wire, me } = start()
  const member = me.core.roster.get('n2')
  if (member === null) throw new Error('n2 is known')
  me.core.exchange(wire.now, member)
  wire.run(100)
  expect(wire.traffic.opened).toMatchObject([{ from: 'n1', to: '10.0.0.2:7946' }])
  expect(me.delegate.heard).toEqual([])
})

test('push/pulls bring what gossip lost, at their interval', () => {
  const wire = new Wire({ profile: { pushPullIntervalMs: 2000 } })
  const nodes = wire.ring(5)
  wire.passes = (_, __, kind) => kind === 'stream'
  nodes[0]?.core.setMeta(wire.now, Uint8Array.of(9))
  wire.run(20_000)
  for (const one of nodes) expect(one.core.roster.get('n1')?.meta).toEqual(Uint8Array.of(9))
})

describe('user messages', () => {
  test('go to one node, by datagram or on a stream of their own', () => {
    const wire = new Wire()
    const [a, b, c] = wire.ring(3) as [WireNode, WireNode, WireNode]
    const to = a.core.roster.get('n2')
    if (to === null) throw new Error('n2 is known')
    a.core.send(wire.now, to, { bytes: Uint8Array.of(1), how: 'packet' })
    a.core.send(wire.now, to, { bytes: new Uint8Array(100_000).fill(2), how: 'stream' })
    wire.run(100)
    expect(b.delegate.userMessages).toEqual([
      { bytes: Uint8Array.of(1), how: 'packet' },
      { bytes: new Uint8Array(100_000).fill(2), how: 'stream' },
    ])
    expect(c.delegate.userMessages).toEqual([])
  })

  test('one that fits no datagram is a bug of the caller', () => {
    const { wire, me } = start()
    const send = (bytes: number): void =>
      me.core.send(wire.now, me.core.roster.self, { bytes: new Uint8Array(bytes), how: 'packet' })
    send(1400)
    expect(() => send(1401)).toThrow('bug')
  })

  test('of the layer above ride along, and wake the gossip that sleeps', () => {
    const wire = new Wire()
    const [a, b] = wire.ring(2) as [WireNode, WireNode]
    wire.run(3000)
    const before = a.core.counters().packetsSent
    a.delegate.broadcastQueue = [Uint8Array.of(1), Uint8Array.of(2, 2)]
    wire.run(250)
    expect(b.delegate.userMessages.map(({ bytes }) => bytes)).toEqual([
      Uint8Array.of(1),
      Uint8Array.of(2, 2),
    ])
    expect(a.core.counters().packetsSent - before).toBeLessThanOrEqual(2)
  })

  test('in numbers that one compound cannot hold are sent in several', () => {
    const wire = new Wire({ profile: { compress: false } })
    const [a, b] = wire.ring(2) as [WireNode, WireNode]
    wire.run(3000)
    a.delegate.broadcastQueue = Array.from({ length: 300 }, () => Uint8Array.of(1))
    wire.run(500)
    expect(b.delegate.userMessages).toHaveLength(300)
    expect(b.core.counters().faults).toEqual({})
  })
})
