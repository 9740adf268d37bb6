/** Reproducible draws: a 32-bit seed gives the same run on every machine. */

/** A stream of whole numbers. */
export interface Draws {
  /** From 0 to `bound` - 1; 0 for a bound of 0. */
  below(bound: number): number
}

/** The stream of one case: cases of a run are independent, so that each can be run alone. */
export function drawsOf(seed: number, index: number): Draws {
  // SplitMix32 over a state that starts apart for every case.
  let state = (Math.imul(seed | 0, 0x9e37_79b9) ^ Math.imul(index + 1, 0x85eb_ca6b)) | 0
  const next = (): number => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
  return { below: (bound) => (bound <= 1 ? 0 : next() % bound) }
}
