/** `npm test`: laws, lint, types and every test tier this machine allows. */
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseOptions, USAGE, type CheckOptions } from './options.ts'
import { runStep } from './step.ts'
import { staticSteps, testSteps, type Step } from './steps.ts'
import { describeSkips, readTally, sumTallies, type Tally } from './tally.ts'
import { probeTiers, type Tiers } from './tiers.ts'
import { listWorkspaces } from './workspaces.ts'

const ROOT = join(import.meta.dirname, '../../..')
const EXIT_USAGE = 2
const EXIT_INTERRUPTED = 130
/** Where plain users keep no administrator's programs on their PATH, the kernel tests need them. */
const ADMIN_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A folder for caches that works in a checkout that belongs to somebody else, too. */
function cacheFolder(scratch: string): string {
  const usual = join(ROOT, 'node_modules/.cache')
  try {
    mkdirSync(usual, { recursive: true })
    accessSync(usual, constants.W_OK)
    return usual
  } catch {
    return join(scratch, 'cache')
  }
}

function environment(scratch: string): Record<string, string> {
  const cache = cacheFolder(scratch)
  const path = [process.env['PATH'] ?? '', ...ADMIN_PATHS].join(delimiter)
  return {
    PATH: path,
    NX_DAEMON: 'false',
    NX_NO_CLOUD: 'true',
    NX_TUI: 'false',
    NX_CACHE_DIRECTORY: join(cache, 'nx'),
    NX_WORKSPACE_DATA_DIRECTORY: join(cache, 'nx-graph'),
  }
}

/** Runs one step; null when it was interrupted. */
async function perform(
  step: Step,
  env: Readonly<Record<string, string>>,
): Promise<boolean | null> {
  say(`\n> ${step.name}: ${step.argv.slice(0, 3).join(' ')}`)
  const result = await runStep(step.argv, { ...env, ...step.env })
  const seconds = (result.ms / 1000).toFixed(1)
  say(`> ${step.name}: ${result.ok ? 'ok' : `failed with exit code ${result.code}`} (${seconds} s)`)
  return result.interrupted ? null : result.ok
}

/** What the steps came to. */
interface Account {
  /** Names of steps that failed without a test to blame. */
  readonly failures: readonly string[]
  readonly tiers: Tiers
  readonly tally: Tally
}

/** Says what did not run and what failed, then the sum: a failed step is one failure. */
function conclude({ failures, tally, tiers }: Account): number {
  say('')
  for (const line of describeSkips(tally.skips)) say(`skipped: ${line}`)
  for (const line of tiers.off) say(`not run here: ${line}`)
  if (tiers.unmet !== null) say(`failed: ${tiers.unmet}`)
  for (const name of failures) say(`failed: ${name}`)
  const failed = tally.failed + failures.length + (tiers.unmet === null ? 0 : 1)
  say(`${tally.passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

async function check(options: CheckOptions, scratch: string): Promise<number> {
  const env = environment(scratch)
  Object.assign(process.env, env)
  const tiers = await probeTiers(process.env['WEFT_REQUIRE'])
  if (!tiers.netns) env['WEFT_NETNS'] = 'off'
  const steps = [
    ...staticSteps(options, listWorkspaces(ROOT)),
    ...testSteps(options, tiers.netns),
  ]
  const failures: string[] = []
  const tallies: Tally[] = []
  for (const [i, step] of steps.entries()) {
    const file = join(scratch, `tally-${i}.json`)
    const ok = await perform(step, { ...env, WEFT_TALLY: file })
    if (ok === null) return EXIT_INTERRUPTED
    const tally = step.tally === true ? readTally(file) : null
    if (tally !== null) tallies.push(tally)
    // A runner that failed without a failed test died: that is a failure of the step.
    if (!ok && (tally?.failed ?? 0) === 0) failures.push(step.name)
  }
  return options.watch ? 0 : conclude({ failures, tiers, tally: sumTallies(tallies) })
}

async function main(argv: readonly string[]): Promise<number> {
  process.chdir(ROOT)
  const options = parseOptions(argv, listWorkspaces(ROOT).map(({ name }) => name))
  if (typeof options === 'string') {
    process.stderr.write(`npm test: ${options}\n\n${USAGE}`)
    return EXIT_USAGE
  }
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const scratch = mkdtempSync(join(tmpdir(), 'weft-check-'))
  try {
    return await check(options, scratch)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

process.exitCode = await main(process.argv.slice(2))
