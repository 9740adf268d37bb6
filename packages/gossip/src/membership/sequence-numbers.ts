/** Numbers that tell answers to pings apart. */

/** Counts through 32 bits and around; probes and relays share it. */
export class SequenceNumbers {
  #last = 0

  /** The next number. */
  next(): number {
    this.#last = (this.#last + 1) >>> 0
    return this.#last
  }
}
