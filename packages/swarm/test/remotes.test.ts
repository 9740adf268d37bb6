/** Managers that a node knows: who is asked, and how seldom the dead are. */
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '@weft/core/testing'
import {
  REMOTE_CHARACTERS_MAX,
  Remotes,
  REMOTES_MAX,
  remotesOf,
  WeightedPeerSchema,
} from '../src/index.ts'

const draw = (remotes: Remotes, times = 1000): Map<string, number> => {
  const random = new SeededRandom('draw')
  const counts = new Map<string, number>()
  for (let i = 0; i < times; i++) {
    const address = remotes.choose(random)?.address ?? ''
    counts.set(address, (counts.get(address) ?? 0) + 1)
  }
  return counts
}

describe('Remotes', () => {
  it('has nobody to ask when it knows nobody', () => {
    expect(new Remotes().choose(new SeededRandom(1))).toBe(null)
  })

  it('asks all alike that do as well', () => {
    const counts = draw(new Remotes(['a:1', 'b:1', 'c:1']))
    for (const count of counts.values()) expect(count).toBeGreaterThan(250)
    expect(counts.size).toBe(3)
  })

  it('asks one that failed half as often each time, but does ask', () => {
    const remotes = new Remotes(['a:1', 'b:1'])
    remotes.observe('a:1', false)
    expect(draw(remotes).get('a:1')).toBeLessThan(400)
    for (let i = 0; i < 20; i++) remotes.observe('a:1', false)
    const asked = draw(remotes, 5000).get('a:1')
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(200)
    remotes.observe('a:1', true)
    expect(draw(remotes).get('a:1')).toBeGreaterThan(400)
  })

  it('follows a new list, and forgets nothing of who stays', () => {
    const remotes = new Remotes(['a:1', 'b:1'])
    for (let i = 0; i < 20; i++) remotes.observe('b:1', false)
    remotes.replace([
      { nodeId: 'nb', address: 'b:1' },
      { nodeId: 'nc', address: 'c:1' },
    ])
    expect(remotes.list().map(({ nodeId }) => nodeId)).toEqual(['nb', 'nc'])
    expect(draw(remotes).get('c:1')).toBeGreaterThan(900)
    remotes.observe('gone:1', false)
  })

  it('takes an address once, no empty one, and so many at most', () => {
    expect(new Remotes(['a:1', '', 'a:1']).list()).toHaveLength(1)
    const many = Array.from({ length: REMOTES_MAX + 1 }, (_, index) => `m${index}:1`)
    expect(new Remotes(many.slice(1)).list()).toHaveLength(REMOTES_MAX)
    expect(new Remotes(many).list()).toHaveLength(REMOTES_MAX)
  })

  it('reads the managers of a session', () => {
    const peers = [
      create(WeightedPeerSchema, { peer: { nodeId: 'n', addr: '10.0.0.1:2377' }, weight: 10n }),
      create(WeightedPeerSchema, { peer: { nodeId: 'x' } }),
      create(WeightedPeerSchema),
    ]
    expect(remotesOf(peers)).toEqual([{ nodeId: 'n', address: '10.0.0.1:2377' }])
  })

  it('does not remember what is longer than any address', () => {
    const ofLength = (nodeId: number, addr: number): ReturnType<typeof remotesOf> => {
      const peer = { nodeId: 'n'.repeat(nodeId), addr: 'a'.repeat(addr) }
      return remotesOf([create(WeightedPeerSchema, { peer })])
    }
    const most = REMOTE_CHARACTERS_MAX
    expect(ofLength(most, most)).toHaveLength(1)
    expect([...ofLength(most + 1, 1), ...ofLength(1, most + 1)]).toEqual([])
  })
})
