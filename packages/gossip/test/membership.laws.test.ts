/** Storms of messages, true and false: nothing throws, and nobody dies in its own eyes. */
import { ipBytes } from '@weft/core'
import { SeededRandom, SimEntropy } from '@weft/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NodeStateName, PacketMessage } from '../src/memberlist/messages.ts'
import { wrapStreamMessage } from '../src/memberlist/stream-frame.ts'
import { VERSIONS } from '../src/membership/versions.ts'
import type { StreamId } from '../src/output.ts'
import { dockerProfile, lanProfile } from '../src/profile.ts'
import { addressOf, knownMember, NO_AEAD, Wire, type WireNode } from './membership-wire.ts'

const U32 = 0xffff_ffff
const NAMES = ['n1', 'n2', 'n3', 'n4', 'stranger']

const name = fc.constantFrom(...NAMES)
const incarnation = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: U32 - 3, max: U32 }),
  fc.integer({ min: 0, max: U32 }),
)
const seqNo = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: U32 }))
const address = fc.oneof(
  fc.integer({ min: 1, max: 5 }).map((number) => ipBytes(addressOf(number).ip)),
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
)
const port = fc.constantFrom(7946, 1, 65_535)
const meta = fc.constantFrom(new Uint8Array(0), Uint8Array.of(1))
const version = fc.integer({ min: 0, max: 255 })
const vsn = fc.oneof(
  fc.constant(VERSIONS),
  fc.tuple(version, version, version, version, version, version),
)

const message: fc.Arbitrary<PacketMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('alive' as const),
    incarnation,
    node: name,
    addr: address,
    port,
    meta,
    vsn,
  }),
  fc.record({ kind: fc.constant('suspect' as const), incarnation, node: name, from: name }),
  fc.record({ kind: fc.constant('dead' as const), incarnation, node: name, from: name }),
  fc.record({ kind: fc.constant('ack' as const), seqNo, payload: meta }),
  fc.record({ kind: fc.constant('nack' as const), seqNo }),
  fc.record({
    kind: fc.constant('ping' as const),
    seqNo,
    node: name,
    sourceAddr: address,
    sourcePort: port,
    sourceNode: name,
  }),
  fc.record({
    kind: fc.constant('indirect-ping' as const),
    seqNo,
    target: address,
    port,
    node: name,
    nack: fc.boolean(),
    sourceAddr: address,
    sourcePort: port,
    sourceNode: name,
  }),
  fc.record({ kind: fc.constant('user' as const), bytes: fc.uint8Array() }),
)

const state = fc.constantFrom<NodeStateName>('alive', 'suspect', 'dead', 'left')
const told = fc.record({ name, addr: address, port, meta, incarnation, state, vsn })

const milliseconds = fc.integer({ min: 1, max: 9000 })

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('say' as const), message }) },
  fc.record({ kind: fc.constant('rubbish' as const), bytes: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({
    kind: fc.constant('merge' as const),
    nodes: fc.array(told, { maxLength: 4 }),
    bytesLost: fc.integer({ min: 0, max: 3 }),
  }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('run' as const), ms: milliseconds }) },
  fc.record({ kind: fc.constant('setMeta' as const) }),
)

const WRAP = {
  label: '',
  keys: null,
  aead: NO_AEAD,
  entropy: new SimEntropy(new SeededRandom(1)),
  compress: false,
}

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never

function apply(wire: Wire, me: WireNode, one: Step): void {
  switch (one.kind) {
    case 'say':
      return wire.say(me, one.message)
    case 'rubbish':
      return wire.inject(me, one.bytes)
    case 'run':
      return wire.run(one.ms)
    case 'setMeta':
      return me.core.setMeta(wire.now, Uint8Array.of(2))
    case 'merge': {
      const { nodes, bytesLost } = one
      const userState = new Uint8Array(0)
      const bytes = wrapStreamMessage(WRAP, { kind: 'push-pull', join: true, nodes, userState })
      const stream = me.core.streams.accept(wire.now, addressOf(2)) as StreamId
      me.core.streams.received(wire.now, stream, bytes.slice(0, bytes.length - bytesLost))
      me.core.streams.ended(wire.now, stream, true)
      return wire.flush(me)
    }
  }
}

for (const [title, profile] of [
  ['docker', dockerProfile()],
  ['lan', lanProfile()],
] as const) {
  test(`a node of the ${title} profile outlives any storm`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const wire = new Wire({ profile })
        const me = wire.start('n1', { known: [2, 3, 4].map(knownMember) })
        const highest = new Map<string, number>()
        let own = 1
        for (const one of steps) {
          apply(wire, me, one)
          const { self } = me.core.roster
          expect(self.state).toBe('alive')
          expect(self.address).toEqual(addressOf(1))
          expect(self.incarnation).toBeGreaterThanOrEqual(own)
          expect(self.incarnation).toBeLessThanOrEqual(U32)
          own = self.incarnation
          checkMembers(me, highest)
        }
      }),
      { numRuns: 150 },
    )
  })
}

/** An incarnation only grows, unless the name was taken over or forgotten; counts are right. */
function checkMembers(me: WireNode, highest: Map<string, number>): void {
  let active = 0
  for (const { name: known, address: at, incarnation: now, state: is } of me.core.roster.all()) {
    const owner = `${known} ${at.ip}:${at.port}`
    if (is === 'alive' || is === 'suspect') active++
    if (me.core.roster.get(known) === null) throw new Error('the list and the map differ')
    expect(Number.isInteger(now)).toBe(true)
    if (known !== 'stranger') {
      expect(now).toBeGreaterThanOrEqual(highest.get(owner) ?? 0)
      highest.set(owner, now)
    }
  }
  expect(me.core.roster.activeCount).toBe(active)
}

test('the same storm gives the same packets', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const [a, b] = [0, 1].map(() => {
        const wire = new Wire({ profile: lanProfile() })
        const me = wire.start('n1', { known: [2, 3, 4].map(knownMember) })
        for (const one of steps) apply(wire, me, one)
        return wire.traffic
      })
      expect(a).toEqual(b)
    }),
    { numRuns: 30 },
  )
})

test('rings under any loss, duplication and stalls: the living find each other again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 3, max: 8 }),
      fc.boolean(),
      (seed, count, isOurs) => {
        const wire = new Wire({ seed, profile: isOurs ? lanProfile() : dockerProfile() })
        const nodes = wire.ring(count)
        const rough = wire.random.fork('rough')
        wire.passes = () => rough.below(3) !== 0
        for (let i = 0; i < 10; i++) {
          const node = nodes[rough.below(count)] as WireNode
          node.blocked = true
          wire.run(rough.below(8000) + 1)
          wire.wake(node)
        }
        wire.passes = () => true
        // The dead are not asked any more: somebody has to join again, as NetworkDB sees to.
        for (let i = 0; i < 3; i++) {
          for (const { core } of nodes) for (const { address: at } of nodes) core.join(wire.now, at)
          wire.run(10_000)
        }
        for (const node of nodes) {
          const active = nodes.filter(({ name: other }) => {
            const member = node.core.roster.get(other)
            return member !== null && member.state === 'alive'
          })
          expect(active).toHaveLength(count)
        }
      },
    ),
    { numRuns: 15 },
  )
})
