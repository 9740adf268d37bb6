/** Rings that are sealed: with a real cipher, several keys, and rotation while they run. */
import { nodeAead } from '@weft/runtime-node'
import { describe, expect, test } from 'vitest'
import { KeyRing } from '../src/memberlist/key-ring.ts'
import { lanProfile } from '../src/profile.ts'
import { addressOf, view, Wire, type WireNode } from './membership-wire.ts'

const key = (tag: string, fill: number) => ({ tag, bytes: new Uint8Array(16).fill(fill) })
const ONE = key('1', 1)
const TWO = key('2', 2)

function sealed(rings: KeyRing[] = []): Wire {
  const keys = (): KeyRing => {
    const ring = new KeyRing([ONE])
    rings.push(ring)
    return ring
  }
  return new Wire({ profile: lanProfile(), aead: nodeAead, keys })
}

function faults(nodes: Iterable<WireNode>): unknown[] {
  return Array.from(nodes, ({ core }) => core.counters().faults)
}

describe('a sealed ring', () => {
  test('forms, finds its dead, and says nothing in the clear', () => {
    const wire = sealed()
    const nodes = Array.from({ length: 5 }, (_, i) => wire.start(`n${i + 1}`))
    nodes.slice(1).forEach((node) => node.core.join(wire.now, addressOf(1)))
    wire.run(3000)
    const [victim, ...others] = nodes as [WireNode, ...WireNode[]]
    for (const node of others) expect(node.core.roster.activeCount).toBe(5)
    victim.crashed = true
    wire.run(30_000)
    for (const node of others) expect(view(node, 'n1')).toBe('dead 1')
    expect(faults(others)).toEqual([{}, {}, {}, {}])
    const text = wire.traffic.sent.map(({ bytes }) => String.fromCharCode(...bytes)).join()
    expect(text).not.toContain('SeqNo')
  })

  test('changes its key and loses nothing', () => {
    const rings: KeyRing[] = []
    const wire = sealed(rings)
    const nodes = wire.ring(6)
    const steps: ((ring: KeyRing) => void)[] = [
      (ring) => ring.install(TWO),
      (ring) => ring.use('2'),
      (ring) => ring.remove('1'),
    ]
    for (const step of steps) {
      for (const ring of rings) {
        step(ring)
        wire.run(700)
      }
    }
    wire.run(5000)
    expect(faults(nodes)).toEqual(nodes.map(() => ({})))
    for (const node of nodes) expect(node.core.counters().suspected).toBe(0)
  })

  test('takes in nothing of a ring with another key, whatever it sends', () => {
    const wire = sealed()
    const [one, two] = [wire.start('n1'), wire.start('n2')]
    const stranger = new Wire({ aead: nodeAead, keys: () => new KeyRing([TWO]) })
    stranger.ring(3)
    stranger.run(3000)
    two.core.join(wire.now, one.address)
    wire.run(100)
    const before = one.core.counters()
    for (const { bytes } of stranger.traffic.sent) wire.inject(one, bytes)
    const { faults: found, ignored } = one.core.counters()
    expect(found).toEqual({ 'cannot-open': stranger.traffic.sent.length })
    expect(ignored).toBe(before.ignored)
    expect(one.core.roster.activeCount).toBe(2)
  })

  test('is not moved by a replay of all it ever said', () => {
    const wire = sealed()
    const nodes = wire.ring(4)
    wire.run(3000)
    nodes[1]?.core.setMeta(wire.now, Uint8Array.of(7))
    wire.run(3000)
    const me = nodes[0] as WireNode
    const state = () => Array.from(me.core.roster.all(), ({ name }) => `${name} ${view(me, name)}`)
    const before = state()
    const { refuted } = me.core.counters()
    for (const { bytes } of [...wire.traffic.sent]) wire.inject(me, bytes)
    expect(state()).toEqual(before)
    expect(me.core.counters().refuted).toBe(refuted)
  })
})
