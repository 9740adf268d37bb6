/** The rules of docker-wire §2.10, each with a counter-case, at a node among ghosts. */
import { ipBytes } from '@weft/core'
import { describe, expect, test } from 'vitest'
import type { Alive, Dead, Suspect, Versions } from '../src/memberlist/messages.ts'
import { MEMBERS_MAX } from '../src/membership/member-list.ts'
import { ACCUSED_INCARNATION_MAX, INCARNATION_MAX } from '../src/membership/member-states.ts'
import { VERSIONS } from '../src/membership/versions.ts'
import type { MembershipProfile } from '../src/profile.ts'
import { addressOf, knownMember, sentOf, view, Wire, type WireNode } from './membership-wire.ts'

const GHOST = addressOf(2)

function alive(overrides: Partial<Alive> = {}): Alive {
  return {
    kind: 'alive',
    incarnation: 2,
    node: 'n2',
    addr: ipBytes(GHOST.ip),
    port: GHOST.port,
    meta: new Uint8Array(0),
    vsn: VERSIONS,
    ...overrides,
  }
}

function suspect(overrides: Partial<Suspect> = {}): Suspect {
  return { kind: 'suspect', incarnation: 1, node: 'n2', from: 'n3', ...overrides }
}

function dead(overrides: Partial<Dead> = {}): Dead {
  return { kind: 'dead', incarnation: 1, node: 'n2', from: 'n3', ...overrides }
}

/** A node n1 that knows n2 to n6, none of which is there. */
function alone(profile: Partial<MembershipProfile> = {}): { wire: Wire; me: WireNode } {
  const wire = new Wire({ profile })
  const known = [2, 3, 4, 5, 6].map(knownMember)
  return { wire, me: wire.start('n1', { known }) }
}

/** The messages of one kind about a node that were sent within a second. */
function gossiped(wire: Wire, kind: 'alive' | 'suspect' | 'dead', about: string) {
  wire.run(1000)
  return sentOf(wire, kind).filter(({ node }) => node === about)
}

describe('alive', () => {
  test('of an unknown node is taken in, told on, and told to the layer above', () => {
    const { wire, me } = alone()
    const meta = Uint8Array.of(7)
    wire.say(me, alive({ node: 'n9', addr: ipBytes(addressOf(9).ip), incarnation: 5, meta }))
    expect(view(me, 'n9')).toBe('alive 5')
    expect(me.core.roster.get('n9')).toMatchObject({ address: addressOf(9), meta, vsn: VERSIONS })
    expect(me.delegate.heard).toEqual(['joined n9'])
    expect(gossiped(wire, 'alive', 'n9')[0]).toMatchObject({ incarnation: 5, meta })
  })

  test('of a newer incarnation is taken in', () => {
    const { wire, me } = alone()
    wire.say(me, alive({ meta: Uint8Array.of(1) }))
    expect(view(me, 'n2')).toBe('alive 2')
    expect(me.delegate.heard).toEqual(['updated n2'])
  })

  test.each([0, 1])('of incarnation %i, which is no news, is ignored', (incarnation) => {
    const { wire, me } = alone()
    wire.say(me, alive({ incarnation, meta: Uint8Array.of(1) }))
    expect(view(me, 'n2')).toBe('alive 1')
    expect(me.core.counters().ignored).toBe(1)
    expect(gossiped(wire, 'alive', 'n2')).toEqual([])
  })

  test('of an unknown node with incarnation 0 is no news, as in memberlist', () => {
    const { wire, me } = alone()
    wire.say(me, alive({ node: 'n9', addr: ipBytes(addressOf(9).ip), incarnation: 0 }))
    expect(view(me, 'n9')).toBe('unknown')
  })

  test('ends a suspicion only with a newer incarnation', () => {
    const { wire, me } = alone()
    wire.say(me, suspect())
    wire.say(me, alive({ incarnation: 1 }))
    expect(view(me, 'n2')).toBe('suspect 1')
    wire.say(me, alive({ incarnation: 2 }))
    expect(view(me, 'n2')).toBe('alive 2')
    wire.say(me, suspect({ incarnation: 2, from: 'n4' }))
    wire.say(me, alive({ incarnation: 3 }))
    wire.run(300)
    expect(view(me, 'n2')).toBe('alive 3')
  })

  test('brings back the dead with a newer incarnation', () => {
    const { wire, me } = alone()
    wire.say(me, dead())
    wire.say(me, alive({ incarnation: 1 }))
    expect(view(me, 'n2')).toBe('dead 1')
    wire.say(me, alive({ incarnation: 2 }))
    expect(view(me, 'n2')).toBe('alive 2')
    expect(me.delegate.heard).toEqual(['dead n2', 'joined n2'])
  })

  test.each<[string, Versions]>([
    ['no least version', [0, 5, 2, 0, 0, 0]],
    ['no greatest version', [1, 0, 2, 0, 0, 0]],
    ['versions the wrong way around', [3, 2, 2, 0, 0, 0]],
    ['versions above ours', [3, 5, 3, 0, 0, 0]],
    ['versions below ours', [1, 1, 1, 0, 0, 0]],
    ['a delegate that is not ours', [1, 5, 2, 1, 2, 1]],
  ])('with %s is ignored', (_, vsn) => {
    const { wire, me } = alone()
    wire.say(me, alive({ vsn }))
    expect(view(me, 'n2')).toBe('alive 1')
    wire.say(me, alive({ node: 'n9', vsn }))
    expect(view(me, 'n9')).toBe('unknown')
  })

  test.each(['0.0.0.0', '255.255.255.255', '224.0.0.1', '::'])('at %s is ignored', (ip) => {
    const { wire, me } = alone()
    wire.say(me, alive({ node: 'n9', addr: ipBytes(ip as typeof GHOST.ip) }))
    expect(view(me, 'n9')).toBe('unknown')
  })

  test('beyond MEMBERS_MAX is refused and counted', () => {
    const wire = new Wire()
    const known = Array.from({ length: MEMBERS_MAX - 1 }, (_, i) => knownMember(i + 2))
    const me = wire.start('n1', { known })
    wire.say(me, alive({ node: 'new' }))
    expect(view(me, 'new')).toBe('unknown')
    expect(me.core.counters().faults).toEqual({ 'too-many': 1 })
  })

  test('has room for the last of MEMBERS_MAX', () => {
    const wire = new Wire()
    const known = Array.from({ length: MEMBERS_MAX - 2 }, (_, i) => knownMember(i + 2))
    const me = wire.start('n1', { known })
    wire.say(me, alive({ node: 'new' }))
    expect(view(me, 'new')).toBe('alive 2')
  })
})

