/** Time, chance and a network for tests: all follows from a seed, nothing from the machine. */
export { RANDOM_BOUND_MAX, SeededRandom } from '../random-stream.ts'
export { SimEntropy } from './sim-entropy.ts'
export { EPHEMERAL_PORT_MIN, type SimHost } from './sim-host.ts'
export {
  never,
  perfectLink,
  roughLink,
  type LinkCounters,
  type LinkSettings,
  type LossReason,
  type SimLink,
} from './sim-link.ts'
export {
  SimNetwork,
  type Crossing,
  type LinkPair,
  type SimNetworkOptions,
} from './sim-network.ts'
export { createSimWorld, type SimRuntime, type SimWorld } from './sim-world.ts'
export { storeCases, type StoreCase } from './store-cases.ts'
export { Transcript, TRANSCRIPT_LINES_MAX } from './transcript.ts'
export { VIRTUAL_EPOCH_MS, VirtualClock } from './virtual-clock.ts'
