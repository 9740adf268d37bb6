/** The digest exchange end to end: what it repairs, how fast, and what it costs. */
import type { Instant } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { NEWS_BYTES_MAX } from '../src/reconcile/exchange-messages.ts'
import { filled, ReconcileWorld, thing, ThingSource, type Sent } from './reconcile-world.ts'

const START = 0 as Instant

function bytesOf(sent: readonly Sent[]): number {
  return sent.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function pair(a: ThingSource, b: ThingSource, lossPercent = 0): ReconcileWorld {
  const world = new ReconcileWorld({ seed: 'pair', lossPercent })
  world.add('a', [a])
  world.add('b', [b])
  return world
}

function agree(sources: readonly ThingSource[]): boolean {
  const [first, ...others] = sources.map((source) => source.contents().join('\n'))
  return others.every((contents) => contents === first)
}

describe('what an exchange costs', () => {
  test('sets that are equal cost one digest', () => {
    const world = pair(filled('m', 1000), filled('m', 1000))
    world.run(1000)
    expect(world.sent.map(({ kind }) => kind)).toEqual(['digest', 'digest'])
    expect(bytesOf(world.sent)).toBeLessThan(2 * 60)
  })

  test('one row of 20,000 that is missing costs less than 3 KB, whichever side lacks it', () => {
    for (const side of ['a', 'b']) {
      const sources = { a: filled('r:n', 20_000, 130), b: filled('r:n', 20_000, 130) }
      const lacking = side === 'a' ? sources.b : sources.a
      const world = pair(sources.a, sources.b)
      lacking.put(START, thing('one more', 7))
      expect(world.run(3000, () => agree([sources.a, sources.b]))).toBe(true)
      expect(bytesOf(world.sent)).toBeLessThan(3000)
    }
  })

  test('small sets are exchanged without comparing buckets', () => {
    const [a, b] = [filled('m', 30), filled('m', 20)]
    const world = pair(a, b)
    expect(world.run(3000, () => agree([a, b]))).toBe(true)
    expect(world.sent.map(({ kind }) => kind)).not.toContain('buckets')
  })
})

describe('much at once', () => {
  test('a node without any gets 20,000 rows within two seconds, in many messages', () => {
    const [a, b] = [filled('r:n', 20_000, 130), new ThingSource('r:n', 130)]
    const world = pair(a, b)
    expect(world.run(2000, () => agree([a, b]))).toBe(true)
    expect(Math.max(...world.sent.map(({ bytes }) => bytes.length))).toBeLessThan(NEWS_BYTES_MAX)
    // Rows as told have some 160 bytes; all else is overhead.
    expect(bytesOf(world.sent)).toBeLessThan(20_000 * 160 * 1.25)
  })

  test('two halves that knew nothing of each other become one', () => {
    const [a, b] = [new ThingSource('r:n', 130), new ThingSource('r:n', 130)]
    for (let i = 0; i < 10_000; i++) {
      a.put(START, thing(`a-${String(i)}`, i + 1))
      b.put(START, thing(`b-${String(i)}`, i + 1))
    }
    const world = pair(a, b)
    expect(world.run(3000, () => agree([a, b]))).toBe(true)
    expect(a.index.size).toBe(20_000)
  })

  test('much is fetched from one of several peers', () => {
    const sources = [filled('r:n', 20_000, 130), filled('r:n', 20_000, 130)]
    const joiner = new ThingSource('r:n', 130)
    const world = new ReconcileWorld({ seed: 'join', lossPercent: 0 })
    sources.forEach((source, i) => world.add(`old-${String(i)}`, [source]))
    world.add('new', [joiner])
    expect(world.run(3000, () => agree([...sources, joiner]))).toBe(true)
    expect(bytesOf(world.sent)).toBeLessThan(20_000 * 160 * 1.6)
  })
})

describe('under loss and change', () => {
  test('what one of five nodes missed comes within five seconds at 30 % loss', () => {
    for (let trial = 0; trial < 100; trial++) {
      const world = new ReconcileWorld({ seed: `loss ${String(trial)}`, lossPercent: 30 })
      const sources = Array.from({ length: 5 }, () => filled('r:n', 200))
      sources.forEach((source, i) => world.add(String(i), [source]))
      sources.slice(1).forEach((source) => {
        source.put(START, thing('missed', 1000))
      })
      expect(world.run(5000, () => agree(sources))).toBe(true)
    }
  })

  for (const [peers, rows] of [
    [1, 50],
    [10, 100],
    [25, 250],
  ] as const) {
    test(`a node without any gets ${rows} rows of ${peers} peers within five seconds`, () => {
      for (let trial = 0; trial < 20; trial++) {
        const world = new ReconcileWorld({ seed: `join ${trial}`, lossPercent: 30 })
        const joiner = new ThingSource('r:n', 130)
        for (let i = 0; i < peers; i++) world.add(`old-${i}`, [filled('r:n', rows, 130)])
        world.add('new', [joiner])
        expect(world.run(5000, () => joiner.index.size === rows)).toBe(true)
        expect(bytesOf(world.sent)).toBeLessThan(rows * 160 * 10)
      }
    })
  }

  test('also while rows change all the time', () => {
    for (let trial = 0; trial < 100; trial++) {
      const { world, sources } = churning(`churn ${String(trial)}`, 40)
      world.run(3000)
      const missed = thing('missed', 1000)
      sources.slice(1).forEach((source) => {
        source.put(world.now, missed)
      })
      const isThere = (): boolean => sources[0]?.index.get(missed) !== null
      expect(world.run(5000, isThere)).toBe(true)
    }
  })

  test('a change that gossip is about to bring starts no exchange', () => {
    const { world } = churning('healthy', 5000)
    world.run(60_000)
    const exchanged = world.sent.filter(({ kind }) => kind !== 'digest')
    expect(exchanged).toEqual([])
  })

  test('constant change costs each node two exchanges a second at most', () => {
    const { world } = churning('bound', 20)
    world.run(20_000)
    const begun = world.sent.filter(({ kind }) => kind === 'buckets')
    expect(begun.length).toBeGreaterThan(20)
    expect(begun.length).toBeLessThanOrEqual(20 * 2 * 5)
  })
})

/** Five nodes; every so many ms a row changes, and reaches all of them within 300 ms. */
function churning(
  seed: string,
  everyMs: number,
): { readonly world: ReconcileWorld; readonly sources: readonly ThingSource[] } {
  const world = new ReconcileWorld({ seed, lossPercent: 30 })
  const sources = Array.from({ length: 5 }, () => filled('r:n', 200))
  sources.forEach((source, i) => world.add(String(i), [source]))
  let version = 1000
  const change = (): void => {
    const item = thing(`row-${String(version % 200)}`, ++version)
    sources.forEach((source, i) => {
      world.at(70 * i, () => {
        source.put(world.now, item)
      })
    })
    world.at(everyMs, change)
  }
  world.at(everyMs, change)
  return { world, sources }
}
