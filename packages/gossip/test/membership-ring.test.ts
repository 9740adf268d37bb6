/** Rings of membership cores on virtual time. */
import { describe, expect, test } from 'vitest'
import { dockerProfile, lanProfile } from '../src/profile.ts'
import { addressOf, view, Wire, type WireNode } from './membership-wire.ts'

function everyone(nodes: readonly WireNode[]): string[] {
  return nodes.flatMap((node) => nodes.map(({ name }) => view(node, name)))
}

for (const [title, profile] of [
  ['docker', dockerProfile()],
  ['lan', lanProfile()],
] as const) {
  describe(`a ring of the ${title} profile`, () => {
    test('forms when each joins one that is there', () => {
      const wire = new Wire({ profile })
      const nodes = Array.from({ length: 6 }, (_, i) => wire.start(`n${i + 1}`))
      nodes.slice(1).forEach((node) => node.core.join(wire.now, addressOf(1)))
      wire.run(3000)
      expect(new Set(everyone(nodes))).toEqual(new Set(['alive 1']))
      for (const { delegate, core } of nodes) {
        expect(delegate.heard.filter((line) => line.startsWith('joined'))).toHaveLength(5)
        expect(core.roster.activeCount).toBe(6)
        expect(core.counters().faults).toEqual({})
      }
      expect(nodes[3]?.delegate.heard).toContain('join 10.0.0.1:7946: ok')
    })

    test('finds the dead, and nobody else', () => {
      const wire = new Wire({ profile })
      const nodes = wire.ring(10)
      wire.run(5000)
      const [victim, ...others] = nodes as [WireNode, ...WireNode[]]
      victim.crashed = true
      wire.run(30_000)
      for (const node of others) {
        expect(view(node, victim.name)).toBe('dead 1')
        expect(node.delegate.heard).toContain(`dead ${victim.name}`)
        expect(node.core.roster.activeCount).toBe(9)
      }
      expect(new Set(everyone(others))).toEqual(new Set(['alive 1']))
    })

    test('hears a goodbye as such', () => {
      const wire = new Wire({ profile })
      const nodes = wire.ring(8)
      wire.run(2000)
      const [leaver, ...others] = nodes as [WireNode, ...WireNode[]]
      leaver.core.leave(wire.now)
      expect(leaver.core.roster.hasLeft).toBe(false)
      wire.run(1000)
      expect(leaver.core.roster.hasLeft).toBe(true)
      for (const node of others) expect(view(node, leaver.name)).toBe('left 1')
      expect(leaver.delegate.heard).toEqual([])
    })

    test('stays whole under loss', () => {
      const wire = new Wire({ profile })
      const nodes = wire.ring(10)
      wire.passes = () => wire.random.below(10) !== 0
      wire.run(60_000)
      const heard = nodes.flatMap(({ delegate }) => delegate.heard)
      expect(heard.filter((line) => /^(dead|left)/.test(line))).toEqual([])
    })

    test('tells new metadata to all', () => {
      const wire = new Wire({ profile })
      const nodes = wire.ring(10)
      wire.run(2000)
      nodes[0]?.core.setMeta(wire.now, Uint8Array.of(1, 2, 3))
      wire.run(2000)
      for (const node of nodes) {
        expect(node.core.roster.get('n1')?.meta).toEqual(Uint8Array.of(1, 2, 3))
        expect(view(node, 'n1')).toBe('alive 2')
      }
    })
  })
}

test('the same seed gives the same packets', () => {
  const [a, b] = [0, 1].map(() => {
    const wire = new Wire({ seed: 7 })
    wire.ring(5)
    wire.run(5000)
    return wire.traffic.sent
  })
  expect(a).toEqual(b)
})
