/** Keys of a cluster: which seals, how rings change over, what is shown (docker-wire §5). */
import { KeyRing } from '@weft/gossip'
import { describe, expect, test } from 'vitest'
import {
  gossipKeys,
  keyViews,
  readSessionKeys,
  rotate,
  SUBSYSTEM_KEYS,
  type SessionKey,
} from '../src/gossip/session-keys.ts'
import { ClusterWorld } from './cluster-world.ts'
import { sixKeys } from './scripted-services.ts'

function read(first: number, known: readonly SessionKey[] = [], wall = 5): readonly SessionKey[] {
  const keys = readSessionKeys(sixKeys(first), known, wall)
  if (typeof keys === 'string') throw new Error(keys)
  return keys
}

test('other keys of the same tags replace those of a ring', () => {
  const ring = new KeyRing(gossipKeys(read(10)))
  const sealing = ring.toJSON()
  const others = gossipKeys(read(10)).map(({ tag }, i) => {
    return { tag, bytes: new Uint8Array(16).fill(90 + i) }
  })
  rotate(ring, others)
  expect(ring.toJSON()).toEqual(sealing)
  expect(ring.primary()).toEqual(new Uint8Array(16).fill(90))
})

describe('keys of a session', () => {
  test('three of each; the middle one seals', () => {
    const keys = read(10)
    expect(gossipKeys(keys).map(({ tag }) => tag)).toEqual(['11', '10', '12'])
    expect(keyViews(keys)).toEqual([
      { subsystem: 'gossip', tag: '10', isPrimary: false, since: 5 },
      { subsystem: 'gossip', tag: '11', isPrimary: true, since: 5 },
      { subsystem: 'gossip', tag: '12', isPrimary: false, since: 5 },
      { subsystem: 'ipsec', tag: '13', isPrimary: false, since: 5 },
      { subsystem: 'ipsec', tag: '14', isPrimary: true, since: 5 },
      { subsystem: 'ipsec', tag: '15', isPrimary: false, since: 5 },
    ])
    expect(JSON.stringify(keyViews(keys))).not.toContain('bytes')
  })

  test('in any order, and with their age', () => {
    const shuffled = readSessionKeys(sixKeys(10).reverse(), read(10), 99)
    expect(shuffled).toEqual(read(10))
    const another = sixKeys(10).map((key) => ({ ...key, key: new Uint8Array(16).fill(77) }))
    const replaced = readSessionKeys(another, read(10), 99)
    expect(typeof replaced === 'string' ? [] : replaced.map(({ since }) => since)).toEqual(
      Array.from({ length: 6 }, () => 99),
    )
  })

  test('that are too few, too many, double or of another size are refused', () => {
    const six = sixKeys(10)
    const [first] = six
    if (first === undefined) throw new Error('six')
    expect(readSessionKeys(six.slice(1), [], 0)).toContain(`${SUBSYSTEM_KEYS - 1} keys of`)
    expect(readSessionKeys([...six, { ...first, lamportTime: 99n }], [], 0)).toContain('4 keys of')
    const double = six.map((key) => ({ ...key, lamportTime: 7n }))
    expect(readSessionKeys(double, [], 0)).toContain('one Lamport time')
    const short = six.map((key) => ({ ...key, key: new Uint8Array(5) }))
    expect(readSessionKeys(short, [], 0)).toContain('no AES key')
    expect(gossipKeys([])).toEqual([])
  })

  test('a ring changes over, whatever it held', () => {
    for (const [from, to] of [
      [10, 11],
      [10, 12],
      [10, 40],
      [10, 10],
    ] as const) {
      const ring = new KeyRing(gossipKeys(read(from)))
      rotate(ring, gossipKeys(read(to)))
      const views = ring.toJSON()
      expect(views.find(({ isPrimary }) => isPrimary)?.tag).toBe(String(to + 1))
      expect(views.map(({ tag }) => tag).sort()).toEqual([to, to + 1, to + 2].map(String))
    }
    const ring = new KeyRing(gossipKeys(read(10)))
    rotate(ring, [])
    expect(ring.toJSON()).toHaveLength(3)
  })
})

describe('a cluster that rotates its keys', () => {
  test('loses nobody and no row, and shows ages', async () => {
    const world = await ClusterWorld.open(2, { tunables: { keyRotationMs: 2000 } })
    const [a, b] = world.pair
    const { id } = await world.createNetwork('blue')
    await a.attach('blue', 'c1')
    const seen = new Set<string>()
    for (let round = 0; round < 10; round++) {
      const two = await b.attach('blue', `c${round + 2}`)
      await world.run(2000)
      expect(Object.values(a.remote(id))).toEqual([b.ip])
      const primary = a.agent.keys().find(({ subsystem, isPrimary }) => {
        return subsystem === 'gossip' && isPrimary
      })
      seen.add(primary?.tag ?? '')
      expect(a.agent.peers().map(({ state }) => state)).toEqual(['alive', 'alive'])
      await world.settled(b.agent.detach(two.attachmentId))
      await world.run(500)
      expect(a.remote(id)).toEqual({})
    }
    expect(seen.size).toBeGreaterThan(8)
    const since = a.agent.keys().map((key) => key.since)
    expect(Math.max(...since)).toBeGreaterThan(Math.min(...since))
  })

  test('a node that slept through a rotation is handed the keys, and is back', async () => {
    const world = await ClusterWorld.open(2, { tunables: { keyRotationMs: 60_000 } })
    const [a, b] = world.pair
    const { id } = await world.createNetwork('blue')
    await a.attach('blue', 'c1')
    await b.attach('blue', 'c2')
    await world.run(3000)
    a.kill()
    await world.run(300_000)
    await a.start()
    await world.run(20_000)
    expect(a.agent.view().ready).toBe(true)
    expect(a.remote(id)).toEqual({ '10.0.0.3': b.ip })
    expect(b.remote(id)).toEqual({ '10.0.0.2': a.ip })
  }, 30_000)
})
