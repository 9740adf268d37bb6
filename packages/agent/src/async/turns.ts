/** Lets a few in at a time, and everything else that the process has to do in between. */
import { type CancelSignal, type Clock } from '@weft/core'
import { onCancelled } from './cancel-source.ts'

/** A queue before work that holds up the process while it is done. */
export class Turns {
  readonly #clock: Clock
  readonly #atOnceMax: number
  readonly #waiting = new Set<() => void>()
  #inside = 0
  #next: Disposable | null = null

  constructor(clock: Clock, atOnceMax: number) {
    this.#clock = clock
    this.#atOnceMax = atOnceMax
  }

  /** Resolves when it is one's turn, at once where nobody waits; `leave` must follow. */
  async enter(signal: CancelSignal): Promise<void> {
    if (this.#inside < this.#atOnceMax && this.#waiting.size === 0) {
      this.#inside += 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    using _signal = onCancelled(signal, (reason) => {
      if (this.#waiting.delete(resolve)) reject(reason)
    })
    await promise
  }

  /** One's work is over: whoever waits is let in by a turn of the clock. */
  leave(): void {
    this.#inside -= 1
    if (this.#waiting.size === 0) return
    this.#next ??= this.#clock.schedule(this.#clock.now(), () => {
      this.#next = null
      this.#letIn()
    })
  }

  #letIn(): void {
    for (const resolve of this.#waiting) {
      if (this.#inside >= this.#atOnceMax) return
      this.#waiting.delete(resolve)
      this.#inside += 1
      resolve()
    }
  }
}
