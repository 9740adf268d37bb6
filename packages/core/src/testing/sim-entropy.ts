/** Entropy that a seed decides, so that simulated keys and nonces replay. Never a secret. */
import type { Entropy, Random } from '../chance.ts'
import { setU8 } from '../bytes.ts'

/** Fills bytes from a reproducible stream. */
export class SimEntropy implements Entropy {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  fill(target: Uint8Array): void {
    for (let i = 0; i < target.length; i++) setU8(target, i, this.#random.below(256))
  }
}
