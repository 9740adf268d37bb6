/** A runtime whose process can be killed: from then on nothing that it scheduled happens. */
import type { Clock, Instant, Runtime } from '@weft/core'

/** The runtime of one process. */
export class MortalRuntime {
  readonly runtime: Runtime
  readonly #tasks = new Set<Disposable>()
  #alive = true

  constructor(host: Runtime) {
    const clock: Clock = {
      now: () => host.clock.now(),
      wall: () => host.clock.wall(),
      schedule: (at, task) => this.#schedule(host.clock, at, task),
    }
    this.runtime = { ...host, clock }
  }

  /** The process ends here; what it had scheduled is forgotten. */
  kill(): void {
    this.#alive = false
    for (const task of this.#tasks) task[Symbol.dispose]()
    this.#tasks.clear()
  }

  #schedule(clock: Clock, at: Instant, run: () => void): Disposable {
    if (!this.#alive) return { [Symbol.dispose]: () => undefined }
    const task = clock.schedule(at, () => {
      this.#tasks.delete(task)
      run()
    })
    this.#tasks.add(task)
    return {
      [Symbol.dispose]: () => {
        this.#tasks.delete(task)
        task[Symbol.dispose]()
      },
    }
  }
}
