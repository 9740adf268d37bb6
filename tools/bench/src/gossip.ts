/** How soon a ring knows what one node said, what that costs, and what a core can carry. */
import { dockerProfile, lanProfile, type GossipProfile } from '@weft/gossip'
import {
  measureQuiet,
  PERTURBATIONS,
  percentile,
  playAnomaly,
  playConvergence,
  quietRing,
  quietWindowMs,
  swimProfile,
  type BandwidthResult,
  type ConvergenceResult,
  type Perturbation,
} from '@weft/simulator'
import { rowBytes, tableMessages } from './gossip-costs.ts'
import { measureGossipProcesses } from './gossip-processes.ts'
import type { BenchRow, BenchSuite } from './suite.ts'

const SEED = 'bench'
const DOCKER = "Docker's profile on the same virtual network"

/** Full convergence after each of Docker's perturbations but joining a full network (bulk). */
const SPREAD: readonly Perturbation[] = PERTURBATIONS.filter((name) => name !== 'join-populated')

/** Trials of each perturbation. */
const TRIALS_25 = 60
const TRIALS_1000 = 3
const TRIALS_LOSSY = 40
const NODES = 100
const WRITES = 5

/** Lifeguard's experiment, cells in which plain SWIM is often wrong (arXiv:1707.00788 §V). */
const ANOMALIES = [8, 16, 32].map((slow) => ({
  slow,
  blocked: 'network' as const,
  blockedMs: 16_384,
  runningMs: 64,
}))

type Report = (row: BenchRow) => void
type Say = (line: string) => void

/** `npm run bench -- gossip`. */
export const gossipSuite: BenchSuite = {
  name: 'gossip',
  describe: 'convergence, loss, false alarms, bandwidth, simulator speed, CPU; real processes',
  needsKernel: false,
  async run(report, say) {
    say('about ten minutes; most of it rings of 1,000 nodes on virtual time')
    convergence(report, { name: 'convergence-25-p99', nodes: 25, trials: TRIALS_25 })
    untold(report)
    falsePositives(report, say)
    bandwidth(report)
    quiet(report, say)
    convergence(report, { name: 'convergence-1000-p99', nodes: 1000, trials: TRIALS_1000 })
    for (const row of [...tableMessages(), rowBytes()]) report(row)
    await processes(report, say)
  },
}

/** The worst perturbation counts, in both profiles. */
function convergence(
  report: Report,
  { name, nodes, trials }: { name: string; nodes: number; trials: number },
): void {
  const worst = (profile: GossipProfile): number =>
    Math.max(
      ...SPREAD.map((perturbation) => {
        const cell = { seed: SEED, perturbation, nodes, profile, lossPercent: 0, trials }
        return percentile(playConvergence(cell).convergedMs, 99)
      }),
    )
  const ours = worst(lanProfile())
  const ratio = worst(dockerProfile()) / ours
  report({ name, median: ours, unit: 'ms', against: DOCKER, ratio, runs: trials })
}

/** Nodes that do not know after 5 s, though 30 % of all packets are lost. */
function untold(report: Report): void {
  const count = (profile: GossipProfile): number =>
    PERTURBATIONS.map((perturbation) => lossy(perturbation, profile))
      .map((result) => result.untold)
      .reduce((sum, one) => sum + one, 0)
  const ours = count(lanProfile())
  const docker = count(dockerProfile())
  report({
    name: 'untold-30pct-after-5s',
    median: ours,
    unit: 'nodes',
    against: `${DOCKER}: ${docker} (ratio of the counts plus one)`,
    ratio: (docker + 1) / (ours + 1),
    runs: TRIALS_LOSSY,
  })
}

function lossy(perturbation: Perturbation, profile: GossipProfile): ConvergenceResult {
  const trials = TRIALS_LOSSY
  return playConvergence({ seed: SEED, perturbation, nodes: 25, profile, lossPercent: 30, trials })
}

