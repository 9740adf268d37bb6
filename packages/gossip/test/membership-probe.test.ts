/** The failure detector (docker-wire §2.9), at a node among ghosts and at small rings. */
import { ipBytes, type Instant, type SocketAddress } from '@weft/core'
import { describe, expect, test } from 'vitest'
import type { Ping } from '../src/memberlist/messages.ts'
import { RELAYS_MAX } from '../src/membership/relays.ts'
import { FAILED_PROBES_MAX } from '../src/membership/prober.ts'
import { lanProfile, type MembershipProfile } from '../src/profile.ts'
import { addressOf, knownMember, messagesOf, sentOf, view, Wire } from './membership-wire.ts'
import type { WireNode } from './membership-wire.ts'

const NO_BYTES = new Uint8Array(0)

/** A node n1 that knows n2 to n`count`, none of which is there. */
function alone(count: number, profile: Partial<MembershipProfile> = {}) {
  const wire = new Wire({ profile })
  const known = Array.from({ length: count - 1 }, (_, i) => knownMember(i + 2))
  return { wire, me: wire.start('n1', { known }) }
}

/** Run until the next ping of ours is out. */
function nextPing(wire: Wire): Ping & { readonly to: string; readonly at: number } {
  const before = wire.traffic.sent.length
  for (;;) {
    wire.run(1)
    const [ping] = sentOf(wire, 'ping', before)
    if (ping !== undefined) return ping
  }
}

function ack(seqNo: number) {
  return { kind: 'ack', seqNo, payload: NO_BYTES } as const
}

describe('a round', () => {
  test('asks everyone once, in another order each time', () => {
    const wire = new Wire()
    wire.ring(8)
    wire.run(1000)
    wire.traffic.sent.length = 0
    wire.run(7 * 1000 * 4)
    const asked = sentOf(wire, 'ping').filter(({ sourceNode }) => sourceNode === 'n1')
    const names = asked.map(({ node }) => node)
    const rounds = [0, 1, 2, 3].map((i) => names.slice(7 * i, 7 * i + 7))
    expect(names).toHaveLength(28)
    for (const name of ['n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8']) {
      expect(names.filter((other) => other === name).length).toBeGreaterThanOrEqual(3)
    }
    expect(new Set(rounds.map(String)).size).toBe(4)
    expect(asked[0]).toMatchObject({
      sourceAddr: ipBytes(addressOf(1).ip),
      sourcePort: 7946,
      sourceNode: 'n1',
    })
  })

  test('comes every interval', () => {
    const wire = new Wire()
    wire.ring(2)
    wire.run(10_500)
    const at = sentOf(wire, 'ping').filter(({ sourceNode }) => sourceNode === 'n1')
    const gaps = at.slice(1).map((ping, i) => ping.at - (at[i]?.at ?? 0))
    expect(new Set(gaps)).toEqual(new Set([1000]))
  })

  test('comes every interval also when nobody answers', () => {
    const { wire } = alone(50, { awarenessMultMax: 1 })
    const at = Array.from({ length: 5 }, () => nextPing(wire).at)
    expect(at.slice(1).map((ms, i) => ms - (at[i] ?? 0))).toEqual([1000, 1000, 1000, 1000])
  })

  test('leaves out the dead and those that left', () => {
    const { wire, me } = alone(3)
    wire.say(me, { kind: 'dead', node: 'n2', incarnation: 1, from: 'n3' })
    wire.say(me, { kind: 'dead', node: 'n3', incarnation: 1, from: 'n3' })
    wire.run(5000)
    expect(sentOf(wire, 'ping')).toEqual([])
  })

  test('forgets the dead when they were told so for long enough', () => {
    const { wire, me } = alone(2, { gossipToTheDeadMs: 5000 })
    wire.say(me, { kind: 'dead', node: 'n2', incarnation: 1, from: 'n2' })
    wire.run(4000)
    expect(view(me, 'n2')).toBe('left 1')
    wire.run(3000)
    expect(view(me, 'n2')).toBe('unknown')
  })
})

