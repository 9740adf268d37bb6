/** One join under way: over when the first address has answered, or the last has failed. */
import { formatSocketAddress, type SocketAddress } from '@weft/core'
import { openGossipError } from './open-gossip-errors.ts'

/** What calls a join off: an AbortSignal. */
export interface JoinSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Waits for these addresses. */
export class JoinAttempt {
  /** Rejects with ERR_JOIN_FAILED, or with what called it off. */
  readonly done: Promise<void>
  readonly #wanted: ReadonlySet<string>
  readonly #reasons = new Map<string, string>()
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void

  constructor(addresses: readonly SocketAddress[]) {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    this.#wanted = new Set(addresses.map(formatSocketAddress))
    this.done = promise
    this.#resolve = () => resolve(undefined)
    this.#reject = reject
  }

  /** A join is over, ours or another's; `reason` is null when the other side answered. */
  ended(address: SocketAddress, reason: string | null): void {
    const name = formatSocketAddress(address)
    if (!this.#wanted.has(name)) return
    if (reason === null) this.#resolve()
    else if (this.#reasons.set(name, reason).size === this.#wanted.size) this.#fail()
  }

  /** Nobody else will answer, for this reason. */
  giveUp(reason: string): void {
    for (const name of this.#wanted) {
      if (!this.#reasons.has(name)) this.#reasons.set(name, reason)
    }
    this.#fail()
  }

  /** Give up as soon as the signal says so. Disposing stops listening to it. */
  obey(signal: JoinSignal | undefined): Disposable {
    const abort = (): void => this.#reject(signal?.reason)
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort)
    return { [Symbol.dispose]: () => signal?.removeEventListener('abort', abort) }
  }

  #fail(): void {
    const facts = { reasons: Object.fromEntries(this.#reasons) }
    this.#reject(openGossipError('ERR_JOIN_FAILED', 'nobody answered', facts))
  }
}
