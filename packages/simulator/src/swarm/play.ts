/** A run: faults and safety first, then healing and liveness. */
import { calm } from '../engine/network-model.ts'
import { BOOTSTRAP_HOSTS, productionNode, type NodeFactory } from '../ring.ts'
import { findDisagreement } from './agreement.ts'
import type { Violation } from './referee.ts'
import { Script } from './script.ts'
import type { ProfileName, SwarmOptions } from './swarm-options.ts'
import { Swarm } from './swarm.ts'

/** Virtual ms in which a healed ring agrees: rounds of anti-entropy, suspicion, rejoining. */
export const LIVENESS_MS: Readonly<Record<ProfileName, number>> = {
  docker: 200_000,
  lan: 120_000,
  wan: 300_000,
}

/** For so long it must go on agreeing. */
export const STABLE_MS = 10_000

/** How often agreement is looked for, in virtual ms. */
const LOOK_MS = 250

/** What came of a run. */
export interface Outcome {
  readonly options: SwarmOptions
  readonly violation: Violation | null
  /** Steps of phase one. */
  readonly steps: number
  /** Virtual ms of both phases. */
  readonly virtualMs: number
  /** From healing to agreement, in virtual ms; null: it did not come to that. */
  readonly agreedAfterMs: number | null
  /** Over everything that happened: equal for equal runs. */
  readonly checksum: string
  /** The last lines of the transcript. */
  readonly lines: readonly string[]
}

/** Play a run; `createNode` may bring a planted bug. */
export function playSwarm(
  options: SwarmOptions,
  createNode: NodeFactory = productionNode,
): Outcome {
  const swarm = new Swarm(options, createNode)
  const steps = playFaults(swarm)
  const agreedAfterMs = swarm.referee.violation === null ? playHealing(swarm) : null
  return {
    options,
    violation: swarm.referee.violation,
    steps,
    virtualMs: swarm.ring.world.now,
    agreedAfterMs,
    checksum: swarm.transcript.checksum(),
    lines: swarm.transcript.lines(),
  }
}

function playFaults(swarm: Swarm): number {
  const script = new Script(swarm)
  script.begin()
  let steps = 0
  while (swarm.ring.world.now < swarm.options.durationMs && swarm.referee.violation === null) {
    script.step()
    steps++
  }
  return steps
}

function playHealing(swarm: Swarm): number | null {
  heal(swarm)
  const { world } = swarm.ring
  const begin = world.now
  const until = begin + livenessMs(swarm)
  let agreedSince: number | null = null
  while (swarm.referee.violation === null) {
    swarm.step(LOOK_MS)
    const disagreement = findDisagreement(swarm.nodes)
    if (disagreement === null) {
      agreedSince ??= world.now
      if (world.now - agreedSince >= STABLE_MS) return agreedSince - begin
      continue
    }
    agreedSince = null
    if (world.now < until) continue
    const { check, node, what } = disagreement
    swarm.referee.report(check, node, what)
  }
  return null
}

/** The network is calm again, those whom everybody joins are back, goodbyes are over. */
function heal(swarm: Swarm): void {
  swarm.say('heal everything')
  const { model } = swarm.ring.world
  model.heal()
  model.setWeather(calm)
  for (const node of swarm.nodes) if (node.state === 'leaving') swarm.crash(node)
  for (const node of swarm.nodes.slice(0, BOOTSTRAP_HOSTS)) {
    if (node.state === 'down') swarm.start(node, { isRenamed: true, memory: null })
  }
}

/** More for each name that is no more: a probe of it, by a prober in the worst of health. */
function livenessMs({ options, ledger, nodes }: Swarm): number {
  const { profileName, profile } = options
  const running = nodes.filter(({ state }) => state === 'running').length
  const probeMs = profile.probeIntervalMs * profile.awarenessMultMax
  return LIVENESS_MS[profileName] + (ledger.names - running) * probeMs
}
