/** The time a suspect has to refute; confirmations by others shorten it (docker-wire §2.9). */
import { suspicionMinMs, suspicionMs } from './scale.ts'
import type { Timers } from './timers.ts'
import type { MembershipProfile } from '../profile.ts'

/** Members whose word is not needed for a confirmation: the accuser and the accused. */
const PARTIES = 2

/** What a suspicion is made of. */
export interface SuspicionSpec {
  /** Who accused first. */
  readonly from: string
  /** Size of the ring, as it is known when the suspicion begins. */
  readonly nodes: number
  readonly profile: MembershipProfile
  readonly onExpiry: () => void
}

/** One running suspicion. Begins at the longest time and ends at once when it is over that. */
export class Suspicion {
  readonly from: string
  readonly #minMs: number
  readonly #maxMs: number
  readonly #wanted: number
  readonly #timers: Timers
  readonly #onExpiry: () => void
  /** Everyone who was heard, the first accuser included. At most `wanted` + 1. */
  readonly #heard: Set<string>
  #startedMs: number
  #timer: Disposable

  constructor(spec: SuspicionSpec, timers: Timers) {
    const { from, nodes, profile } = spec
    const { suspicionMult, suspicionTimeoutMultMax, probeIntervalMs } = profile
    const { suspicionConfirmations: confirmations } = profile
    this.from = from
    this.#wanted = nodes - PARTIES < confirmations ? 0 : confirmations
    this.#minMs = suspicionMinMs(suspicionMult, nodes, probeIntervalMs)
    this.#maxMs = suspicionTimeoutMultMax * this.#minMs
    this.#timers = timers
    this.#onExpiry = spec.onExpiry
    this.#heard = new Set([from])
    this.#startedMs = timers.ranMs
    this.#timer = timers.after(this.#lastsMs(), this.#onExpiry)
  }

  /** Nodes that said so too. */
  get confirmations(): number {
    return this.#heard.size - 1
  }

  /** Another node says so. False when it said so before, or enough did. */
  confirm(from: string): boolean {
    if (this.confirmations >= this.#wanted || this.#heard.has(from)) return false
    this.#heard.add(from)
    this.#start()
    return true
  }

  /** The suspect gave a sign of life, though it did not refute yet: its time begins anew. */
  restart(): void {
    this.#startedMs = this.#timers.ranMs
    this.#start()
  }

  /** It is over: refuted, or dead anyway. */
  end(): void {
    this.#timer[Symbol.dispose]()
  }

  #start(): void {
    this.#timer[Symbol.dispose]()
    const elapsedMs = this.#timers.ranMs - this.#startedMs
    const leftMs = Math.max(0, this.#lastsMs() - elapsedMs)
    this.#timer = this.#timers.after(leftMs, this.#onExpiry)
  }

  #lastsMs(): number {
    const bounds = { minMs: this.#minMs, maxMs: this.#maxMs }
    return suspicionMs(bounds, this.confirmations, this.#wanted)
  }
}