describe('a name at another address', () => {
  const elsewhere = { addr: ipBytes(addressOf(99).ip), incarnation: 9 }

  test('is a conflict while its owner may be there', () => {
    const { wire, me } = alone()
    wire.say(me, alive(elsewhere))
    wire.say(me, alive({ port: 1, incarnation: 9 }))
    wire.say(me, suspect())
    wire.say(me, alive(elsewhere))
    expect(view(me, 'n2')).toBe('suspect 1')
    expect(me.core.roster.get('n2')?.address).toEqual(GHOST)
  })

  test('is taken over from one that left, whatever the incarnation', () => {
    const { wire, me } = alone()
    wire.say(me, dead({ incarnation: 5, from: 'n2' }))
    wire.say(me, alive({ ...elsewhere, incarnation: 1 }))
    expect(view(me, 'n2')).toBe('alive 1')
    expect(me.core.roster.get('n2')?.address).toEqual(addressOf(99))
    expect(me.delegate.heard).toEqual(['left n2', 'joined n2'])
  })

  test('is not taken from one that left by an old message of its own', () => {
    const { wire, me } = alone()
    wire.say(me, dead({ incarnation: 5, from: 'n2' }))
    wire.say(me, alive({ incarnation: 5 }))
    expect(view(me, 'n2')).toBe('left 5')
  })

  test('is not taken from the dead when deadNodeReclaimMs is 0', () => {
    const { wire, me } = alone()
    wire.say(me, dead())
    wire.run(20_000)
    wire.say(me, alive(elsewhere))
    expect(view(me, 'n2')).toBe('dead 1')
  })

  test('is taken from the dead after deadNodeReclaimMs', () => {
    const { wire, me } = alone({ deadNodeReclaimMs: 10_000 })
    wire.say(me, dead())
    wire.run(10_000)
    wire.say(me, alive(elsewhere))
    expect(view(me, 'n2')).toBe('dead 1')
    wire.run(1)
    wire.say(me, alive({ ...elsewhere, incarnation: 0 }))
    expect(view(me, 'n2')).toBe('alive 0')
  })

  test('is a conflict, and nothing to refute, when the name is ours', () => {
    const { wire, me } = alone()
    wire.say(me, alive({ ...elsewhere, node: 'n1' }))
    expect(view(me, 'n1')).toBe('alive 1')
    expect(me.core.counters()).toMatchObject({ refuted: 0, ignored: 1 })
  })
})

