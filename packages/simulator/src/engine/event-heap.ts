/** What is still to happen in a simulation, by (instant, order of adding), in a binary heap. */

/** Something that happens at an instant. The heap fills in `order`. */
export abstract class SimEvent {
  /** Virtual milliseconds. */
  readonly at: number
  order = 0

  constructor(at: number) {
    this.at = at
  }

  abstract happen(): void
}

/** Events of one instant happen in the order in which they were added: so runs replay exactly. */
export class EventHeap {
  readonly #heap: SimEvent[] = []
  #added = 0

  /** Events that are still to happen. */
  get size(): number {
    return this.#heap.length
  }

  add(event: SimEvent): void {
    event.order = this.#added++
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as SimEvent
      if (isBefore(above, event)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  /** Take out the next event at or before `until`; null when there is none. */
  take(until: number): SimEvent | null {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.at > until) return null
    const last = heap.pop() as SimEvent
    if (heap.length > 0) this.#sink(last)
    return first
  }

  #sink(event: SimEvent): void {
    const heap = this.#heap
    const half = heap.length >> 1
    let at = 0
    while (at < half) {
      let child = 2 * at + 1
      let below = heap[child] as SimEvent
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, below)) {
        child++
        below = right
      }
      if (isBefore(event, below)) break
      heap[at] = below
      at = child
    }
    heap[at] = event
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
