/** A clock that ends with its process: from then on nothing that was scheduled happens. */
import type { Clock, Instant } from '@weft/core'

/** The clock of one process. */
export class MortalClock implements Clock {
  readonly #clock: Clock
  #isAlive = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): Instant {
    return this.#clock.now()
  }

  wall(): number {
    return this.#clock.wall()
  }

  schedule(at: Instant, task: () => void): Disposable {
    return this.#clock.schedule(at, () => {
      if (this.#isAlive) task()
    })
  }

  kill(): void {
    this.#isAlive = false
  }
}
