/** What gossip missed is recovered within five seconds, by whatever peers there are (P2). */
import { describe, expect, test } from 'vitest'
import { dockerProfile, lanProfile } from '../src/profile.ts'
import { addressOf, World, type WorldNode } from './gossip-world.ts'

const RECOVERY_MS = 5000

function owned(nodes: readonly WorldNode[], text = 'x'): string[] {
  return nodes.map(({ name }) => `blue/${name}=${text} of ${name}`).sort()
}

function agree(nodes: readonly WorldNode[], lines: readonly string[]): boolean {
  return nodes.every((node) => String(node.rows()) === String(lines))
}

/** Attached and written, in a ring that has formed. */
function blueRing(world: World, count: number): WorldNode[] {
  const nodes = world.ring(count)
  nodes.forEach((node) => node.attach('blue').put('blue', node.name, 'x'))
  world.run(3000)
  expect(agree(nodes, owned(nodes))).toBe(true)
  return nodes
}

describe('between Weft nodes', () => {
  for (const lossPercent of [10, 30]) {
    test(`at ${lossPercent} % loss nobody is untold after five seconds`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const world = new World({ seed })
        const nodes = world.ring(12)
        world.lossPercent = lossPercent
        nodes.forEach((node) => node.attach('blue').put('blue', node.name, 'x'))
        expect(world.runUntil(RECOVERY_MS, () => agree(nodes, owned(nodes)))).not.toBeNull()
        nodes.forEach((node) => node.put('blue', node.name, 'y'))
        expect(world.runUntil(RECOVERY_MS, () => agree(nodes, owned(nodes, 'y')))).not.toBeNull()
        nodes.slice(6).forEach((node) => node.remove('blue', node.name))
        const left = owned(nodes.slice(0, 6), 'y')
        expect(world.runUntil(RECOVERY_MS, () => agree(nodes, left))).not.toBeNull()
        nodes.forEach((node) => expect(node.replayed()).toEqual(left))
      }
    })
  }

  test('a node that no gossip reaches learns all by digests', () => {
    const world = new World({ seed: 3 })
    const nodes = blueRing(world, 6)
    const deaf = nodes[5] as WorldNode
    const isTable = (bytes: number): boolean => bytes > 0
    expect(isTable(1)).toBe(true)
    deaf.core.tables.detach(world.now, 'blue')
    world.run(2000)
    world.passes = (from, to, kind) => kind === 'stream' || (from !== deaf && to !== deaf)
    nodes[0]?.put('blue', 'new', 'x')
    world.run(600)
    world.passes = () => true
    deaf.attach('blue')
    const lines = [...owned(nodes.slice(0, 5)), 'blue/new=x of n1'].sort()
    expect(world.runUntil(RECOVERY_MS, () => agree(nodes, lines))).not.toBeNull()
  })

  test('a partition that heals leaves no trace within five seconds', () => {
    const world = new World({ seed: 4 })
    const nodes = blueRing(world, 10)
    const left = new Set(nodes.slice(0, 5))
    world.passes = (from, to) => left.has(from) === left.has(to)
    world.run(60_000)
    expect(agree(nodes.slice(0, 5), owned(nodes.slice(0, 5)))).toBe(true)
    expect(agree(nodes.slice(5), owned(nodes.slice(5)))).toBe(true)
    nodes.forEach((node) => node.put('blue', node.name, 'y'))
    nodes[0]?.put('blue', 'extra', 'x').remove('blue', 'extra')
    world.passes = () => true
    expect(world.runUntil(RECOVERY_MS, () => agree(nodes, owned(nodes, 'y')))).not.toBeNull()
    nodes.forEach((node) => expect(node.replayed()).toEqual(node.rows()))
  })

  test('a node that restarts under its name from nothing is believed at once', () => {
    const world = new World({ seed: 5 })
    const nodes = blueRing(world, 6)
    const old = nodes[5] as WorldNode
    old.put('blue', 'old', 'x')
    world.run(1000)
    world.crash(old)
    world.run(1000)
    const restarted = world.start('n6')
    restarted.core.join(world.now, [addressOf('n2')])
    restarted.attach('blue').put('blue', 'n6', 'again')
    const ring = [...nodes.slice(0, 5), restarted]
    const lines = [...owned(nodes.slice(0, 5)), 'blue/n6=again of n6'].sort()
    expect(world.runUntil(RECOVERY_MS, () => agree(ring, lines))).not.toBeNull()
    world.run(5000)
    expect(agree(ring, lines)).toBe(true)
    expect(restarted.core.tables.counters().refuted).toBeGreaterThan(0)
  })

  test('a node that restarts from its snapshot disturbs nobody', () => {
    const world = new World({ seed: 6 })
    const nodes = blueRing(world, 6)
    const snapshot = world.crash(nodes[5] as WorldNode)
    world.run(500)
    const heard = nodes.slice(0, 5).map((node) => node.changes.length)
    const restarted = world.start('n6', snapshot)
    restarted.attach('blue').put('blue', 'n6', 'x')
    const ring = [...nodes.slice(0, 5), restarted]
    expect(world.runUntil(RECOVERY_MS, () => agree(ring, owned(nodes)))).not.toBeNull()
    world.run(10_000)
    expect(agree(ring, owned(nodes))).toBe(true)
    const types = nodes.slice(0, 5).flatMap((node, i) => node.changes.slice(heard[i]))
    expect(types.filter(({ type }) => type === 'delete')).toEqual([])
  })
})

describe('with peers that know no digests', () => {
  for (const [title, isOurs] of [
    ['one of ours among engines', (i: number) => i === 0],
    ['half of each', (i: number) => i % 2 === 0],
    ['one engine among ours', (i: number) => i !== 3],
  ] as const) {
    test(`${title}: at 30 % loss nobody is untold after five seconds`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const world = new World({ seed })
        const profileOf = (i: number) => (isOurs(i) ? lanProfile() : dockerProfile())
        const nodes = Array.from({ length: 8 }, (_, i) =>
          world.start(`n${i + 1}`, { profile: profileOf(i) }),
        )
        nodes.slice(1).forEach((node) => node.core.join(world.now, [addressOf('n1')]))
        world.run(3000)
        nodes.forEach((node) => node.attach('blue'))
        world.run(5000)
        world.lossPercent = 30
        const ours = nodes.filter((_, i) => isOurs(i))
        ours.forEach((node) => node.put('blue', node.name, 'x'))
        expect(world.runUntil(RECOVERY_MS, () => agree(nodes, owned(ours)))).not.toBeNull()
        ours.forEach((node) => node.remove('blue', node.name))
        expect(world.runUntil(RECOVERY_MS, () => agree(nodes, []))).not.toBeNull()
        const engines = nodes.filter((_, i) => !isOurs(i))
        engines.forEach((node) => node.put('blue', node.name, 'x'))
        expect(world.runUntil(RECOVERY_MS, () => agree(ours, owned(engines)))).not.toBeNull()
      }
    })
  }
})
