/** Keeps a dataplane at what is desired: whenever it changes, and again while items fail. */
import { describeError, instantAfter, type Clock, type Logger } from '@weft/core'
import type { ApplyReport, Dataplane, ItemFailure } from '@weft/dataplane'
import type { AgentTunables } from '../agent-options.ts'
import { Coalesced } from '../async/coalesced.ts'
import type { Desired } from './desired-composer.ts'

/** What programming needs. */
export interface ProgrammerParts {
  readonly dataplane: Dataplane
  readonly clock: Clock
  readonly log: Logger
  readonly tunables: AgentTunables
  /** The desired state as it is now. */
  readonly compose: () => Desired
  /** An apply of this is over, and nothing of before it is in use any more. */
  readonly onSettled: (desired: Desired) => void
  /** Items that failed, after each apply and each drift. */
  readonly onFailures: (failures: ReadonlyMap<string, ItemFailure>) => void
}

/** Everything that changes in one turn, and while an apply is under way, is one apply. */
export class Programmer {
  readonly #parts: ProgrammerParts
  readonly #applying = new Coalesced(() => this.#apply())
  readonly #drift: Disposable
  #generation = 0
  #failures: ReadonlyMap<string, ItemFailure> = new Map()
  #problem: Error | null = null
  #repair: Disposable | null = null
  #repairMs: number
  #isClosed = false

  constructor(parts: ProgrammerParts) {
    this.#parts = parts
    this.#repairMs = parts.tunables.repairMsMin
    this.#drift = parts.dataplane.events.on('drift', ({ failures }) => this.#drifted(failures))
  }

  /** Items that are desired and not programmed, by path. */
  get failures(): ReadonlyMap<string, ItemFailure> {
    return this.#failures
  }

  /** Not null: the dataplane as such did not do what it was told. */
  get problem(): Error | null {
    return this.#problem
  }

  /** Resolves when an apply of what is desired now is over; what failed is in `failures`. */
  changed(): Promise<void> {
    return this.#applying.request()
  }

  /** As `changed`, for whoever does not wait: trouble is tried again by itself. */
  touch(): void {
    void this.changed().catch(() => undefined)
  }

  /** No apply begins any more; resolves when the one under way is over. */
  async stop(): Promise<void> {
    this.#isClosed = true
    this.#drift[Symbol.dispose]()
    this.#repair?.[Symbol.dispose]()
    await this.#applying.request()
  }

  async #apply(): Promise<void> {
    if (this.#isClosed) return
    this.#repair?.[Symbol.dispose]()
    const { dataplane, compose, onSettled } = this.#parts
    const desired = compose()
    let report: ApplyReport
    try {
      report = await dataplane.apply({ ...desired, generation: ++this.#generation })
      onSettled(desired)
      this.#problem = null
    } catch (error) {
      this.#problem = error as Error
      this.#parts.log.error('dataplane did not apply', { reason: describeError(error) })
      this.#repairLater()
      throw error
    }
    this.#took(new Map(report.failures.map((failure) => [failure.item, failure])))
  }

  /** Repair was tried already; what it could not do is new to us. */
  #drifted(failures: readonly ItemFailure[]): void {
    if (failures.length === 0) return
    const all = new Map(this.#failures)
    for (const failure of failures) all.set(failure.item, failure)
    this.#took(all)
  }

  #took(failures: ReadonlyMap<string, ItemFailure>): void {
    for (const [item, { error }] of failures) {
      if (this.#failures.has(item)) continue
      this.#parts.log.warn('item not programmed', { item, reason: describeError(error) })
    }
    this.#failures = failures
    if (failures.size === 0) this.#repairMs = this.#parts.tunables.repairMsMin
    else this.#repairLater()
    this.#parts.onFailures(failures)
  }

  #repairLater(): void {
    if (this.#isClosed) return
    const { clock, tunables } = this.#parts
    this.#repair?.[Symbol.dispose]()
    const at = instantAfter(clock.now(), this.#repairMs)
    this.#repairMs = Math.min(2 * this.#repairMs, tunables.repairMsMax)
    this.#repair = clock.schedule(at, () => this.touch())
  }
}
