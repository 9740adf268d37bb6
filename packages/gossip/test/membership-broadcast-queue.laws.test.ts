/** The broadcast queue against one that sorts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BroadcastQueue } from '../src/membership/broadcast-queue.ts'

interface Item {
  about: string
  length: number
  transmits: number
  order: number
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    about: fc.integer({ min: 0, max: 6 }).map(String),
    length: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({
    kind: fc.constant('remove' as const),
    about: fc.integer({ min: 0, max: 6 }).map(String),
  }),
  fc.record({
    kind: fc.constant('take' as const),
    limitBytes: fc.integer({ min: 0, max: 30 }),
    transmitsBelow: fc.integer({ min: 1, max: 4 }),
  }),
)

const TRANSMITS_MAX = 4

/** By the rule as docker-wire §2.9 says it. */
class SortingQueue {
  items: Item[] = []
  #order = 0

  add(about: string, length: number): number {
    this.remove(about)
    const order = this.#order++
    this.items.push({ about, length, transmits: 0, order })
    return order
  }

  remove(about: string): void {
    this.items = this.items.filter((item) => item.about !== about)
  }

  take(limitBytes: number, transmitsBelow: number): number[] {
    const sorted = [...this.items].sort(
      (a, b) => a.transmits - b.transmits || b.length - a.length || b.order - a.order,
    )
    let used = 0
    const taken = sorted.filter((item) => {
      const fits = item.transmits < transmitsBelow && used + item.length + 2 <= limitBytes
      if (fits) used += item.length + 2
      return fits
    })
    // Back in the queue, those taken last are the newest of their kind.
    for (const item of taken) {
      item.transmits++
      item.order = this.#order++
    }
    this.items = this.items.filter((item) => item.transmits < TRANSMITS_MAX)
    return taken.map(({ length }) => length)
  }
}

test('messages come in the order of the rule', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new BroadcastQueue()
      const model = new SortingQueue()
      for (const one of steps) {
        if (one.kind === 'add') {
          model.add(one.about, one.length)
          const bytes = new Uint8Array(one.length)
          queue.add({ about: one.about, bytes, onDone: null })
        } else if (one.kind === 'remove') {
          model.remove(one.about)
          queue.remove(one.about)
        } else {
          const { limitBytes, transmitsBelow } = one
          const room = { overheadBytes: 2, limitBytes, transmitsBelow, transmitsMax: TRANSMITS_MAX }
          const lengths = queue.take(room).map(({ length }) => length)
          expect(lengths).toEqual(model.take(limitBytes, transmitsBelow))
        }
        expect(queue.size).toBe(model.items.length)
        for (const { about, transmits } of model.items) {
          expect(queue.transmitsOf(about)).toBe(transmits)
        }
      }
    }),
  )
})
