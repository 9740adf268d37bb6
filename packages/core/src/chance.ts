/** Two sources of chance, kept apart: reproducible for decisions, secret for keys. */

/** Seeded, reproducible, NOT for secrets. */
export interface Random {
  /** A whole number from 0 to `bound` - 1; `bound` is 1 to 2^32. */
  below(bound: number): number
  /** A stream of its own for `label`, independent of the calls made elsewhere. */
  fork(label: string): Random
}

/** A probability without floating point, so that every platform draws alike. */
export interface Ratio {
  readonly numerator: number
  readonly denominator: number
}

/** True with probability `ratio`. */
export function chance(random: Random, ratio: Ratio): boolean {
  return random.below(ratio.denominator) < ratio.numerator
}

/** Secret bytes: keys and nonces only. */
export interface Entropy {
  fill(target: Uint8Array): void
}
