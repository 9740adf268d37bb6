/** An anti-replay window over a ring of words (RFC 6479), for packets that come out of order. */
import { assert } from '@weft/core'
import { EXTENDED_SEQUENCE_MAX, lowHalf, SEQUENCE_SPACE } from './sequence-number.ts'

/** The narrowest window RFC 4303 §3.4.3 lets a receiver have, in packets. */
export const REPLAY_WINDOW_PACKETS_MIN = 32

/** The widest, in packets: 1 KiB for each association. */
export const REPLAY_WINDOW_PACKETS_MAX = 8192

const WORD_BITS = 32

/** Why a sequence number is refused: it was there already, or nobody remembers. */
export type ReplayFault = 'replayed' | 'late'

/**
 * What was received: everything from `top` down is either marked or, `packets` below it, forgotten.
 * Moving on clears whole words and shifts nothing, so a jump of any width costs one round of the
 * ring at most. Sequence numbers begin with 1: zero is there from the start, and so never fresh.
 */
export class ReplayWindow {
  readonly #packets: number
  readonly #words: Uint32Array
  #top = 0

  constructor(packets: number) {
    const isInside = packets >= REPLAY_WINDOW_PACKETS_MIN && packets <= REPLAY_WINDOW_PACKETS_MAX
    assert(Number.isInteger(packets) && isInside, 'a replay window has 32 to 8192 packets')
    this.#packets = packets
    // One word more than the window fills: the one that is being cleared is never looked at.
    this.#words = new Uint32Array(Math.ceil(packets / WORD_BITS) + 1)
    this.#words[0] = 1
  }

  /** Forget everything: nothing was received. */
  clear(): void {
    this.#words.fill(0)
    this.#words[0] = 1
    this.#top = 0
  }

  /** The highest sequence number that was received. */
  get top(): number {
    return this.#top
  }

  /** Why a packet with this number must not be received, or null. Changes nothing. */
  refusal(sequence: number): ReplayFault | null {
    if (sequence > this.#top) return null
    if (this.#top - sequence >= this.#packets) return 'late'
    const word = this.#words[this.#wordOf(sequence)] ?? 0
    return (word & bitOf(sequence)) === 0 ? null : 'replayed'
  }

  /** Mark a number as received. Only for packets that are authentic, and that nothing refused. */
  accept(sequence: number): void {
    assert(sequence <= EXTENDED_SEQUENCE_MAX, 'a sequence number that is exact')
    if (sequence > this.#top) this.#moveTo(sequence)
    const at = this.#wordOf(sequence)
    this.#words[at] = (this.#words[at] ?? 0) | bitOf(sequence)
  }

  /**
   * The whole number of which 32 bits were received: the one nearest to the window (RFC 4303
   * §A2.2). Below zero when there is none, or none that is kept exactly.
   */
  extend(low: number): number {
    const bottom = this.#top - this.#packets + 1
    const near = this.#top - lowHalf(this.#top) + low
    // What lies below the window in this round is taken for the next one.
    const next = near + SEQUENCE_SPACE
    if (near < bottom) return next <= EXTENDED_SEQUENCE_MAX ? next : -1
    const previous = near - SEQUENCE_SPACE
    return previous >= bottom ? previous : near <= EXTENDED_SEQUENCE_MAX ? near : -1
  }

  #moveTo(sequence: number): void {
    const from = Math.floor(this.#top / WORD_BITS)
    const count = Math.min(Math.floor(sequence / WORD_BITS) - from, this.#words.length)
    for (let i = 1; i <= count; i++) this.#words[(from + i) % this.#words.length] = 0
    this.#top = sequence
  }

  #wordOf(sequence: number): number {
    return Math.floor(sequence / WORD_BITS) % this.#words.length
  }
}

/** As a signed number, as all bitwise arithmetic here: only whether it is zero is asked. */
function bitOf(sequence: number): number {
  return 1 << (sequence % WORD_BITS)
}