function falsePositives(report: Report, say: Say): void {
  const play = (profile: GossipProfile | ReturnType<typeof swimProfile>) =>
    ANOMALIES.map((cell) =>
      playAnomaly({ ...cell, seed: SEED, profile, nodes: 128, durationMs: 60_000, crashes: 3 }),
    )
  const swim = play(swimProfile())
  const ours = play(lanProfile())
  const sum = (results: typeof swim): number =>
    results.reduce((total, result) => total + result.falsePositives, 0)
  const detection = (results: typeof swim): number =>
    percentile(results.flatMap((result) => result.firstDetectionMs), 50)
  const seconds = (results: typeof swim): string => (detection(results) / 1000).toFixed(1)
  say(`crashes are detected after ${seconds(ours)} s; by plain SWIM after ${seconds(swim)} s`)
  report({
    name: 'false-positives-vs-swim',
    median: sum(ours),
    unit: 'false alarms',
    against: `plain SWIM: ${sum(swim)}`,
    ratio: sum(swim) / Math.max(sum(ours), 1),
    runs: ANOMALIES.length,
  })
}

function bandwidth(report: Report): void {
  const measure = (profile: GossipProfile): number =>
    runQuiet(25, profile).totalBytes
  reportBandwidth(report, 25, { ours: measure(lanProfile()), docker: measure(dockerProfile()) })
}

/** One core, 1,000 nodes with 10 endpoints each, everything sealed: what it sends, and costs. */
function quiet(report: Report, say: Say): void {
  const ours = runQuiet(1000, lanProfile())
  const docker = runQuiet(1000, dockerProfile())
  reportBandwidth(report, 1000, { ours: ours.totalBytes, docker: docker.totalBytes })
  say(`a node among 1,000 costs ${Math.round(ours.cpu)} µs of a core each second`)
  const facts = { against: DOCKER, ratio: docker.cpu / ours.cpu, runs: 1 }
  report({ name: 'cpu-1000', median: ours.cpu, unit: 'µs/node/s', ...facts })
  report({
    name: 'sim-speed',
    median: 1e6 / ours.cpu,
    unit: 'node-seconds/s',
    against: '1,000 nodes for 10 minutes within 5 minutes',
    ratio: 1e6 / ours.cpu / 2000,
    runs: 1,
  })
}

/** `cpu`: microseconds for each node and virtual second. */
function runQuiet(
  nodes: number,
  profile: GossipProfile,
): BandwidthResult & { readonly cpu: number } {
  const ring = quietRing({ seed: SEED, nodes, profile })
  const windowMs = quietWindowMs(nodes, profile)
  const before = process.cpuUsage()
  const result = measureQuiet(ring, windowMs)
  const { user, system } = process.cpuUsage(before)
  return { ...result, cpu: (1000 * (user + system)) / windowMs / nodes }
}

function reportBandwidth(
  report: Report,
  nodes: number,
  { ours, docker }: { readonly ours: number; readonly docker: number },
): void {
  const unit = 'B/node/s'
  const ratio = docker / ours
  report({ name: `bandwidth-${nodes}`, median: ours, unit, against: DOCKER, ratio, runs: 1 })
}

/** Real processes and sockets on loopback: start-up is most of the time. */
async function processes(report: Report, say: Say): Promise<void> {
  say(`starting ${NODES} nodes in ten processes`)
  const plan = { nodes: NODES, writes: WRITES }
  const ours = await measureGossipProcesses({ ...plan, profile: 'lan' })
  const docker = await measureGossipProcesses({ ...plan, profile: 'docker' })
  say(`all of ${NODES} saw all others after ${Math.round(ours.formedMs)} ms`)
  const against = "Docker's profile in the same processes"
  const median = percentile(ours.convergedMs, 50)
  const ratio = percentile(docker.convergedMs, 50) / median
  report({ name: `processes-${NODES}`, median, unit: 'ms', against, ratio, runs: WRITES })
}
