/** What ends with its process: from then on nothing that it began has an effect. */
import type { Clock, Files, Instant } from '@weft/core'

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

  get isAlive(): boolean {
    return this.#isAlive
  }

  kill(): void {
    this.#isAlive = false
  }
}

/** Files as one process has them: what it asks for after its end is never done. */
export function mortalFiles(files: Files, clock: MortalClock): Files {
  const never = new Promise<never>(() => undefined)
  return {
    read: (name) => (clock.isAlive ? files.read(name) : never),
    write: (name, bytes) => (clock.isAlive ? files.write(name, bytes) : never),
    remove: (name) => (clock.isAlive ? files.remove(name) : never),
  }
}
