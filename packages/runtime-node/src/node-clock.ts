/** Time of this machine: one monotonic clock and one timer under any number of tasks. */
import { performance } from 'node:perf_hooks'
import { assert, TaskQueue, type Clock, type Instant } from '@weft/core'

/** The longest delay setTimeout takes, in milliseconds; beyond it, it would fire at once. */
export const TIMER_DELAY_MS_MAX = 2 ** 31 - 1

/** How a clock's timer relates to the process. */
export interface NodeClockOptions {
  /** False lets the process end while tasks wait, as a library's housekeeping should. */
  readonly keepAlive: boolean
}

/**
 * A clock on this machine. Instants are milliseconds since the process started, with fractions.
 * Tasks never run early, and those due together run in schedule order whatever their delays were.
 * What a task throws becomes an uncaught exception: a bug.
 */
export class NodeClock implements Clock {
  readonly #tasks = new TaskQueue()
  readonly #keepAlive: boolean
  #timer: NodeJS.Timeout | null = null
  #armedFor: number | null = null

  constructor(options: NodeClockOptions) {
    this.#keepAlive = options.keepAlive
  }

  now(): Instant {
    return performance.now() as Instant
  }

  wall(): number {
    return Date.now()
  }

  schedule(at: Instant, task: () => void): Disposable {
    assert(Number.isFinite(at), 'a task is due at a finite instant')
    const entry = this.#tasks.add(Math.max(at, this.now()), task)
    this.#arm()
    return {
      [Symbol.dispose]: () => {
        entry[Symbol.dispose]()
        this.#arm()
      },
    }
  }

  /** Make the timer fire for the next task, or not at all. */
  #arm(): void {
    const next = this.#tasks.nextAt()
    if (next === this.#armedFor) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#armedFor = next
    if (next === null) return
    const delay = Math.min(Math.max(next - this.now(), 0), TIMER_DELAY_MS_MAX)
    this.#timer = setTimeout(() => this.#fire(), Math.ceil(delay))
    if (!this.#keepAlive) this.#timer.unref()
  }

  #fire(): void {
    this.#timer = null
    this.#armedFor = null
    // What is due now, and nothing scheduled meanwhile: sockets get their turn in between.
    const until = this.now()
    try {
      for (let task = this.#tasks.take(until); task !== null; task = this.#tasks.take(until)) {
        task.run()
      }
    } finally {
      this.#arm()
    }
  }
}
