/** What can be fuzzed: something that judges a window of bytes. */

/** A decoder under fuzz. */
export interface FuzzTarget {
  readonly name: string
  /** One line: what is fed, and what is asked of it. */
  readonly about: string
  /** Valid inputs to start from; asked for once. */
  corpus(): readonly Uint8Array[]
  /**
   * Decode the window. The result may depend on nothing but the bytes of the window: it is compared
   * with the result of the same window elsewhere. Anything thrown is a failure.
   */
  run(bytes: Uint8Array, start: number, end: number): unknown
  /** Make lengths and checksums of an input consistent again; done to every other input. */
  repair?(bytes: Uint8Array): void
  /** Cases that `npm test` tries, where each takes long; as many as of others when left out. */
  readonly smokeCases?: number
  /** True where inputs are choices and no messages: what surrounds them is of no account. */
  readonly isProgram?: boolean
  /** How long one input may take, in milliseconds; CASE_MS_MAX when left out. */
  readonly caseMsMax?: number
}
