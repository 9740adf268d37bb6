/** Waiting that can be called off: for a time, for a promise, for the end of a time limit. */
import { instantAfter, type CancelSignal, type Clock } from '@weft/core'
import { CancelSource, onCancelled } from './cancel-source.ts'

/** Resolves after `ms`; rejects with the signal's reason. */
export async function sleep(clock: Clock, ms: number, signal: CancelSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  using _timer = clock.schedule(instantAfter(clock.now(), ms), resolve)
  using _signal = onCancelled(signal, reject)
  await promise
}

/** What the work comes to, unless the signal is called off first; the work itself goes on. */
export async function unlessCancelled<Result>(
  work: Promise<Result>,
  signal: CancelSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return work
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  using _signal = onCancelled(signal, reject)
  void work.then(resolve, reject)
  return await promise
}

/** A signal that is called off after a time, too. Disposing takes the time limit away. */
export class TimeLimit extends CancelSource implements Disposable {
  readonly #timer: Disposable
  readonly #following: Disposable

  /** `expired` makes the reason. */
  constructor(
    clock: Clock,
    limit: { readonly ms: number; readonly signal?: CancelSignal | undefined },
    expired: () => unknown,
  ) {
    super()
    const at = instantAfter(clock.now(), limit.ms)
    this.#timer = clock.schedule(at, () => this.cancel(expired()))
    this.#following = this.follow(limit.signal)
  }

  /** The limit is met; the signal that was given still counts. */
  lift(): void {
    this.#timer[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]()
    this.#following[Symbol.dispose]()
  }
}