describe('a ping', () => {
  const ping = { kind: 'ping', seqNo: 77, node: 'n1', sourceNode: 'n2' } as const
  const source = { sourceAddr: ipBytes(addressOf(2).ip), sourcePort: 9000 }

  test('is answered where it says', () => {
    const { wire, me } = alone(3)
    wire.say(me, { ...ping, ...source }, addressOf(3))
    expect(sentOf(wire, 'ack')).toMatchObject([{ seqNo: 77, to: '10.0.0.2:9000' }])
  })

  test.each([
    { sourceAddr: NO_BYTES, sourcePort: 9000 },
    { sourceAddr: ipBytes(addressOf(2).ip), sourcePort: 0 },
  ])('is answered where it came from when it says nothing: %o', (incomplete) => {
    const { wire, me } = alone(3)
    wire.say(me, { ...ping, ...incomplete }, addressOf(3, 1234))
    expect(sentOf(wire, 'ack')).toMatchObject([{ seqNo: 77, to: '10.0.0.3:1234' }])
  })

  test('for nobody in particular is answered, one for another is ignored', () => {
    const { wire, me } = alone(3)
    wire.say(me, { ...ping, ...source, node: '' })
    wire.say(me, { ...ping, ...source, node: 'n2' })
    expect(sentOf(wire, 'ack')).toHaveLength(1)
    expect(me.core.counters().ignored).toBe(1)
  })

  test('tells a suspect so, and nobody else', () => {
    const { wire, me } = alone(2)
    wire.say(me, { kind: 'suspect', node: 'n2', incarnation: 1, from: 'n2' })
    wire.traffic.sent.length = 0
    const { at } = nextPing(wire)
    const { sent } = wire.traffic
    const packet = sent.find((one) => one.at === at && messagesOf(one.bytes).length === 2)
    expect(messagesOf(packet?.bytes ?? NO_BYTES)).toMatchObject([
      { kind: 'ping', node: 'n2' },
      { kind: 'suspect', node: 'n2', from: 'n1', incarnation: 1 },
    ])
  })

  test('tells a suspect nothing when the profile says so', () => {
    const { wire, me } = alone(2, { tellSuspects: false, gossipIntervalMs: 100_000 })
    wire.say(me, { kind: 'suspect', node: 'n2', incarnation: 1, from: 'n2' })
    const { at } = nextPing(wire)
    const then = wire.traffic.sent.filter((sent) => sent.at === at)
    const own = then.flatMap(({ bytes }) => messagesOf(bytes))
    expect(own.filter((message) => message.kind === 'suspect' && message.from === 'n1')).toEqual([])
  })

  test('has no checksum, though one with a suspicion has (docker-wire §2.3)', () => {
    const { wire, me } = alone(2, { compress: false, gossipIntervalMs: 100_000 })
    wire.run(1200)
    wire.say(me, { kind: 'suspect', node: 'n2', incarnation: 1, from: 'n2' })
    wire.run(4000)
    const hasChecksum = (kinds: string): boolean[] =>
      wire.traffic.sent
        .filter(({ bytes }) => String(messagesOf(bytes).map(({ kind }) => kind)) === kinds)
        .map(({ bytes }) => bytes[0] === 12)
    expect(new Set(hasChecksum('ping,alive'))).toEqual(new Set([false]))
    expect(new Set(hasChecksum('ping,suspect'))).toEqual(new Set([true]))
  })

  test('has one for a member whose name is its address', () => {
    const wire = new Wire({ profile: { compress: false } })
    const named = { ...knownMember(2), name: '10.0.0.2' }
    wire.start('n1', { known: [named] })
    const { at } = nextPing(wire)
    expect(wire.traffic.sent.find((sent) => sent.at === at)?.bytes[0]).toBe(12)
  })
})

