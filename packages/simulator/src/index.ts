/** Whole gossip rings of the production code on virtual time, from a seed. */
export { CANARIES, CANARY_SEEDS_MAX, catchCanary, type Canary } from './canaries.ts'
export {
  playAnomaly,
  QUIESCE_MS,
  type AnomalyResult,
  type AnomalyRun,
} from './experiments/anomaly.ts'
export {
  ENDPOINTS_EACH,
  measureBandwidth,
  measureQuiet,
  NETWORK_NODES_MAX,
  quietRing,
  quietWindowMs,
  type BandwidthCell,
  type BandwidthResult,
} from './experiments/bandwidth.ts'
export {
  CEILING_MS,
  PERTURBATIONS,
  playConvergence,
  ROWS_EACH,
  UNTOLD_MS,
  type ConvergenceCell,
  type ConvergenceResult,
  type Perturbation,
} from './experiments/convergence.ts'
export { swimProfile } from './experiments/swim-profile.ts'
export { Ring } from './ring.ts'
export { formatSeedLine, isProfileName, parseSeedLine, replayCommand } from './seed-line.ts'
export type { SeedLine } from './seed-line.ts'
export { percentile, summarize, type Summary } from './statistics.ts'
export { LIVENESS_MS, playSwarm, STABLE_MS, type Outcome } from './swarm/play.ts'
export { CHECKS, type CheckName, type Violation } from './swarm/referee.ts'
export {
  drawSwarm,
  FAULTS,
  PROFILES,
  type FaultKind,
  type ProfileName,
  type SwarmOptions,
  type SwarmWishes,
} from './swarm/swarm-options.ts'
