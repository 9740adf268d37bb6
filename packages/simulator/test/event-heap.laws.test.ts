/** The heap against a sorted list. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventHeap, SimEvent } from '../src/engine/event-heap.ts'

class Numbered extends SimEvent {
  readonly number: number

  constructor(at: number, number: number) {
    super(at)
    this.number = number
  }

  override happen(): void {
    throw new Error(`${this.number} is only looked at`)
  }
}

it('takes events by instant, and by order of adding within one', () => {
  const times = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 })
  fc.assert(
    fc.property(times, times, fc.nat(20), (first, second, until) => {
      const heap = new EventHeap()
      const add = (at: number, i: number): void => heap.add(new Numbered(at, i))
      const taken: number[][] = []
      const takeAll = (limit: number): void => {
        for (;;) {
          const event = heap.take(limit)
          if (event === null) return
          taken.push([event.at, event.order])
        }
      }
      first.forEach(add)
      takeAll(until)
      expect(taken.every(([at = 0]) => at <= until)).toBe(true)
      const early = taken.splice(0)
      second.forEach(add)
      takeAll(20)
      for (const list of [early, taken]) {
        const sorted = list.toSorted(([a = 0, i = 0], [b = 0, j = 0]) => a - b || i - j)
        expect(list).toEqual(sorted)
      }
      expect(early.length + taken.length).toBe(first.length + second.length)
      expect(heap.size).toBe(0)
    }),
  )
})
