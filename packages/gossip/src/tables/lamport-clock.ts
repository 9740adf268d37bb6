/** Lamport's logical clock, as serf keeps it and NetworkDB uses two of (docker-wire §3.3). */
import { LAMPORT_TIME_MAX } from '../networkdb/messages.ts'

/**
 * Counts events of the whole cluster. It never passes LAMPORT_TIME_MAX: a peer that claims so much
 * has broken the ring's clock, yet it cannot make us say what others must refuse.
 */
export class LamportClock {
  #time = 0

  /** What was counted last; told in push/pulls and bulk syncs. */
  get time(): number {
    return this.#time
  }

  /** The time of a new event of ours. */
  increment(): number {
    this.#time = Math.min(this.#time + 1, LAMPORT_TIME_MAX)
    return this.#time
  }

  /** Take note of a time that another node told: what we say next is later. */
  witness(lTime: number): void {
    if (lTime >= this.#time) this.#time = Math.min(lTime + 1, LAMPORT_TIME_MAX)
  }
}
