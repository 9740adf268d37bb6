/** One operation on the machinery at a time, newest state first: the same in every backend. */
import { assert } from '@weft/core'
import { dataplaneError, type ApplyReport } from './dataplane.ts'
import type { DesiredState } from './desired-state.ts'

/** Something that waits for its turn. `start` runs it; `refuse` rejects its promise. */
interface Waiting {
  readonly generation: number
  start(): Promise<void>
  refuse(): void
}

/**
 * Serialises applies, repairs, read-back and closing. A waiting apply that a newer generation
 * overtook is answered 'superseded' without touching anything; one older than the last applied is
 * refused. After `close` began, nothing new starts and what still waits is refused.
 */
export class ApplyQueue {
  readonly #run: (desired: DesiredState) => Promise<ApplyReport>
  readonly #waiting: Waiting[] = []
  #running: Promise<void> | null = null
  #applied = 0
  #closing: Promise<void> | null = null

  /** `run` converges on a desired state; it is never called twice at once. */
  constructor(run: (desired: DesiredState) => Promise<ApplyReport>) {
    this.#run = run
  }

  /** Generation of the last apply that ran to its end; 0 before the first. */
  get generation(): number {
    return this.#applied
  }

  /** True once `close` was called. */
  get closed(): boolean {
    return this.#closing !== null
  }

  /** As `Dataplane.apply`. Rejects with ERR_STALE_GENERATION or ERR_CLOSED. */
  async apply(desired: DesiredState): Promise<ApplyReport> {
    const { generation } = desired
    if (generation < this.#applied && !this.closed) {
      throw dataplaneError('ERR_STALE_GENERATION', 'a newer generation was applied already', {
        offered: generation,
        applied: this.#applied,
      })
    }
    return this.#enqueue('apply', generation, () => this.#applyInTurn(desired))
  }

  /**
   * Run `work` between applies: read-back, audits, repairs. Rejects with ERR_CLOSED, naming
   * `operation`, or with what `work` rejects with.
   */
  async exclusive<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
    return this.#enqueue(operation, 0, work)
  }

  /** Let what runs finish, refuse what waits, then run `work`, once whoever calls how often. */
  close(work: () => Promise<void>): Promise<void> {
    if (this.#closing === null) {
      this.#closing = (this.#running ?? Promise.resolve()).then(work)
      for (const waiting of this.#waiting.splice(0)) waiting.refuse()
    }
    return this.#closing
  }

  async #applyInTurn(desired: DesiredState): Promise<ApplyReport> {
    const { generation } = desired
    const newer = this.#waiting.some((waiting) => waiting.generation > generation)
    if (newer || generation < this.#applied) {
      return { generation, outcome: 'superseded', changed: 0, collected: [], failures: [] }
    }
    const report = await this.#run(desired)
    this.#applied = generation
    return report
  }

  #enqueue<Result>(
    operation: string,
    generation: number,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const refuse = (): void =>
      reject(dataplaneError('ERR_CLOSED', 'the dataplane is closed', { operation }))
    if (this.closed) refuse()
    else {
      const start = async (): Promise<void> => {
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
        }
      }
      this.#waiting.push({ generation, start, refuse })
      this.#pump()
    }
    return promise
  }

  #pump(): void {
    if (this.#running !== null) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    const finished = next.start().then(() => {
      assert(this.#running === finished, 'one operation runs at a time')
      this.#running = null
      this.#pump()
    })
    this.#running = finished
  }
}
