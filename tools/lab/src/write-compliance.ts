/**
 * `npm run compliance`: run the suite on every backend and write docs/compliance.md. With names of
 * columns behind `--` only these are run; the others are as they were when last run here.
 */
import { complianceCases, renderComplianceMatrix, runCase } from '@weft/dataplane/compliance'
import type { CaseResult, OpenLab, Waivers } from '@weft/dataplane/compliance'
import { openSimLab } from '@weft/dataplane-sim/lab'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KERNEL_BESIDE_USERSPACE } from './compliance-waivers.ts'
import { ESP_GUEST_MODULES, GUEST_SLOWNESS, runGuestSuite } from './guest-compliance.ts'
import { Guest } from './guest.ts'
import { guestKernel } from './guest-kernel.ts'
import { REPOSITORY } from './lab-programs.ts'
import { netnsLabs, type Backends, type NetnsLabsOptions } from './netns-lab.ts'
import { becomePrivate, insidePrivateWorld } from './private-world.ts'
import { qemuTier } from './qemu-tier.ts'

const DOCUMENT = join(REPOSITORY, 'docs/compliance.md')
/** Of each column, what came of it when it was last run. */
const KEPT = join(REPOSITORY, 'node_modules/.cache/weft/compliance.json')

/** The columns, and how each is run. */
const COLUMNS: { readonly [column: string]: (column: string) => Promise<readonly CaseResult[]> } = {
  kernel: runReal(['kernel']),
  userspace: runReal(['userspace']),
  'userspace beside kernel': runReal(['userspace', 'kernel']),
  'userspace, ESP': runReal(['userspace'], { sealing: 'ip' }),
  'userspace, ESP in UDP': runReal(['userspace'], { sealing: 'udp' }),
  sim: (column) => runAll(column, openSimLab()),
  'kernel, ESP (guest)': runInGuest(['kernel']),
  'kernel beside userspace, ESP (guest)': runInGuest(['kernel', 'userspace']),
  'userspace beside kernel, ESP (guest)': runInGuest(['userspace', 'kernel']),
}

const WAIVERS: { readonly [column: string]: Waivers | undefined } = {
  'kernel beside userspace, ESP (guest)': KERNEL_BESIDE_USERSPACE,
}

const NOTES = [
  'Columns with “ESP” are of encrypted networks: the same cases, with `vxlan-esp` where others',
  'have `vxlan`. Those with “guest” run on Debian’s kernel in QEMU, as the kernels that tests are',
  'run on have no ESP: some twenty minutes a column. `npm run compliance -- "kernel, ESP (guest)"`',
  'runs that column and no other. “Not run” is what was never run where this was written: QEMU was',
  'lacking, or time, or a kernel for it, which',
  '`tools/lab/qemu/fetch-kernel.sh ~/.cache/weft/guest-kernel` fetches.',
]

if (insidePrivateWorld()) await writeCompliance(process.argv.slice(2))
else {
  const [, script = '', ...columns] = process.argv
  await becomePrivate([process.execPath, '--conditions=@weft/source', script, ...columns])
}

async function writeCompliance(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.filter((column) => !(column in COLUMNS))
  if (unknown.length > 0) throw new Error(`no such column: ${unknown.join('; ')}`)
  for (const [column, run] of Object.entries(COLUMNS)) {
    if (wanted.length === 0 || wanted.includes(column)) keep(column, await run(column))
  }
  const results = Object.values(kept()).flat().map(waived)
  const columns = Object.keys(COLUMNS)
  const text = renderComplianceMatrix(results, complianceCases, { columns, notes: NOTES })
  writeFileSync(DOCUMENT, text)
  const isBroken = ({ outcome, waiver }: CaseResult): boolean =>
    waiver === null ? outcome.result === 'failed' : outcome.result === 'passed'
  const failed = results.filter(isBroken).length
  process.stdout.write(`${results.length - failed} passed or skipped, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}

function waived(result: CaseResult): CaseResult {
  return { ...result, waiver: WAIVERS[result.backend]?.[result.name] ?? null }
}

/** By column. */
type Kept = Readonly<Record<string, readonly CaseResult[]>>

function kept(): Kept {
  try {
    return JSON.parse(readFileSync(KEPT, 'utf8')) as Kept
  } catch {
    return {}
  }
}

/** Nothing is kept of a column that could not be run. */
function keep(column: string, results: readonly CaseResult[]): void {
  if (results.length === 0) return
  mkdirSync(dirname(KEPT), { recursive: true })
  writeFileSync(KEPT, JSON.stringify({ ...kept(), [column]: results }))
}

function runReal(backends: Backends, options: NetnsLabsOptions = {}) {
  return async (column: string): Promise<readonly CaseResult[]> => {
    await using labs = netnsLabs(backends, options)
    return await runAll(column, labs.open)
  }
}

async function runAll(backend: string, openLab: OpenLab): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const each of complianceCases) {
    const outcome = await runCase(each, openLab)
    results.push(told({ backend, name: each.name, outcome, waiver: null }))
  }
  return results
}

function runInGuest(backends: Backends) {
  return async (backend: string): Promise<readonly CaseResult[]> => {
    const tier = await qemuTier()
    const kernel = guestKernel()
    if (!tier.usable || kernel === null) {
      const missing = tier.usable ? [] : tier.missing
      process.stderr.write(`${backend}: not run, there is no ${missing.join(', no ')}\n`)
      return []
    }
    await using guest = await Guest.open({ kernel, modules: ESP_GUEST_MODULES, packages: [] })
    const results: CaseResult[] = []
    const suite = { backends, sealing: 'ip', slowness: GUEST_SLOWNESS } as const
    await runGuestSuite(guest, suite, {
      cases: /./,
      atOnce: 1,
      tell: (name, outcome) => void results.push(told({ backend, name, outcome, waiver: null })),
    })
    return results
  }
}

/** One line a case. */
function told(result: CaseResult): CaseResult {
  const { backend, name, outcome } = result
  const why = outcome.result === 'failed' ? `: ${outcome.reason}` : ''
  process.stdout.write(`${backend} ${name} ${outcome.result}${why}\n`)
  return result
}
