/** Secret bytes from the operating system's generator. */
import { randomFillSync } from 'node:crypto'
import type { Entropy } from '@weft/core'

/** Fills bytes from `node:crypto`; blocks only until the kernel's pool is first seeded. */
export const nodeEntropy: Entropy = {
  fill(target) {
    randomFillSync(target)
  },
}
