/** How well this node itself is doing (Lifeguard's local health multiplier, docker-wire §2.9). */

/** A score from 0, healthy, to its limit: the slower we are, the slower we judge others. */
export class Awareness {
  readonly #scoreMax: number
  #score = 0

  /** With `multMax` 1 the score stays 0. */
  constructor(multMax: number) {
    this.#scoreMax = multMax - 1
  }

  /** 0 is healthy. */
  get score(): number {
    return this.#score
  }

  /** Add to the score, within its bounds. */
  add(delta: number): void {
    this.#score = Math.max(0, Math.min(this.#scoreMax, this.#score + delta))
  }

  /** A time of patience, stretched by the score. */
  scaleMs(ms: number): number {
    return ms * (this.#score + 1)
  }
}