describe('a probe without an answer', () => {
  test('asks relays and tries a stream after the timeout, then suspects', () => {
    const { wire, me } = alone(6)
    const ping = nextPing(wire)
    wire.run(499)
    expect(sentOf(wire, 'indirect-ping')).toEqual([])
    wire.run(1)
    const requests = sentOf(wire, 'indirect-ping')
    expect(requests).toHaveLength(3)
    for (const request of requests) {
      expect(request).toMatchObject({ seqNo: ping.seqNo, node: ping.node, port: 7946, nack: true })
      expect(request.to).not.toBe(ping.to)
    }
    expect(wire.traffic.opened).toMatchObject([{ from: 'n1', to: ping.to }])
    wire.run(499)
    expect(view(me, ping.node)).toBe('alive 1')
    wire.run(1)
    expect(view(me, ping.node)).toBe('suspect 1')
    expect(me.core.counters()).toMatchObject({ probesFailed: 1, suspected: 1 })
  })

  test.each([
    ['from the member', 100],
    ['or a relay', 900],
  ])('until one comes, %s, is none', (_, afterMs) => {
    const { wire, me } = alone(6)
    const ping = nextPing(wire)
    wire.run(afterMs)
    wire.say(me, ack(ping.seqNo))
    wire.run(999 - afterMs)
    expect(view(me, ping.node)).toBe('alive 1')
    expect(me.core.counters()).toMatchObject({ probesFailed: 0, ignored: 0 })
  })

  test('is none after an answer to another question', () => {
    const { wire, me } = alone(6)
    const ping = nextPing(wire)
    wire.say(me, ack(ping.seqNo + 1))
    wire.run(1000)
    expect(view(me, ping.node)).toBe('suspect 1')
    expect(me.core.counters().ignored).toBe(1)
  })

  test('asks no relay of an old version for a refusal, and opens it no stream', () => {
    const wire = new Wire()
    const known = [2, 3].map((i) => ({ ...knownMember(i), vsn: [1, 2, 2, 0, 0, 0] as const }))
    wire.start('n1', { known })
    nextPing(wire)
    wire.run(500)
    expect(sentOf(wire, 'indirect-ping')).toMatchObject([{ nack: false }])
    expect(wire.traffic.opened).toEqual([])
  })

  test('opens no stream when the profile says so', () => {
    const { wire } = alone(3, { streamPings: false })
    nextPing(wire)
    wire.run(1000)
    expect(wire.traffic.opened).toEqual([])
  })

  test('suspects what it knew when it began: a refutation meanwhile stands', () => {
    const { wire, me } = alone(3)
    const ping = nextPing(wire)
    const { address } = knownMember(Number(ping.node.slice(1)))
    wire.say(me, {
      kind: 'alive',
      node: ping.node,
      incarnation: 2,
      addr: ipBytes(address.ip),
      port: address.port,
      meta: NO_BYTES,
      vsn: [1, 5, 2, 0, 0, 0],
    })
    wire.run(1000)
    expect(view(me, ping.node)).toBe('alive 2')
  })

  test('is none for one that only streams reach', () => {
    const wire = new Wire()
    const nodes = wire.ring(4)
    wire.passes = (_, to, kind) => kind === 'stream' || to.name !== 'n2'
    wire.run(30_000)
    for (const node of nodes.filter(({ name }) => name !== 'n2')) {
      expect(view(node, 'n2')).toMatch(/^alive/)
    }
  })

  test('is none for one that only others reach', () => {
    const wire = new Wire({ profile: { streamPings: false } })
    const nodes = wire.ring(4)
    const isCut = (a: string, b: string): boolean => a === 'n1' && b === 'n2'
    wire.passes = (from, to) => !isCut(from.name, to.name) && !isCut(to.name, from.name)
    wire.run(30_000)
    for (const node of nodes) expect(view(node, 'n2')).toBe('alive 1')
  })
})

