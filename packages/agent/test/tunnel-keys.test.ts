/** Keys of encrypted networks: what a dataplane is told of them, and for how long they live. */
import type { DesiredState, TunnelKey } from '@weft/dataplane'
import { describe, expect, test } from 'vitest'
import { TunnelKeys } from '../src/desired/tunnel-keys.ts'
import { readSessionKeys, type SessionKey } from '../src/gossip/session-keys.ts'
import { ClusterWorld, type WorldNode } from './cluster-world.ts'
import { sixKeys } from './scripted-services.ts'

const ROTATION_MS = 2000

function session(first: number): readonly SessionKey[] {
  const keys = readSessionKeys(sixKeys(first), [], 5)
  if (typeof keys === 'string') throw new Error(keys)
  return keys
}

const tags = (keys: readonly TunnelKey[] = []): number[] => keys.map(({ tag }) => tag)

describe('keys as objects', () => {
  test("in Docker's order, those of IPsec alone, none without any", () => {
    const keys = new TunnelKeys()
    expect(keys.of([])).toEqual([])
    expect(tags(keys.of(session(10)))).toEqual([14, 13, 15])
    expect(tags(keys.of(session(10).toReversed()))).toEqual([14, 13, 15])
  })

  test('the same ones for the same bytes, another one for other bytes of that name', () => {
    const keys = new TunnelKeys()
    const first = keys.of(session(10))
    expect(keys.of(session(10))).toBe(first)
    const [other] = keys.of(
      session(10).map((key) => ({ ...key, bytes: key.bytes.map((byte) => byte ^ 1) })),
    )
    expect(other?.tag).toBe(first[0]?.tag)
    expect(other).not.toBe(first[0])
    const next = keys.of(session(11))
    expect(tags(next)).toEqual([15, 14, 16])
  })

  test('what is replaced is zeroed when an apply without it is over, no sooner', () => {
    const keys = new TunnelKeys()
    const first = keys.of(session(10))
    const second = keys.of(session(11))
    const zeroed = (): boolean[] => first.map(({ isZeroed }) => isZeroed)
    keys.settled(first) // an apply that began before
    expect(zeroed()).toEqual([false, false, false])
    keys.settled(second)
    expect(zeroed()).toEqual([false, true, false])
    expect(second.some(({ isZeroed }) => isZeroed)).toBe(false)
    keys.settled(keys.of([]))
    expect([...first, ...second].every(({ isZeroed }) => isZeroed)).toBe(true)
  })
})

describe('a cluster with an encrypted network', () => {
  async function encrypted(): Promise<{ world: ClusterWorld; a: WorldNode; b: WorldNode }> {
    const tunables = { keyRotationMs: ROTATION_MS }
    const world = await ClusterWorld.open(2, { tunables })
    for (const node of world.nodes) node.noted.encrypts = true
    const overlay = { name: 'overlay', options: { encrypted: '' } }
    await world.createNetwork('secret', { driverConfig: overlay })
    const [a, b] = world.pair
    await a.attach('secret', 'c1')
    await b.attach('secret', 'c2')
    return { world, a, b }
  }

  /** As the manager has them, in Docker's order. */
  function primaryFirst(node: WorldNode): number[] {
    const own = node.agent.keys().filter(({ subsystem }) => subsystem === 'ipsec')
    const [previous, primary, next] = own.map(({ tag }) => Number(tag))
    expect(own.map(({ isPrimary }) => isPrimary)).toEqual([false, true, false])
    return [primary ?? 0, previous ?? 0, next ?? 0]
  }

  test('tells each node the keys, and each change of them one step at a time', async () => {
    const { world, a, b } = await encrypted()
    for (let round = 0; round < 5; round++) {
      expect(tags(a.desired.keys)).toEqual(primaryFirst(a))
      expect(tags(b.desired.keys)).toEqual(tags(a.desired.keys))
      await world.run(ROTATION_MS)
    }
    const told = a.noted.applied.map(({ keys }) => keys ?? [])
    const changes = told.filter((keys, i) => i > 0 && keys !== told[i - 1])
    expect(changes.length).toBeGreaterThanOrEqual(4)
    // Of three keys one goes and one comes; what is to seal next was opened with before.
    for (const [i, keys] of changes.entries()) {
      const before = changes[i - 1]
      if (before === undefined) continue
      expect(keys[0]).toBe(before[2])
      expect(keys[1]).toBe(before[0])
    }
    expect(changes.at(-1)?.some(({ isZeroed }) => isZeroed)).toBe(false)
    expect(told[0]?.every(({ isZeroed }) => isZeroed)).toBe(true)
  })

  test('says so here and to its manager where the dataplane cannot encrypt any more', async () => {
    const { world, a } = await encrypted()
    a.kill()
    a.noted.encrypts = false
    await a.start()
    await world.run(5000)
    const text = 'network secret is encrypted, which the dataplane of this node cannot do'
    const said = expect.stringContaining(text) as string
    expect(a.agent.attachments()).toMatchObject([{ state: 'failed', error: said }])
    const errors = (): unknown[] =>
      world.manager.control.tasks().map(({ nodeId, status }) => [nodeId, status?.err])
    const { nodeId } = a.agent.view()
    expect(errors()).toContainEqual([nodeId, said])
    a.noted.encrypts = true
    await world.run(30_000)
    expect(errors()).toContainEqual([nodeId, ''])
    expect(a.agent.attachments()).toMatchObject([{ state: 'running', error: '' }])
  })

  test('is told them again by the next life of a node, with no manager', async () => {
    const { world, a } = await encrypted()
    await world.run(500)
    const before = tags(a.desired.keys)
    a.kill()
    await world.stopManager()
    const from = a.noted.applied.length
    await a.start()
    const first: DesiredState | undefined = a.noted.applied[from]
    expect(tags(first?.keys)).toEqual(before)
    expect([...(first?.networks.values() ?? [])].map(({ encapsulation }) => encapsulation)).toEqual(
      ['vxlan-esp'],
    )
  })
})
