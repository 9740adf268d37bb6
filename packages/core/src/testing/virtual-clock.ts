/** A clock that stands still until it is told to advance, and then runs what has come due. */
import { assert } from '../assert.ts'
import type { Clock, Instant } from '../clock.ts'

/** What `wall` says at instant 0, unless told otherwise: 2026-01-01T00:00:00Z. */
export const VIRTUAL_EPOCH_MS = 1_767_225_600_000

/** The one ambient global of core/testing: the way to wait until all microtasks have run. */
declare function setImmediate(callback: () => void): unknown

interface Task {
  readonly at: number
  readonly order: number
  run: (() => void) | null
}

/**
 * Virtual time. Tasks run in the order (time, schedule order); after each, every promise that can
 * settle has settled before the next one runs, so async code is as deterministic as sync code as
 * long as it awaits simulated promises only.
 */
export class VirtualClock implements Clock {
  readonly #epochMs: number
  readonly #tasks: Task[] = []
  #now = 0
  #scheduled = 0
  #pending = 0
  #advancing = false

  /** `epochMs`: what `wall` says at instant 0, in epoch milliseconds. */
  constructor(options: { readonly epochMs?: number } = {}) {
    this.#epochMs = options.epochMs ?? VIRTUAL_EPOCH_MS
  }

  now(): Instant {
    return this.#now as Instant
  }

  wall(): number {
    return this.#epochMs + this.#now
  }

  /** Tasks waiting to run; a test that has finished its work expects none. */
  get pending(): number {
    return this.#pending
  }

  schedule(at: Instant, task: () => void): Disposable {
    assert(Number.isFinite(at), 'a task is due at a finite instant')
    const entry: Task = { at: Math.max(at, this.#now), order: this.#scheduled++, run: task }
    push(this.#tasks, entry)
    this.#pending++
    return { [Symbol.dispose]: () => this.#cancel(entry) }
  }

  /**
   * Let `ms` milliseconds go by. Runs every task due on the way, also those that tasks add, and
   * stops exactly `ms` later. What a task throws is thrown here.
   */
  async advance(ms: number): Promise<void> {
    assert(ms >= 0, 'virtual time does not go back')
    const until = this.#now + ms
    await this.#exclusively(async () => {
      await settle()
      while (await this.#runNext(until)) continue
      this.#now = until
    })
  }

  /**
   * Let time go by until `done()` holds, looked at after each task; at most `msMax` milliseconds.
   * Resolves to whether it came to hold.
   */
  async advanceUntil(done: () => boolean, msMax: number): Promise<boolean> {
    assert(msMax >= 0, 'virtual time does not go back')
    const until = this.#now + msMax
    return this.#exclusively(async () => {
      await settle()
      while (!done()) {
        if (await this.#runNext(until)) continue
        this.#now = until
        return done()
      }
      return true
    })
  }

  async #exclusively<Result>(run: () => Promise<Result>): Promise<Result> {
    assert(!this.#advancing, 'one caller at a time moves virtual time')
    this.#advancing = true
    try {
      return await run()
    } finally {
      this.#advancing = false
    }
  }

  /** Run the next task due at or before `until`, and all promises that follow from it. */
  async #runNext(until: number): Promise<boolean> {
    let next = this.#tasks[0]
    while (next !== undefined && next.run === null) {
      pop(this.#tasks)
      next = this.#tasks[0]
    }
    if (next === undefined || next.at > until) return false
    pop(this.#tasks)
    this.#now = next.at
    this.#start(next)
    await settle()
    return true
  }

  #start(task: Task): void {
    const run = task.run
    task.run = null
    this.#pending--
    if (run !== null) run()
  }

  #cancel(task: Task): void {
    if (task.run === null) return
    task.run = null
    this.#pending--
    // Timers that are moved again and again leave cancelled entries behind: sweep when most are.
    if (this.#tasks.length > 64 && this.#tasks.length > 2 * this.#pending) this.#sweep()
  }

  #sweep(): void {
    const live = this.#tasks.filter((task) => task.run !== null).sort(before)
    this.#tasks.splice(0, this.#tasks.length, ...live)
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function before(a: Task, b: Task): number {
  return a.at - b.at || a.order - b.order
}

/** Binary heap: the parent of `i` is at `(i - 1) >> 1` and comes before it. */
function push(heap: Task[], task: Task): void {
  let at = heap.length
  heap.push(task)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent] as Task
    if (before(above, task) <= 0) break
    heap[at] = above
    at = parent
  }
  heap[at] = task
}

function pop(heap: Task[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const right = left + 1
    if (left >= heap.length) break
    const leftTask = heap[left] as Task
    const rightTask = heap[right]
    const rightFirst = rightTask !== undefined && before(rightTask, leftTask) < 0
    const child = rightFirst ? rightTask : leftTask
    if (before(last, child) <= 0) break
    heap[at] = child
    at = rightFirst ? right : left
  }
  heap[at] = last
}
