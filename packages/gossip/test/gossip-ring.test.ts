/** Rings of whole nodes: rows reach everybody, whatever happens. */
import { describe, expect, test } from 'vitest'
import { dockerProfile, lanProfile } from '../src/profile.ts'
import { addressOf, World, type WorldNode } from './gossip-world.ts'

const all = (nodes: readonly WorldNode[], lines: readonly string[]): boolean =>
  nodes.every((node) => String(node.rows()) === String(lines))

for (const [title, profile] of [
  ['docker', dockerProfile()],
  ['lan', lanProfile()],
] as const) {
  describe(`with the ${title} profile`, () => {
    test('a row reaches every node of its network and no other', () => {
      const world = new World({ profile })
      const nodes = world.ring(6)
      const inside = nodes.slice(0, 5)
      inside.forEach((node) => node.attach('blue'))
      world.run(1000)
      inside[0]?.put('blue', 'web', 'one')
      expect(world.runUntil(2000, () => all(inside, ['blue/web=one of n1']))).not.toBeNull()
      inside[0]?.put('blue', 'web', 'two')
      expect(world.runUntil(2000, () => all(inside, ['blue/web=two of n1']))).not.toBeNull()
      inside[0]?.remove('blue', 'web')
      expect(world.runUntil(2000, () => all(inside, []))).not.toBeNull()
      for (const node of inside) {
        expect(node.changes.map(({ type }) => type)).toEqual(['create', 'update', 'delete'])
        expect(node.peers('blue')).toEqual(['n1', 'n2', 'n3', 'n4', 'n5'])
        expect(node.core.tables.counters().faults).toEqual({})
        expect(node.core.membership.counters().faults).toEqual({})
      }
      expect(nodes[5]?.changes).toEqual([])
      expect(nodes[5]?.attachments).toHaveLength(5)
    })

    test('who comes late is told what is there', () => {
      const world = new World({ profile })
      const nodes = world.ring(4)
      nodes.forEach((node) => node.attach('blue').put('blue', node.name, 'x'))
      world.run(3000)
      const late = world.start('n9')
      late.core.join(world.now, [addressOf('n2')])
      late.attach('blue').put('blue', 'late', 'x')
      const everything = [...nodes, late]
      const lines = ['late=x of n9', ...nodes.map(({ name }) => `${name}=x of ${name}`)]
      const expected = lines.map((line) => `blue/${line}`).sort()
      expect(world.runUntil(4000, () => all(everything, expected))).not.toBeNull()
      everything.forEach((node) => expect(node.replayed()).toEqual(node.rows()))
    })

    test('who detaches sees nothing, and nothing of it is seen', () => {
      const world = new World({ profile })
      const nodes = world.ring(4)
      nodes.forEach((node) => node.attach('blue').put('blue', node.name, 'x'))
      world.run(3000)
      nodes[3]?.detach('blue')
      const lines = nodes.slice(0, 3).map(({ name }) => `blue/${name}=x of ${name}`)
      expect(world.runUntil(3000, () => all(nodes.slice(0, 3), lines))).not.toBeNull()
      expect(nodes[3]?.rows()).toEqual([])
      expect(nodes[3]?.replayed()).toEqual([])
      nodes[3]?.attach('blue').put('blue', 'n4', 'again')
      const again = [...lines, 'blue/n4=again of n4']
      expect(world.runUntil(3000, () => all(nodes, again))).not.toBeNull()
    })

    test('rows of a node that died are not seen; a goodbye takes them at once', () => {
      const world = new World({ profile })
      const nodes = world.ring(6)
      nodes.forEach((node) => node.attach('blue').put('blue', node.name, 'x'))
      world.run(3000)
      const [dead, leaver, ...others] = nodes as [WorldNode, WorldNode, ...WorldNode[]]
      leaver.core.leave(world.now)
      world.run(3000)
      expect(leaver.core.hasLeft).toBe(true)
      others.forEach((node) => expect(node.peers('blue')).not.toContain('n2'))
      world.crash(leaver)
      world.crash(dead)
      world.run(30_000)
      const lines = others.map(({ name }) => `blue/${name}=x of ${name}`)
      others.forEach((node) => expect(node.rows()).toEqual(lines))
      others.forEach((node) => expect(node.replayed()).toEqual(lines))
    })
  })
}
