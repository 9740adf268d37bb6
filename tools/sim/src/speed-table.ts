/** `--table speed`: node-seconds of virtual time that one core simulates in a second. */
import { quietRing, PROFILES, type ProfileName } from '@weft/simulator'
import { columns } from './columns.ts'
import type { TableRequest } from './print-table.ts'

const SIZES = [25, 100, 1000]
const SECONDS = 60

/** What a size came to; `--json` prints these. */
export interface SpeedRow {
  readonly profile: ProfileName
  readonly nodes: number
  readonly virtualSeconds: number
  readonly startSeconds: number
  readonly runSeconds: number
  readonly nodeSecondsPerSecond: number
  readonly residentMegabytes: number
}

/** Measure what was asked for: `--nodes`, `--seconds`, `--profile`. */
export function speedTable({ options, seed, paper }: TableRequest): readonly SpeedRow[] {
  const { nodes, profileName, seconds } = options.cells
  paper.out(HEADER)
  return (nodes === null ? SIZES : [nodes]).map((size) => {
    paper.note(`${size} nodes: filling a ring, then running it`)
    const row = measure(seed, { size, name: profileName ?? 'lan', seconds: seconds ?? SECONDS })
    paper.out(line(row))
    return row
  })
}

function measure(
  seed: string,
  { size, name, seconds }: { size: number; name: ProfileName; seconds: number },
): SpeedRow {
  const begin = cpuSeconds()
  const { world } = quietRing({ seed, nodes: size, profile: PROFILES[name]() })
  const started = cpuSeconds()
  world.run(world.now + 1000 * seconds)
  if (world.failure !== null) throw world.failure.error
  const runSeconds = cpuSeconds() - started
  return {
    profile: name,
    nodes: size,
    virtualSeconds: seconds,
    startSeconds: started - begin,
    runSeconds,
    nodeSecondsPerSecond: Math.round((size * seconds) / runSeconds),
    residentMegabytes: Math.round(process.memoryUsage().rss / 2 ** 20),
  }
}

/** Of this process, garbage collection included: others on the machine do not count. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const HEADER = columns([
  ['nodes', 5],
  ['profile', 7],
  ['virtual s', 9],
  ['start s', 7],
  ['  run s', 7],
  ['node-seconds/s', 14],
  ['     MB', 7],
])

function line(row: SpeedRow): string {
  return columns([
    [row.nodes, 5],
    [row.profile, 7],
    [row.virtualSeconds, 9],
    [row.startSeconds.toFixed(1).padStart(7), 7],
    [row.runSeconds.toFixed(1).padStart(7), 7],
    [row.nodeSecondsPerSecond, 14],
    [row.residentMegabytes, 7],
  ])
}
