/** Work that is asked for often and done once for all who asked meanwhile. */

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Runs a piece of work whenever asked, never twice at a time, once for all that wait. */
export class Coalesced {
  readonly #work: () => Promise<void>
  #waiters: Waiter[] = []
  #isRunning = false

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** Resolves when work that began after this call is over; throws what it threw. */
  request(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiters.push({ resolve, reject })
    if (!this.#isRunning) {
      this.#isRunning = true
      void this.#runAll()
    }
    return promise
  }

  async #runAll(): Promise<void> {
    // Whoever asks in the same turn is served by the same run.
    await Promise.resolve()
    while (this.#waiters.length > 0) {
      const served = this.#waiters
      this.#waiters = []
      try {
        await this.#work()
        for (const { resolve } of served) resolve()
      } catch (error) {
        for (const { reject } of served) reject(error)
      }
    }
    this.#isRunning = false
  }
}
