/** Whatever two nodes or more know, and whatever gets lost: in the end all know all of it. */
import type { Instant } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReconcileWorld, thing, ThingSource } from './reconcile-world.ts'

const at = (ms: number): Instant => ms as Instant

describe('any sets', () => {
  test('become their union by version, and then nothing more is said', () => {
    const items = fc.uniqueArray(fc.tuple(fc.nat(400), fc.nat(5), fc.boolean()), {
      selector: ([key]) => key,
      maxLength: 200,
    })
    const worlds = fc.record({
      sets: fc.array(items, { minLength: 2, maxLength: 5 }),
      lossPercent: fc.constantFrom(0, 30),
      seed: fc.string(),
    })
    const property = fc.property(worlds, ({ sets, lossPercent, seed }) => {
      const world = new ReconcileWorld({ seed, lossPercent })
      const sources = sets.map((set) => {
        const source = new ThingSource('r:n')
        // Whether something is live follows from its version, as of one owner's own words.
        for (const [key, version] of set) {
          source.put(at(0), thing(String(key), version, version % 3 !== 0))
        }
        return source
      })
      sources.forEach((source, i) => world.add(String(i), [source]))
      const union = new ThingSource('r:n')
      for (const [key, version] of sets.flat()) {
        union.put(at(0), thing(String(key), version, version % 3 !== 0))
      }
      const live = (source: ThingSource): string[] =>
        source.contents().filter((line) => line.endsWith('true'))
      const isDone = (): boolean =>
        sources.every((source) => live(source).join() === live(union).join())
      expect(world.run(20_000, isDone)).toBe(true)
      world.run(5000)
      const said = world.sent.length
      world.run(3000)
      expect(world.sent.slice(said).every(({ kind }) => kind === 'digest')).toBe(true)
    })
    fc.assert(property, { numRuns: 60 })
  })
})
