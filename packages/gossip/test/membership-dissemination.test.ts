/** How news spreads (docker-wire §2.3, §2.9): ticks, limits, piggybacking, eagerness. */
import { ipBytes } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { transmitsMax } from '../src/membership/scale.ts'
import { VERSIONS } from '../src/membership/versions.ts'
import { dockerProfile, lanProfile, type MembershipProfile } from '../src/profile.ts'
import { addressOf, knownMember, messagesOf, sentOf, Wire } from './membership-wire.ts'
import type { WireNode } from './membership-wire.ts'

/** A node n1 that knows n2 to n`count`, none of which is there, and has said all it had to say. */
function quiet(count: number, profile: Partial<MembershipProfile> = {}) {
  const wire = new Wire({ profile: { probeIntervalMs: 1_000_000, ...profile } })
  const known = Array.from({ length: count - 1 }, (_, i) => knownMember(i + 2))
  const me = wire.start('n1', { known })
  wire.run(10_000)
  wire.traffic.sent.length = 0
  return { wire, me }
}

/** Something to say: `name` is there. */
function tell(wire: Wire, me: WireNode, name: string): void {
  const number = Number(name.slice(1))
  const { ip, port } = addressOf(number)
  const meta = new Uint8Array(0)
  const addr = ipBytes(ip)
  wire.say(me, { kind: 'alive', node: name, incarnation: 2, addr, port, meta, vsn: VERSIONS })
}

describe('gossip ticks', () => {
  test('go to different members, three at a time, until the limit is reached', () => {
    const { wire, me } = quiet(20)
    tell(wire, me, 'n2')
    wire.run(200)
    const first = sentOf(wire, 'alive')
    expect(new Set(first.map(({ to }) => to)).size).toBe(3)
    wire.run(5000)
    expect(sentOf(wire, 'alive')).toHaveLength(transmitsMax(4, 20))
  })

  test('are not there when there is nothing to say', () => {
    const { wire, me } = quiet(20)
    const next = me.core.nextDeadline() ?? 0
    // The next thing to do is a probe or a push/pull: no tick before.
    expect(next - wire.now).toBeGreaterThan(1000)
    tell(wire, me, 'n2')
    expect((me.core.nextDeadline() ?? 0) - wire.now).toBeLessThanOrEqual(200)
    wire.run(5000)
    expect((me.core.nextDeadline() ?? 0) - wire.now).toBeGreaterThan(1000)
  })

  test('have checksums for those who check them, and only for them', () => {
    const wire = new Wire({ profile: { probeIntervalMs: 1_000_000, compress: false } })
    const old = { ...knownMember(2), vsn: [1, 4, 2, 0, 0, 0] as const }
    wire.start('n1', { known: [old, knownMember(3)] })
    wire.run(2000)
    const firstBytes = (to: string): Set<number | undefined> =>
      new Set(wire.traffic.sent.filter((sent) => sent.to === to).map(({ bytes }) => bytes[0]))
    expect(firstBytes('10.0.0.2:7946')).toEqual(new Set([4]))
    expect(firstBytes('10.0.0.3:7946')).toEqual(new Set([12]))
  })

  test('tell the dead so for a while, and those that left nothing', () => {
    const { wire, me } = quiet(3, { gossipToTheDeadMs: 5000 })
    wire.say(me, { kind: 'dead', node: 'n2', incarnation: 1, from: 'n3' })
    wire.say(me, { kind: 'dead', node: 'n3', incarnation: 1, from: 'n3' })
    wire.run(1000)
    expect(new Set(wire.traffic.sent.map(({ to }) => to))).toEqual(new Set(['10.0.0.2:7946']))
    wire.run(4000)
    wire.traffic.sent.length = 0
    tell(wire, me, 'n9')
    wire.run(1000)
    expect(new Set(wire.traffic.sent.map(({ to }) => to))).toEqual(new Set(['10.0.0.9:7946']))
  })

  test('fill packets, and never beyond what fits one', () => {
    const { wire, me } = quiet(40, { compress: false })
    for (let i = 2; i <= 40; i++) tell(wire, me, `n${i}`)
    wire.run(200)
    const sizes = wire.traffic.sent.map(({ bytes }) => bytes.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1400)
    expect(Math.max(...sizes)).toBeGreaterThan(1250)
  })

  test('say ours before what the layer above has to say', () => {
    const { wire, me } = quiet(5)
    me.delegate.broadcastQueue = [Uint8Array.of(1), Uint8Array.of(2)]
    tell(wire, me, 'n2')
    wire.run(200)
    const kinds = messagesOf(wire.traffic.sent[0]?.bytes ?? new Uint8Array(0))
    expect(kinds.map(({ kind }) => kind)).toEqual(['alive', 'user', 'user'])
  })
})

