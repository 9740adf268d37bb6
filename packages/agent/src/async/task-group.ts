/** Several things that go on together and end together. */
import type { CancelSignal } from '@weft/core'
import { CancelSource } from './cancel-source.ts'

/** The first that fails ends the others; the group is over when all of them are. */
export class TaskGroup {
  readonly #source = new CancelSource()
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | null = null

  /** Called off when one of the group failed, or `end` was called. */
  get signal(): CancelSignal {
    return this.#source
  }

  /** Start one more. */
  run(work: (signal: CancelSignal) => Promise<void>): void {
    const running = work(this.#source).catch((error: unknown) => {
      this.#failure ??= { error }
      this.#source.cancel(error)
    })
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  /** End all; what they throw because of it is no failure. */
  end(reason: unknown): void {
    this.#failure ??= { error: reason }
    this.#source.cancel(reason)
  }

  /** Resolves when all are over; throws the first failure, or the reason of `end`. */
  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure.error
  }
}
