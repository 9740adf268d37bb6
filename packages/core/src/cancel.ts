/** What calls an operation off. */

/** An AbortSignal, as far as pure packages know one. */
export interface CancelSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** What every call that waits can be given. */
export interface Cancellable {
  /** Rejects the call with the signal's reason; nothing half-made is left. */
  readonly signal?: CancelSignal
}
