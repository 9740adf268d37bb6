/** `npm run bench -- NAME [--json]`: measure one suite and print its rows. */
import { parseArgs } from 'node:util'
import { describeError } from '@weft/core'
import { becomePrivate, insidePrivateWorld } from '@weft/lab'
import { attachSuite } from './attach.ts'
import { clusterSuite } from './cluster.ts'
import { encryptionSuite } from './encryption.ts'
import { forwardingSuite } from './forwarding.ts'
import { gossipSuite } from './gossip.ts'
import { ipamSuite } from './ipam.ts'
import { programmingSuite } from './programming.ts'
import { repairSuite } from './repair.ts'
import type { BenchRow, BenchSuite } from './suite.ts'
import { userspaceSuite } from './userspace.ts'
import { wireSuite } from './wire.ts'

const SUITES: readonly BenchSuite[] = [
  forwardingSuite,
  programmingSuite,
  attachSuite,
  repairSuite,
  userspaceSuite,
  wireSuite,
  encryptionSuite,
  gossipSuite,
  clusterSuite,
  { ...ipamSuite, needsKernel: false },
]
const EXIT_CANNOT_RUN = 2

const HELP = `Benchmarks. Each row is a median and a ratio against a baseline of
the same run; the ratio is better when larger.

Usage: npm run bench -- NAME [--json]

${SUITES.map((suite) => `  ${suite.name.padEnd(12)} ${suite.describe}`).join('\n')}

Examples
  npm run bench -- programming
  npm run bench -- forwarding --json
`

const words = process.argv.slice(2)
try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${describeError(error)}\n`)
  process.exitCode = EXIT_CANNOT_RUN
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
  })
  const suite = SUITES.find((candidate) => candidate.name === positionals[0])
  if (values.help === true) process.stdout.write(HELP)
  else if (suite === undefined || positionals.length !== 1) {
    process.stderr.write(`bench: name one suite\n\n${HELP}`)
    process.exitCode = EXIT_CANNOT_RUN
  } else await measure(suite, values.json)
}

async function measure(suite: BenchSuite, json: boolean): Promise<void> {
  if (suite.needsKernel && !insidePrivateWorld()) {
    const script = process.argv[1] ?? ''
    await becomePrivate([process.execPath, '--conditions=@weft/source', script, ...words])
  }
  const results: BenchRow[] = []
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  await suite.run((row) => {
    results.push(row)
    if (!json) process.stdout.write(`${rowText(row)}\n`)
  }, say)
  if (json) process.stdout.write(`${JSON.stringify({ suite: suite.name, results })}\n`)
}

function rowText(row: BenchRow): string {
  const value = `${significant(row.median)} ${row.unit}`
  const ratio = `${significant(row.ratio)} times`
  const figures = `${row.name.padEnd(24)} ${value.padEnd(18)} ${ratio.padStart(12)}`
  const beside = (row.beside ?? []).map(
    ({ median, name, unit }) => `; ${name} ${significant(median)} ${unit}`,
  )
  return `${figures}  ${row.against} (${row.runs} runs)${beside.join('')}`
}

function significant(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : value.toPrecision(3)
}
