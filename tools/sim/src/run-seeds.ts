/** Runs of the simulator, one line each, and what to do about those that failed. */
import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  drawSwarm,
  formatSeedLine,
  playSwarm,
  replayCommand,
  type Outcome,
  type SeedLine,
} from '@weft/simulator'
import type { SimOptions } from './options.ts'

/** Failing seeds, played by the tests for ever. */
export const SEEDS_FILE = fileURLToPath(
  new URL('../../../packages/simulator/seeds.txt', import.meta.url),
)

/** Transcript lines that a failure is shown with. */
const LINES_SHOWN = 40

/** Where lines go. */
export interface Paper {
  out(line: string): void
  note(line: string): void
}

/** Play `options.runs` seeds from the first on. True when all held. */
export function runSeeds(options: SimOptions, firstSeed: string, paper: Paper): boolean {
  const outcomes: Outcome[] = []
  if (!options.isJson) paper.out(HEADER)
  for (const seed of seedsFrom(firstSeed, options.runs)) {
    const line = { seed, wishes: options.wishes }
    const outcome = playSwarm(drawSwarm(seed, options.wishes))
    outcomes.push(outcome)
    if (!options.isJson) paper.out(formatOutcome(outcome))
    if (outcome.violation === null) continue
    explain(outcome, line, paper)
    if (options.remembers) remember(line, outcome, paper)
  }
  if (options.isJson) paper.out(JSON.stringify(outcomes.map(plain), null, 2))
  const failed = outcomes.filter(({ violation }) => violation !== null).length
  if (options.runs > 1) paper.note(`${outcomes.length - failed} of ${outcomes.length} seeds held`)
  return failed === 0
}

const HEADER = [
  'seed'.padStart(10),
  'nodes',
  'profile',
  'sealed',
  'loss',
  'steps',
  'seconds',
  'agreed',
  'sum     ',
  'result',
].join('  ')

/** The columns of docs/simulator.md. */
function formatOutcome(outcome: Outcome): string {
  const { options, violation, agreedAfterMs } = outcome
  const { numerator, denominator } = options.weather.loss
  return [
    options.seed.padStart(10),
    String(options.nodes).padStart(5),
    options.profileName.padEnd(7),
    (options.isSealed ? 'yes' : 'no').padEnd(6),
    `${(100 * numerator) / denominator}%`.padStart(4),
    String(outcome.steps).padStart(5),
    (outcome.virtualMs / 1000).toFixed(1).padStart(7),
    (agreedAfterMs === null ? '-' : (agreedAfterMs / 1000).toFixed(2)).padStart(6),
    outcome.checksum,
    violation === null ? 'held' : `FAILED: ${violation.check}`,
  ].join('  ')
}

/** Seeds that are numbers count up; others get a number behind them. */
function seedsFrom(first: string, runs: number): readonly string[] {
  const number = /^\d{1,15}$/.test(first) ? Number(first) : null
  return Array.from({ length: runs }, (_, i) => {
    if (number !== null) return String(number + i)
    return i === 0 ? first : `${first}-${i}`
  })
}

function explain(outcome: Outcome, line: SeedLine, paper: Paper): void {
  const { violation, lines } = outcome
  if (violation === null) return
  paper.note('')
  for (const text of lines.slice(-LINES_SHOWN)) paper.note(text)
  paper.note('')
  paper.note(`violated: ${violation.check} at ${violation.at.toFixed(3)} ms, ${violation.node}`)
  paper.note(`  ${violation.what}`)
  paper.note(`replay: ${replayCommand(line)}`)
  paper.note('')
}

function remember(line: SeedLine, { violation }: Outcome, paper: Paper): void {
  appendFileSync(SEEDS_FILE, `${formatSeedLine(line)}  # ${violation?.check ?? ''}\n`)
  paper.note(`added to ${SEEDS_FILE}`)
}

function plain(outcome: Outcome): object {
  const { options, violation, steps, virtualMs, agreedAfterMs, checksum } = outcome
  const { seed, nodes, profileName, isSealed } = options
  const faults = [...options.faults]
  const world = { seed, nodes, profileName, isSealed, faults }
  return { ...world, steps, virtualMs, agreedAfterMs, checksum, violation }
}
