/** The whole node: its door, its goodbye, its snapshot. */
import { instantAfter, parseIp } from '@weft/core'
import { expect, test } from 'vitest'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import {
  LABEL_BYTES_MAX,
  META_BYTES_MAX,
  NAME_BYTES_MAX,
  PACKET_BYTES_MIN,
} from '../src/memberlist/limits.ts'
import type { KnownMember } from '../src/membership/member.ts'
import { NETWORKDB_NAME_BYTES_MAX } from '../src/networkdb/limits.ts'
import { dockerProfile, lanProfile } from '../src/profile.ts'
import { CAPABILITY_BYTES, isWeftMeta } from '../src/tables/capability.ts'
import { addressOf, World } from './gossip-world.ts'

test('says that it is a Weft node where it compares digests, and only there', () => {
  for (const profile of [lanProfile(), dockerProfile()]) {
    const world = new World({ profile })
    const { meta } = world.start('n1').core.membership.roster.self
    expect(isWeftMeta(meta)).toBe(profile.digestIntervalMs > 0)
  }
})

test('tells how each join ended', () => {
  const world = new World()
  const [one, two] = [world.start('n1'), world.start('n2')]
  const ends: string[] = []
  one.core.events.on('joinEnded', ({ address, reason }) => {
    ends.push(`${address.ip} ${reason === null ? 'answered' : 'failed'}`)
  })
  one.core.join(world.now, [addressOf('n2'), addressOf('n9')])
  world.run(15_000)
  expect(ends.sort()).toEqual(['10.0.0.2 answered', '10.0.0.9 failed'])
  expect(two.core.membership.roster.activeCount).toBe(2)
})

test('leaves the tables before the ring, and waits no longer than five seconds for that', () => {
  const world = new World()
  const [one, two] = world.ring(2)
  one?.attach('blue')
  two?.attach('blue')
  world.run(1000)
  one?.core.leave(world.now)
  one?.core.leave(world.now)
  expect(one?.core.hasLeft).toBe(false)
  world.run(2000)
  expect(one?.core.hasLeft).toBe(true)
  expect(two?.peers('blue')).toEqual(['n2'])
  expect(two?.core.membership.roster.get('n1')?.state).toBe('left')
  // A process that hardly gets to run says goodbye once, and then goes all the same.
  const slow = new World()
  const [left] = slow.ring(2)
  left?.core.leave(slow.now)
  left?.core.tick(instantAfter(slow.now, 4999))
  expect(left?.core.membership.roster.self.state).toBe('alive')
  left?.core.tick(instantAfter(slow.now, 5000))
  expect(left?.core.membership.roster.self.state).toBe('left')
  const alone = new World()
  const hermit = alone.start('n1')
  hermit.core.leave(alone.now)
  alone.run(1000)
  expect(hermit.core.hasLeft).toBe(true)
})

/** Somebody who is said to be there, and never answers. */
const OTHER: KnownMember = {
  name: 'n2',
  address: addressOf('n2'),
  meta: new Uint8Array(0),
  vsn: [1, 5, 2, 0, 0, 0],
  incarnation: 1,
}

test('the smallest packets hold the largest news, so that none of it is tried for ever', () => {
  const start = (packetBytesMax: number): World => {
    const world = new World({ profile: { packetBytesMax, compress: false } })
    const node = world.start('n'.repeat(NAME_BYTES_MAX), {
      advertise: { ip: parseIp('2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'), port: 65_535 },
      label: 'l'.repeat(LABEL_BYTES_MAX),
      meta: new Uint8Array(META_BYTES_MAX - CAPABILITY_BYTES).fill(255),
      keys: new KeyRing([{ tag: '1', bytes: new Uint8Array(32) }]),
      known: [OTHER],
    })
    node.attach('blue'.padEnd(NETWORKDB_NAME_BYTES_MAX, '.'))
    return world
  }
  expect(() => start(PACKET_BYTES_MIN - 1)).toThrow('PACKET_BYTES_MIN')
  const world = start(PACKET_BYTES_MIN)
  world.run(2000)
  const largest = Math.max(...world.packets.map(({ bytes }) => bytes.length))
  expect(largest).toBeLessThanOrEqual(PACKET_BYTES_MIN)
  expect(largest).toBeGreaterThan(PACKET_BYTES_MIN - 100)
  const [node] = world.nodes.values()
  let ticks = 0
  for (let at = world.now; at < instantAfter(world.now, 2000); ticks++) {
    at = node?.core.nextDeadline() ?? instantAfter(at, 2000)
    node?.core.tick(at)
  }
  expect(ticks).toBeLessThan(50)
})

test('starts whole rings from snapshots, without a join', () => {
  const world = new World()
  const nodes = world.ring(5)
  nodes.forEach((node) => node.attach('blue').put('blue', node.name, 'x'))
  world.run(2000)
  const snapshots = nodes.map((node) => world.crash(node))
  const again = nodes.map(({ name }, i) => world.start(name, snapshots[i]))
  again.forEach((node) => node.attach('blue').put('blue', node.name, 'y'))
  // Who is there and attached is no news to any of them.
  expect(again.filter(({ core }) => core.tables.delegate.hasBroadcasts())).toEqual([])
  expect(world.runUntil(5000, () => again.every((node) => node.rows().length === 5))).not.toBeNull()
  again.forEach((node) => expect(node.core.membership.roster.activeCount).toBe(5))
  again.forEach((node) => expect(node.peers('blue')).toHaveLength(5))
})

test('the same inputs give the same outputs', () => {
  const play = (): string => {
    const world = new World({ seed: 77 })
    const nodes = world.ring(5)
    world.lossPercent = 20
    nodes.forEach((node) => node.attach('blue').put('blue', node.name, 'x'))
    world.run(5000)
    return world.packets.map(({ to, bytes }) => `${to.ip} ${bytes.join()}`).join('\n')
  }
  expect(play() === play()).toBe(true)
})
