/** A clock that stands still until it is told to advance, and then runs what has come due. */
import { assert } from '../assert.ts'
import type { Clock, Instant } from '../clock.ts'
import { TaskQueue } from '../task-queue.ts'

/** What `wall` says at instant 0, unless told otherwise: 2026-01-01T00:00:00Z. */
export const VIRTUAL_EPOCH_MS = 1_767_225_600_000

/** The one ambient global of core/testing: the way to wait until all microtasks have run. */
declare function setImmediate(callback: () => void): unknown

/**
 * Virtual time. Tasks run in the order (time, schedule order); after each, every promise that can
 * settle has settled before the next one runs, so async code is as deterministic as sync code as
 * long as it awaits simulated promises only.
 */
export class VirtualClock implements Clock {
  readonly #epochMs: number
  readonly #tasks = new TaskQueue()
  #now = 0
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
    return this.#tasks.size
  }

  schedule(at: Instant, task: () => void): Disposable {
    assert(Number.isFinite(at), 'a task is due at a finite instant')
    return this.#tasks.add(Math.max(at, this.#now), task)
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
    const task = this.#tasks.take(until)
    if (task === null) return false
    this.#now = task.at
    task.run()
    await settle()
    return true
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
