/** `npm run sim`: rings from a seed, canaries, and tables of figures. */
import { randomInt } from 'node:crypto'
import { ROWS_EACH } from '@weft/simulator'
import { hasHeap, heapBytes, runInLargerHeap } from './larger-heap.ts'
import { runCanaries } from './run-canaries.ts'
import { HELP, parseOptions, type SimOptions } from './options.ts'
import { printTable } from './print-table.ts'
import { runSeeds, type Paper } from './run-seeds.ts'

const SEEDS = 2 ** 31
const EXIT_WRONG_USE = 2

const paper: Paper = {
  out: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
}

function run(options: SimOptions): number {
  const bytes = heapBytes(options.cells.nodes ?? 0, rowsEach(options))
  if (!hasHeap(bytes)) return runInLargerHeap(bytes)
  const seed = options.seed ?? String(randomInt(SEEDS))
  if (options.table !== null) {
    printTable(options.table, { options, seed, paper })
    return 0
  }
  if (options.canary === null) return runSeeds(options, seed, paper) ? 0 : 1
  const caught = runCanaries(options.canary, options, paper)
  if (caught !== null) return caught ? 0 : 1
  paper.note(`no such canary: ${options.canary}\n\n${HELP}`)
  return EXIT_WRONG_USE
}

/** Rows that each node holds of each other: none but in one perturbation of the table. */
function rowsEach({ table, cells: { perturbation } }: SimOptions): number {
  const isPopulated = perturbation === null || perturbation === 'join-populated'
  return table === 'convergence' && isPopulated ? ROWS_EACH : 0
}

const parsed = parseOptions(process.argv.slice(2))
if (parsed.kind === 'help') process.stdout.write(HELP)
else if (parsed.kind === 'wrong') {
  paper.note(`${parsed.problem}\n\n${HELP}`)
  process.exitCode = EXIT_WRONG_USE
} else process.exitCode = run(parsed.options)