describe('awareness', () => {
  test('rises by the refusals that did not come', () => {
    const { wire, me } = alone(6)
    const ping = nextPing(wire)
    wire.run(600)
    for (let i = 0; i < 2; i++) wire.say(me, { kind: 'nack', seqNo: ping.seqNo })
    wire.say(me, { kind: 'nack', seqNo: ping.seqNo + 9 })
    wire.run(400)
    expect(me.core.roster.awareness).toBe(1)
    expect(me.core.counters().ignored).toBe(1)
  })

  test('stays when all of them came, and counts no more than that', () => {
    const { wire, me } = alone(6)
    const ping = nextPing(wire)
    wire.run(600)
    for (let i = 0; i < 4; i++) wire.say(me, { kind: 'nack', seqNo: ping.seqNo })
    wire.run(400)
    expect(me.core.roster.awareness).toBe(0)
    expect(me.core.counters().ignored).toBe(1)
  })

  test('rises by one where nobody can refuse', () => {
    const { wire, me } = alone(2)
    nextPing(wire)
    wire.run(1000)
    expect(me.core.roster.awareness).toBe(1)
  })

  test('falls with an answer', () => {
    const { wire, me } = alone(6)
    nextPing(wire)
    wire.run(1000)
    expect(me.core.roster.awareness).toBe(3)
    wire.say(me, ack(sentOf(wire, 'ping').at(-1)?.seqNo ?? 0))
    expect(me.core.roster.awareness).toBe(2)
  })

  test('gives each probe more time', () => {
    const { wire, me } = alone(6)
    nextPing(wire)
    wire.run(1000)
    const failed = me.core.counters().probesFailed
    wire.run(3999)
    expect(me.core.counters().probesFailed).toBe(failed)
    wire.run(1)
    expect(me.core.counters().probesFailed).toBe(failed + 1)
  })
})

describe('a relay', () => {
  const request = {
    kind: 'indirect-ping',
    seqNo: 500,
    target: ipBytes(addressOf(3).ip),
    port: 7946,
    node: 'n3',
    nack: true,
    sourceAddr: ipBytes(addressOf(2).ip),
    sourcePort: 7000,
    sourceNode: 'n2',
  } as const

  function relaying(overrides: Partial<typeof request> | { nack: false; port: 0 } = {}) {
    const { wire, me } = alone(4, { probeIntervalMs: 100_000 })
    wire.say(me, { ...request, ...overrides }, addressOf(2))
    const ping = sentOf(wire, 'ping').find(({ node }) => node === 'n3')
    return { wire, me, ping }
  }

  test('asks, and passes the answer on under the number of the requester', () => {
    const { wire, me, ping } = relaying()
    expect(ping).toMatchObject({ to: '10.0.0.3:7946', sourceNode: 'n1' })
    wire.say(me, ack(ping?.seqNo ?? 0))
    expect(sentOf(wire, 'ack')).toMatchObject([{ seqNo: 500, to: '10.0.0.2:7000' }])
    wire.run(1000)
    expect(sentOf(wire, 'nack')).toEqual([])
  })

  test('says when no answer came in time', () => {
    const { wire } = relaying()
    wire.run(499)
    expect(sentOf(wire, 'nack')).toEqual([])
    wire.run(1)
    expect(sentOf(wire, 'nack')).toMatchObject([{ seqNo: 500, to: '10.0.0.2:7000' }])
  })

  test('says nothing to those who do not want to know, and passes on nothing late', () => {
    const { wire, me, ping } = relaying({ nack: false, port: 0 })
    expect(ping?.to).toBe('10.0.0.3:7946')
    wire.run(1000)
    wire.say(me, ack(ping?.seqNo ?? 0))
    expect([sentOf(wire, 'nack'), sentOf(wire, 'ack')]).toEqual([[], []])
    expect(me.core.counters().ignored).toBe(1)
  })

  test('pings no group of nodes', () => {
    const { wire, me } = alone(4)
    wire.say(me, { ...request, target: Uint8Array.of(224, 0, 0, 1) })
    expect(me.core.counters().ignored).toBe(1)
    expect(sentOf(wire, 'ping')).toEqual([])
  })

  test('has RELAYS_MAX under way at once', () => {
    const { wire, me } = alone(4, { probeIntervalMs: 100_000 })
    for (let i = 0; i < RELAYS_MAX; i++) wire.say(me, request)
    expect(me.core.counters().faults).toEqual({})
    wire.say(me, request)
    expect(me.core.counters().faults).toEqual({ 'too-many': 1 })
    wire.run(500)
    wire.say(me, request)
    expect(me.core.counters().faults).toEqual({ 'too-many': 1 })
  })
})