describe('alive about ourselves', () => {
  const ofUs = { node: 'n1', addr: ipBytes(addressOf(1).ip), port: 7946 }

  test('as we say it is an echo', () => {
    const { wire, me } = alone()
    wire.say(me, alive({ ...ofUs, incarnation: 1 }))
    expect(me.core.counters()).toMatchObject({ refuted: 0, ignored: 0 })
    expect(view(me, 'n1')).toBe('alive 1')
  })

  test('as we never said it is refuted', () => {
    const { wire, me } = alone()
    wire.say(me, alive({ ...ofUs, incarnation: 1, meta: Uint8Array.of(1) }))
    expect(view(me, 'n1')).toBe('alive 2')
  })

  test('of a life before is refuted with a higher incarnation', () => {
    const { wire, me } = alone()
    wire.say(me, alive({ ...ofUs, incarnation: 40 }))
    expect(view(me, 'n1')).toBe('alive 41')
    expect(gossiped(wire, 'alive', 'n1').at(-1)).toMatchObject({ incarnation: 41 })
  })

  test('is ignored when it is old, and when we are leaving', () => {
    const { wire, me } = alone()
    me.core.setMeta(wire.now, Uint8Array.of(1))
    wire.say(me, alive({ ...ofUs, incarnation: 1 }))
    expect(view(me, 'n1')).toBe('alive 2')
    me.core.leave(wire.now)
    wire.say(me, alive({ ...ofUs, incarnation: 9 }))
    expect(view(me, 'n1')).toBe('left 2')
  })
})

describe('suspect', () => {
  test('of an alive node begins a suspicion and is told on', () => {
    const { wire, me } = alone()
    wire.say(me, suspect())
    expect(view(me, 'n2')).toBe('suspect 1')
    expect(me.delegate.heard).toEqual([])
    expect(gossiped(wire, 'suspect', 'n2')[0]).toMatchObject({ from: 'n3', incarnation: 1 })
  })

  test('of a newer incarnation than ours is believed', () => {
    const { wire, me } = alone()
    wire.say(me, suspect({ incarnation: 8 }))
    expect(view(me, 'n2')).toBe('suspect 8')
    expect(me.delegate.heard).toEqual(['updated n2'])
  })

  test('is ignored when it is old, or about nobody, or by nobody', () => {
    const { wire, me } = alone()
    wire.say(me, suspect({ incarnation: 0 }))
    wire.say(me, suspect({ node: 'n9' }))
    wire.say(me, suspect({ from: 'n9' }))
    expect(view(me, 'n2')).toBe('alive 1')
    expect(me.core.counters()).toMatchObject({ ignored: 3, suspected: 0 })
  })

  test('of the dead changes nothing', () => {
    const { wire, me } = alone()
    wire.say(me, dead())
    wire.say(me, suspect({ incarnation: 3 }))
    expect(view(me, 'n2')).toBe('dead 1')
  })

  test('kills when its time is over, and not before', () => {
    const { wire, me } = alone({ probeIntervalMs: 1_000_000, suspicionTimeoutMultMax: 1 })
    wire.say(me, suspect())
    wire.run(4 * 1_000_000 - 1)
    expect(view(me, 'n2')).toBe('suspect 1')
    wire.run(1)
    expect(view(me, 'n2')).toBe('dead 1')
    expect(me.core.counters().declaredDead).toBe(1)
    expect(me.delegate.heard).toEqual(['dead n2'])
    const said = { from: 'n1', incarnation: 1 }
    expect(gossiped(wire, 'dead', 'n2')[0]).toMatchObject(said)
  })

  test('kills after the shortest time when enough confirm it, each told on once', () => {
    const { wire, me } = alone({ probeIntervalMs: 1_000_000 })
    const shortestMs = 4 * 1_000_000
    wire.say(me, suspect({ from: 'n3' }))
    wire.run(1000)
    wire.say(me, suspect({ from: 'n3' }))
    wire.say(me, suspect({ from: 'n4' }))
    wire.run(1000)
    wire.say(me, suspect({ from: 'n4' }))
    wire.say(me, suspect({ from: 'n5' }))
    wire.say(me, suspect({ from: 'n6' }))
    wire.run(shortestMs - 2001)
    expect(view(me, 'n2')).toBe('suspect 1')
    wire.run(1)
    expect(view(me, 'n2')).toBe('dead 1')
    const told = sentOf(wire, 'suspect').filter(({ node }) => node === 'n2')
    const from = new Set(told.map((message) => message.from))
    expect(from).toEqual(new Set(['n3', 'n4', 'n5']))
  })

  test('lasts for the shortest time where too few are there to confirm', () => {
    const wire = new Wire({ profile: { probeIntervalMs: 1_000_000 } })
    const me = wire.start('n1', { known: [2, 3].map(knownMember) })
    wire.say(me, suspect())
    wire.run(4 * 1_000_000)
    expect(view(me, 'n2')).toBe('dead 1')
  })

  test('about ourselves is refuted at once, by whomever it is said', () => {
    const { wire, me } = alone()
    wire.say(me, suspect({ node: 'n1', from: 'n9', incarnation: 7 }))
    expect(view(me, 'n1')).toBe('alive 8')
    expect(me.core.roster.awareness).toBe(1)
    expect(me.core.counters().refuted).toBe(1)
    expect(gossiped(wire, 'alive', 'n1').at(-1)).toMatchObject({ incarnation: 8 })
  })

  test('about ourselves is ignored when it is old, and when we are leaving', () => {
    const { wire, me } = alone()
    wire.say(me, suspect({ node: 'n1', incarnation: 0 }))
    me.core.leave(wire.now)
    wire.say(me, suspect({ node: 'n1' }))
    expect(me.core.counters()).toMatchObject({ refuted: 0, ignored: 2 })
  })
})