describe('a profile that is eager', () => {
  const eager = { ...lanProfile(), probeIntervalMs: 1_000_000 }

  test('says what is new after eagerMs, to as many as a tick would', () => {
    const { wire, me } = quiet(20, eager)
    tell(wire, me, 'n2')
    wire.run(9)
    expect(wire.traffic.sent).toEqual([])
    wire.run(1)
    expect(new Set(sentOf(wire, 'alive').map(({ to }) => to)).size).toBe(3)
    wire.run(5000)
    expect(sentOf(wire, 'alive')).toHaveLength(transmitsMax(4, 20))
  })

  test('says what was said before at ticks only', () => {
    const { wire, me } = quiet(2000, eager)
    tell(wire, me, 'n2')
    wire.run(10)
    tell(wire, me, 'n3')
    wire.run(10)
    const about = (name: string): number =>
      sentOf(wire, 'alive').filter(({ node }) => node === name).length
    expect([about('n2'), about('n3')]).toEqual([3, 3])
  })

  test('tells whom we accuse first', () => {
    const wire = new Wire({ profile: lanProfile() })
    const known = Array.from({ length: 199 }, (_, i) => knownMember(i + 2))
    const me = wire.start('n1', { known })
    while (me.core.counters().suspected === 0) wire.run(1)
    const [first] = sentOf(wire, 'suspect')
    const accused = me.core.roster.get(first?.node ?? '')
    wire.run(10)
    const told = sentOf(wire, 'suspect').filter(({ node }) => node === accused?.name)
    expect(told.map(({ to }) => to)).toContain(`${accused?.address.ip}:7946`)
  })

  test('spreads news sooner than one that waits for ticks', () => {
    const times = [dockerProfile(), lanProfile()].map((profile) => {
      const wire = new Wire({ profile })
      const nodes = wire.ring(50)
      wire.run(3000)
      const start = wire.now
      nodes[0]?.core.setMeta(wire.now, Uint8Array.of(1))
      while (nodes.some(({ core }) => core.roster.get('n1')?.incarnation !== 2)) wire.run(5)
      return wire.now - start
    })
    const [docker, lan] = times as [number, number]
    expect(lan).toBeLessThan(docker / 2)
  })
})

describe('leaving', () => {
  test('is over at once when nobody is there', () => {
    const wire = new Wire()
    const me = wire.start('n1')
    expect(me.core.roster.hasLeft).toBe(false)
    me.core.leave(wire.now)
    expect(me.core.roster.hasLeft).toBe(true)
  })

  test('is over when it was told often enough, and is said once', () => {
    const { wire, me } = quiet(20)
    me.core.leave(wire.now)
    const goodbyes = (): number => sentOf(wire, 'dead').length
    while (!me.core.roster.hasLeft) wire.run(1)
    expect(goodbyes()).toBe(transmitsMax(4, 20))
    me.core.leave(wire.now)
    wire.run(3000)
    expect(goodbyes()).toBe(transmitsMax(4, 20))
    expect(sentOf(wire, 'dead')[0]).toMatchObject({ node: 'n1', from: 'n1', incarnation: 1 })
  })

  test('goes with new metadata of its own no more', () => {
    const { wire, me } = quiet(20)
    me.core.leave(wire.now)
    me.core.setMeta(wire.now, Uint8Array.of(1))
    wire.run(2000)
    expect(sentOf(wire, 'alive')).toEqual([])
  })
})
