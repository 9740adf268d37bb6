/** One timer that follows a deadline which moves with nearly every input. */
import type { Clock, Instant } from '@weft/core'

/**
 * Calls its task when the deadline has come. A timer set too early costs less than a new one for
 * each packet: the task is called, finds nothing due, and the deadline is followed again.
 */
export class DeadlineTimer implements Disposable {
  readonly #clock: Clock
  readonly #task: () => void
  #set: { readonly at: Instant; readonly timer: Disposable } | null = null

  constructor(clock: Clock, task: () => void) {
    this.#clock = clock
    this.#task = task
  }

  /** Be there at this instant at the latest; null: not at all. */
  follow(deadline: Instant | null): void {
    if (deadline !== null && this.#set !== null && this.#set.at <= deadline) return
    this[Symbol.dispose]()
    if (deadline === null) return
    const timer = this.#clock.schedule(deadline, () => {
      this.#set = null
      this.#task()
    })
    this.#set = { at: deadline, timer }
  }

  [Symbol.dispose](): void {
    this.#set?.timer[Symbol.dispose]()
    this.#set = null
  }
}
