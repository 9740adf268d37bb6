/** The command line of `npm run sim`. */
import { parseArgs } from 'node:util'
import {
  isProfileName,
  PERTURBATIONS,
  type Perturbation,
  type ProfileName,
  type SwarmWishes,
} from '@weft/simulator'

/** Tables of figures. */
export const TABLES = ['convergence', 'anomaly', 'bandwidth', 'speed'] as const

/** The name of a table. */
export type TableName = (typeof TABLES)[number]

/** What is to be done. */
export interface SimOptions {
  /** Of the first run; more follow with the numbers after it. */
  readonly seed: string | null
  readonly runs: number
  readonly wishes: SwarmWishes
  readonly canary: string | null
  readonly table: TableName | null
  readonly isJson: boolean
  /** Failing seeds are added to seeds.txt. */
  readonly remembers: boolean
  readonly cells: CellWishes
}

/** Which cells of a table; null: those that belong to it. */
export interface CellWishes {
  readonly nodes: number | null
  readonly profileName: ProfileName | null
  readonly lossPercent: number | null
  readonly perturbation: Perturbation | null
  readonly trials: number | null
  readonly seconds: number | null
}

/** What the words on the command line come to. */
export type Parsed =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }
  | { readonly kind: 'run'; readonly options: SimOptions }

const NODES_DEFAULT = 5

/** What `--help` prints. */
export const HELP = `Whole gossip rings of the production code on virtual time, from a seed.

usage: npm run sim -- [options]

  --seed S          everything follows from it; drawn at random unless given
  --nodes N         hosts of the ring; ${NODES_DEFAULT} unless given
  --seeds COUNT     so many runs, with seeds S, S+1, ...
  --seconds T       how long faults go on, in virtual seconds; else the seed decides
  --profile NAME    docker, lan or wan; else the seed decides
  --loss P          percent of packets lost; else the seed decides
  --canary NAME     plant a bug, which must be caught; 'all' for each in turn
  --forget          do not add failing seeds to packages/simulator/seeds.txt
  --table NAME      figures instead of faults: convergence, anomaly, bandwidth, speed
  --trials N        for a table: trials of each cell
  --perturbation P  for --table convergence: ${PERTURBATIONS.slice(0, 4).join(', ')},
                    ${PERTURBATIONS.slice(4).join(', ')}
  --json            one document instead of lines
  --help            this text

The columns are explained in docs/simulator.md. Exits 0 when all held, 1 when a check was
violated (or a canary was not caught), 2 when the command is wrong.

examples:
  npm run sim -- --seed 7 --nodes 12
  npm run sim -- --seeds 1000 --profile lan
  npm run sim -- --table convergence --nodes 25 --loss 30 --trials 200
`

const WORDS = {
  seed: { type: 'string' },
  nodes: { type: 'string' },
  seeds: { type: 'string' },
  seconds: { type: 'string' },
  profile: { type: 'string' },
  loss: { type: 'string' },
  canary: { type: 'string' },
  forget: { type: 'boolean' },
  table: { type: 'string' },
  trials: { type: 'string' },
  perturbation: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Read the command line. */
export function parseOptions(words: readonly string[]): Parsed {
  let values: ReturnType<typeof readWords>
  try {
    values = readWords(words)
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
  if (values.help === true) return { kind: 'help' }
  const numbers = readNumbers(values)
  if (typeof numbers === 'string') return wrong(numbers)
  const names = readNames(values)
  if (typeof names === 'string') return wrong(names)
  const { nodes, seeds, seconds, loss, trials } = numbers
  const { profile, table, perturbation } = names
  const wishes: SwarmWishes = {
    nodes: nodes ?? NODES_DEFAULT,
    ...(profile === null ? {} : { profileName: profile }),
    ...(loss === null ? {} : { lossPercent: loss }),
    ...(seconds === null ? {} : { durationMs: 1000 * seconds }),
  }
  const options: SimOptions = {
    seed: values.seed ?? null,
    runs: seeds ?? 1,
    wishes,
    canary: values.canary ?? null,
    table,
    isJson: values.json === true,
    remembers: values.forget !== true,
    cells: { nodes, profileName: profile, lossPercent: loss, perturbation, trials, seconds },
  }
  return { kind: 'run', options }
}

function readWords(words: readonly string[]) {
  return parseArgs({ args: [...words], options: WORDS }).values
}

type Values = ReturnType<typeof readWords>

interface Numbers {
  readonly nodes: number | null
  readonly seeds: number | null
  readonly seconds: number | null
  readonly loss: number | null
  readonly trials: number | null
}

const BOUNDS = {
  nodes: [1, 65_536],
  seeds: [1, 1_000_000],
  seconds: [1, 86_400],
  loss: [0, 100],
  trials: [1, 1_000_000],
} as const

function readNumbers(values: Values): Numbers | string {
  const numbers = { nodes: null, seeds: null, seconds: null, loss: null, trials: null }
  const read: Record<keyof Numbers, number | null> = numbers
  for (const name of Object.keys(BOUNDS) as (keyof Numbers)[]) {
    const text = values[name]
    if (text === undefined) continue
    const [min, max] = BOUNDS[name]
    const number = Number(text)
    if (!Number.isInteger(number) || number < min || number > max) {
      return `--${name} wants a whole number from ${min} to ${max}`
    }
    read[name] = number
  }
  return read
}

interface Names {
  readonly profile: ProfileName | null
  readonly table: TableName | null
  readonly perturbation: Perturbation | null
}

function readNames({ profile, table, perturbation }: Values): Names | string {
  if (profile !== undefined && !isProfileName(profile)) return `no such profile: ${profile}`
  const tableName = TABLES.find((name) => name === table) ?? null
  if (table !== undefined && tableName === null) return `no such table: ${table}`
  const one = PERTURBATIONS.find((name) => name === perturbation) ?? null
  if (perturbation !== undefined && one === null) return `no such perturbation: ${perturbation}`
  return { profile: profile ?? null, table: tableName, perturbation: one }
}

function wrong(problem: string): Parsed {
  return { kind: 'wrong', problem }
}
