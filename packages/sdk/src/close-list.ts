/** What was opened, to be closed in reverse. */

/** How a dataplane is closed with what stands on it. */
export type CloseMode = 'detach' | 'teardown'

/** Closes everything although something of it fails, and says what failed first. */
export class CloseList {
  readonly #closers: ((mode: CloseMode) => Promise<void>)[] = []

  add(close: (mode: CloseMode) => Promise<void>): void {
    this.#closers.push(close)
  }

  /** Closing again does nothing. */
  async close(mode: CloseMode): Promise<void> {
    let failure: { readonly error: unknown } | null = null
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close(mode)
      } catch (error) {
        failure ??= { error }
      }
    }
    if (failure !== null) throw failure.error
  }
}
