/** Streams of the latest: whoever is slow gets less, never something old. */
import type { CancelSignal } from '@weft/core'

/** What one waiter waits for. */
export class Wakeup {
  #resolve: (() => void) | null = null

  /** Wakes whoever waits; nobody may. */
  wake(): void {
    const resolve = this.#resolve
    this.#resolve = null
    resolve?.()
  }

  /** Resolves at the next `wake`. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }
}

/** Where a stream's messages come from. */
export interface MessageSource<Message> {
  readonly wakeup: Wakeup
  /** The next message; null when there is none yet. Throws to end the stream. */
  take(): Message | null
  /** The stream has ended, for whatever reason. */
  close(): void
}

/** Messages as they come, until the signal is aborted or the source throws. */
export async function* follow<Message>(
  source: MessageSource<Message>,
  signal: CancelSignal,
): AsyncGenerator<Message, void, undefined> {
  const wake = (): void => source.wakeup.wake()
  signal.addEventListener('abort', wake)
  try {
    while (!signal.aborted) {
      const message = source.take()
      if (message === null) await source.wakeup.wait()
      else yield message
    }
  } finally {
    signal.removeEventListener('abort', wake)
    source.close()
  }
}
