/** Tasks waiting for their instant: what every clock keeps, whatever moves its time. */

/** A task in a queue; `run` is null once it has run or was cancelled. */
interface Entry {
  readonly at: number
  readonly order: number
  run: (() => void) | null
}

/** Cancelled entries are swept out when they outnumber the live ones and are at least so many. */
const SWEEP_MIN = 64

/**
 * A queue of tasks by (instant, order of adding), in a binary heap. Cancelling leaves the entry in
 * place and forgets the task; timers that are moved again and again are swept out now and then.
 */
export class TaskQueue {
  readonly #heap: Entry[] = []
  #added = 0
  #live = 0

  /** Tasks that wait. */
  get size(): number {
    return this.#live
  }

  /** Add a task; disposing cancels it, and does nothing once it was taken. */
  add(at: number, task: () => void): Disposable {
    const entry: Entry = { at, order: this.#added++, run: task }
    push(this.#heap, entry)
    this.#live++
    return { [Symbol.dispose]: () => this.#cancel(entry) }
  }

  /** When the next task is due; null when none waits. */
  nextAt(): number | null {
    return this.#head()?.at ?? null
  }

  /** Take out the next task due at or before `until`; null when there is none. */
  take(until: number): { readonly at: number; readonly run: () => void } | null {
    const entry = this.#head()
    if (entry === null || entry.run === null || entry.at > until) return null
    pop(this.#heap)
    this.#live--
    const { at, run } = entry
    entry.run = null
    return { at, run }
  }

  #head(): Entry | null {
    for (;;) {
      const entry = this.#heap[0]
      if (entry === undefined) return null
      if (entry.run !== null) return entry
      pop(this.#heap)
    }
  }

  #cancel(entry: Entry): void {
    if (entry.run === null) return
    entry.run = null
    this.#live--
    const dead = this.#heap.length - this.#live
    if (dead < SWEEP_MIN || dead < this.#live) return
    // A sorted array is a heap.
    const live = this.#heap.filter((other) => other.run !== null).sort(compare)
    this.#heap.splice(0, this.#heap.length, ...live)
  }
}

function compare(a: Entry, b: Entry): number {
  return a.at - b.at || a.order - b.order
}

/** The parent of `i` stands at `(i - 1) >> 1` and is not after it. */
function push(heap: Entry[], entry: Entry): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent] as Entry
    if (compare(above, entry) <= 0) break
    heap[at] = above
    at = parent
  }
  heap[at] = entry
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const leftEntry = heap[left]
    if (leftEntry === undefined) break
    const rightEntry = heap[left + 1]
    const goRight = rightEntry !== undefined && compare(rightEntry, leftEntry) < 0
    const child = goRight ? rightEntry : leftEntry
    if (compare(last, child) <= 0) break
    heap[at] = child
    at = goRight ? left + 1 : left
  }
  heap[at] = last
}
