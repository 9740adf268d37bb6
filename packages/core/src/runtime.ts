/** Everything that is not computation, handed in: the ports of one node in one value. */
import type { Entropy, Random } from './chance.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Underlay } from './underlay.ts'

/** The ports a node runs on: real ones from @weft/runtime-node, simulated from core/testing. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly entropy: Entropy
  readonly underlay: Underlay
  readonly log: Logger
}