describe('a sign of life of a suspect', () => {
  /** A node whose probe of n2 just failed. */
  function suspecting(profile: Partial<MembershipProfile>) {
    const { wire, me } = alone(2, profile)
    const ping = nextPing(wire)
    wire.run(1000)
    expect(view(me, 'n2')).toBe('suspect 1')
    return { wire, me, ping }
  }

  test('gives the suspicion a new beginning', () => {
    const { wire, me, ping } = suspecting({ ...lanProfile(), suspicionMult: 4 })
    wire.run(2500)
    wire.say(me, ack(ping.seqNo))
    expect([view(me, 'n2'), me.core.counters().ignored]).toEqual(['suspect 1', 0])
    wire.run(3900)
    expect(view(me, 'n2')).toBe('suspect 1')
    wire.run(200)
    expect(view(me, 'n2')).toBe('dead 1')
  })

  test('counts for nothing in the profile of Docker, as in memberlist', () => {
    const { wire, me, ping } = suspecting({})
    wire.say(me, ack(ping.seqNo))
    expect(me.core.counters().ignored).toBe(1)
    wire.run(4000)
    expect(view(me, 'n2')).toBe('dead 1')
  })

  test('counts for the last FAILED_PROBES_MAX probes', () => {
    const profile = { ...lanProfile(), awarenessMultMax: 1, suspicionMult: 16, streamPings: false }
    const { wire, me } = alone(FAILED_PROBES_MAX + 2, profile)
    const first = nextPing(wire)
    const second = nextPing(wire)
    for (let i = 0; i < FAILED_PROBES_MAX; i++) nextPing(wire)
    const { ignored } = me.core.counters()
    wire.say(me, ack(first.seqNo))
    expect(me.core.counters().ignored).toBe(ignored + 1)
    wire.say(me, ack(second.seqNo))
    expect(me.core.counters().ignored).toBe(ignored + 1)
  })
})

describe('a process that stood still', () => {
  /** A ring in which n1 stops in the middle of a probe, for longer than a suspicion lasts. */
  function stalled(profile: Partial<MembershipProfile>): { wire: Wire; me: WireNode } {
    const wire = new Wire({ profile })
    const [me] = wire.ring(5) as [WireNode, ...WireNode[]]
    wire.run(3000)
    const before = sentOf(wire, 'ping').length
    while (!sentOf(wire, 'ping').slice(before).some(({ sourceNode }) => sourceNode === 'n1')) {
      wire.run(1)
    }
    me.blocked = true
    wire.run(3000)
    wire.wake(me)
    return { wire, me }
  }

  test('hears its answers before it judges', () => {
    const { wire, me } = stalled(lanProfile())
    wire.run(20_000)
    expect(me.core.counters()).toMatchObject({ suspected: 0, stalls: 1 })
    expect(me.core.roster.awareness).toBe(0)
  })

  test('suspects the living in the profile of Docker, as in memberlist', () => {
    const { me } = stalled({})
    expect(me.core.counters()).toMatchObject({ suspected: 1, stalls: 0 })
  })

  test('still finds the dead', () => {
    const { wire } = stalled(lanProfile())
    const [me, victim] = Array.from(wire.nodes.values()) as [WireNode, WireNode]
    victim.crashed = true
    wire.run(30_000)
    expect(view(me, 'n2')).toMatch(/^dead/)
  })
})

test('a tick without a reason, early or late, does no harm', () => {
  const { wire, me } = alone(3)
  const far: SocketAddress = addressOf(3)
  for (const now of [0, 0, 5, 3, 100_000]) me.core.tick(now as Instant)
  me.core.receive(99_000 as Instant, far, NO_BYTES)
  expect(me.core.counters().faults).not.toEqual({})
  wire.flush(me)
})
