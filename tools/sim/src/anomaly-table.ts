/** `--table anomaly`: Lifeguard's experiment (arXiv:1707.00788 §V) for SWIM, memberlist, ours. */
import { dockerProfile, lanProfile, type MembershipProfile } from '@weft/gossip'
import {
  playAnomaly,
  summarize,
  swimProfile,
  type AnomalyResult,
  type AnomalyRun,
} from '@weft/simulator'
import { columns, ms } from './columns.ts'
import type { TableRequest } from './print-table.ts'

const NODES = 128

/** C: how many are slow at once. */
const SLOW = [4, 16, 32]

/** D: how long they stand still, in ms. */
const BLOCKED_MS = [2048, 16_384, 32_768]

/** I: how long they run in between, in ms. */
const RUNNING_MS = [1, 1024]

/** As in the paper, where messages are held back; and as it happens to a process without a core. */
const BLOCKED = ['network', 'process'] as const

/** At least two minutes of anomalies, as in the paper. */
const SECONDS = 120

/** Members that crash in each run: what latencies are taken from. */
const CRASHES = 12

/** The rows of the table. */
export const CONFIGURATIONS: readonly (readonly [string, () => MembershipProfile])[] = [
  ['SWIM', swimProfile],
  ['Lifeguard', dockerProfile],
  ['ours', lanProfile],
]

/** What a configuration came to, over all cells; `--json` prints these. */
export interface AnomalyRow {
  readonly blocked: AnomalyRun['blocked']
  readonly configuration: string
  readonly runs: number
  readonly falsePositives: number
  readonly atHealthy: number
  /** Of SWIM's, in percent; null: SWIM had none. */
  readonly falsePositivesPercent: number | null
  readonly atHealthyPercent: number | null
  readonly firstDetectionMs: Latency | null
  readonly disseminationMs: Latency | null
  readonly packetsSent: number
  readonly packetBytesSent: number
}

interface Configuration {
  readonly name: string
  readonly blocked: AnomalyRun['blocked']
  readonly profile: MembershipProfile
}

interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** Measure what was asked for: `--nodes`, `--seconds`, `--trials` (runs of each cell). */
export function anomalyTable(request: TableRequest): readonly AnomalyRow[] {
  const { paper } = request
  return BLOCKED.flatMap((blocked) => {
    paper.out(`what stands still: the ${blocked}`)
    paper.out(HEADER)
    const rows: AnomalyRow[] = []
    for (const [name, profile] of CONFIGURATIONS) {
      const results = playCells(request, { name, blocked, profile: profile() })
      const row = { blocked, ...summary(name, results, rows[0] ?? null) }
      rows.push(row)
      paper.out(line(row))
    }
    paper.out('')
    return rows
  })
}

function playCells(
  { options, seed, paper }: TableRequest,
  { name, blocked, profile }: Configuration,
): readonly AnomalyResult[] {
  const { nodes, seconds, trials } = options.cells
  const results: AnomalyResult[] = []
  for (const slow of SLOW) {
    for (const blockedMs of BLOCKED_MS) {
      for (const runningMs of RUNNING_MS) {
        for (let trial = 0; trial < (trials ?? 1); trial++) {
          const result = playAnomaly({
            // The same for all configurations: their members have the same chance.
            seed: `${seed}/${slow}/${blockedMs}/${runningMs}/${trial}`,
            profile,
            nodes: nodes ?? NODES,
            slow,
            blocked,
            blockedMs,
            runningMs,
            durationMs: 1000 * (seconds ?? SECONDS),
            crashes: CRASHES,
          })
          results.push(result)
          const { falsePositives, atHealthy } = result
          const cell = `${name} ${blocked} C=${slow} D=${blockedMs} I=${runningMs}`
          paper.note(`${cell}: ${falsePositives} false positives, ${atHealthy} at healthy`)
        }
      }
    }
  }
  return results
}

function summary(
  configuration: string,
  results: readonly AnomalyResult[],
  swim: AnomalyRow | null,
): Omit<AnomalyRow, 'blocked'> {
  const sum = (of: (result: AnomalyResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0)
  const falsePositives = sum((result) => result.falsePositives)
  const atHealthy = sum((result) => result.atHealthy)
  return {
    configuration,
    runs: results.length,
    falsePositives,
    atHealthy,
    falsePositivesPercent: percentOf(falsePositives, swim?.falsePositives ?? falsePositives),
    atHealthyPercent: percentOf(atHealthy, swim?.atHealthy ?? atHealthy),
    firstDetectionMs: summarize(results.flatMap((result) => result.firstDetectionMs)),
    disseminationMs: summarize(results.flatMap((result) => result.disseminationMs)),
    packetsSent: sum((result) => result.packetsSent),
    packetBytesSent: sum((result) => result.packetBytesSent),
  }
}

function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : (100 * part) / whole
}

const HEADER = [
  columns([
    ['', 13],
    ['false positives', 31],
    ['first detection, ms', 23],
    ['full dissemination, ms', 23],
    ['message load', 18],
  ]),
  columns([
    ['configuration', 13],
    ['    FP', 6],
    ['% SWIM', 6],
    ['   FP-', 6],
    ['% SWIM', 6],
    ['   p50', 7],
    ['   p99', 6],
    [' p99.9', 6],
    ['   p50', 7],
    ['   p99', 6],
    [' p99.9', 6],
    ['messages', 9],
    ['     MB', 7],
  ]),
].join('\n')

function line(row: AnomalyRow): string {
  const percent = (value: number | null): string =>
    (value === null ? '-' : value.toFixed(2)).padStart(6)
  const latency = (value: Latency | null): readonly (readonly [string, number])[] => [
    [ms(value?.p50 ?? null, 7), 7],
    [ms(value?.p99 ?? null, 6), 6],
    [ms(value?.p999 ?? null, 6), 6],
  ]
  return columns([
    [row.configuration, 13],
    [row.falsePositives, 6],
    [percent(row.falsePositivesPercent), 6],
    [row.atHealthy, 6],
    [percent(row.atHealthyPercent), 6],
    ...latency(row.firstDetectionMs),
    ...latency(row.disseminationMs),
    [row.packetsSent, 9],
    [Math.round(row.packetBytesSent / 1e6), 7],
  ])
}
