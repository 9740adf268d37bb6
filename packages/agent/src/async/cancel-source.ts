/** Signals that this package gives itself: pure packages have no AbortController. */
import type { CancelSignal } from '@weft/core'

/** Something that can be called off, once. */
export class CancelSource implements CancelSignal {
  readonly #listeners = new Set<() => void>()
  #aborted = false
  #reason: unknown

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** Call it off; the first reason stays. */
  cancel(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    for (const listener of [...this.#listeners]) listener()
    this.#listeners.clear()
  }

  /** Be called off when this one is, until disposed. */
  follow(signal: CancelSignal | undefined): Disposable {
    return onCancelled(signal, (reason) => this.cancel(reason))
  }
}

/** Call `act` when the signal is called off, at once if it was already; until disposed. */
export function onCancelled(
  signal: CancelSignal | undefined,
  act: (reason: unknown) => void,
): Disposable {
  const listener = (): void => act(signal?.reason)
  if (signal?.aborted === true) listener()
  else signal?.addEventListener('abort', listener)
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', listener) }
}

/** Throws the signal's reason if it was called off. */
export function checkCancelled(signal: CancelSignal | undefined): void {
  if (signal?.aborted === true) throw signal.reason
}