describe('dead', () => {
  test('is believed, told on, and told to the layer above', () => {
    const { wire, me } = alone()
    wire.say(me, dead())
    expect(view(me, 'n2')).toBe('dead 1')
    expect(me.delegate.heard).toEqual(['dead n2'])
    expect(me.core.roster.activeCount).toBe(5)
    expect(gossiped(wire, 'dead', 'n2')[0]).toMatchObject({ from: 'n3' })
  })

  test('from the node itself means that it left', () => {
    const { wire, me } = alone()
    wire.say(me, dead({ from: 'n2' }))
    expect(view(me, 'n2')).toBe('left 1')
    expect(me.delegate.heard).toEqual(['left n2'])
  })

  test('ends the suspicion: it does not expire later', () => {
    const { wire, me } = alone({ probeIntervalMs: 1_000_000, suspicionTimeoutMultMax: 1 })
    wire.say(me, suspect())
    wire.say(me, dead())
    wire.run(4 * 1_000_000)
    expect(me.core.counters().declaredDead).toBe(0)
  })

  test('is ignored when it is old, about nobody, or said before', () => {
    const { wire, me } = alone()
    wire.say(me, dead({ incarnation: 0 }))
    wire.say(me, dead({ node: 'n9' }))
    expect(view(me, 'n2')).toBe('alive 1')
    wire.say(me, dead())
    wire.say(me, dead({ from: 'n2', incarnation: 4 }))
    expect(view(me, 'n2')).toBe('dead 1')
    expect(me.core.counters().ignored).toBe(3)
  })

  test('about ourselves is refuted, even in our own name', () => {
    const { wire, me } = alone()
    wire.say(me, dead({ node: 'n1', from: 'n1', incarnation: 3 }))
    expect(view(me, 'n1')).toBe('alive 4')
  })
})

describe('the end of the incarnations', () => {
  test('an accusation at ACCUSED_INCARNATION_MAX can still be refuted', () => {
    const { wire, me } = alone()
    wire.say(me, suspect({ node: 'n1', incarnation: ACCUSED_INCARNATION_MAX }))
    expect(view(me, 'n1')).toBe(`alive ${INCARNATION_MAX}`)
  })

  test('one beyond it is nobody’s to refute, and ignored', () => {
    const { wire, me } = alone()
    const incarnation = ACCUSED_INCARNATION_MAX + 1
    wire.say(me, suspect({ node: 'n1', incarnation }))
    wire.say(me, dead({ node: 'n1', incarnation }))
    wire.say(me, suspect({ incarnation }))
    wire.say(me, dead({ incarnation }))
    expect([view(me, 'n1'), view(me, 'n2')]).toEqual(['alive 1', 'alive 1'])
    expect(me.core.counters().ignored).toBe(4)
  })

  test('new metadata and a life before do not go beyond 32 bits', () => {
    const { wire, me } = alone()
    const incarnation = INCARNATION_MAX
    const ofUs = { node: 'n1', addr: ipBytes(addressOf(1).ip), port: 7946 }
    wire.say(me, alive({ ...ofUs, incarnation }))
    me.core.setMeta(wire.now, Uint8Array.of(1))
    wire.say(me, alive({ ...ofUs, incarnation }))
    expect(view(me, 'n1')).toBe(`alive ${incarnation}`)
    wire.run(1000)
  })
})
