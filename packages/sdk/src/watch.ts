/** What changes, as an async iterable: the value now, then the newest one after each change. */
import type { Cancellable } from '@weft/core'

/** What is watched. */
export interface Watched<Value> {
  read(): Value
  /** Call `wake` after anything that may have changed it, until disposed. */
  subscribe(wake: () => void): Disposable
}

/**
 * Yields `read()` at once, and again whenever its JSON differs. A slow reader misses what came
 * between, never the last. Ends when the reader stops; throws the signal's reason.
 */
export async function* watch<Value>(
  watched: Watched<Value>,
  { signal }: Cancellable = {},
): AsyncGenerator<Value, void, undefined> {
  let wakened = Promise.withResolvers<void>()
  const wake = (): void => wakened.resolve()
  using _subscription = watched.subscribe(wake)
  signal?.addEventListener('abort', wake)
  try {
    for (let told: string | null = null; ; ) {
      if (signal?.aborted === true) throw signal.reason
      const value = watched.read()
      const text = JSON.stringify(value)
      if (text !== told) yield value
      told = text
      await wakened.promise
      wakened = Promise.withResolvers<void>()
    }
  } finally {
    signal?.removeEventListener('abort', wake)
  }
}
