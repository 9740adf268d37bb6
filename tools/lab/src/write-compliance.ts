/**
 * `npm run compliance`: run the suite on every backend and write docs/compliance.md. What only a
 * kernel with ESP can do is run in a guest, which takes long; `-- --no-guest` leaves it out.
 */
import { complianceCases, renderComplianceMatrix, runCase } from '@weft/dataplane/compliance'
import type { CaseResult, OpenLab } from '@weft/dataplane/compliance'
import { openSimLab } from '@weft/dataplane-sim/lab'
import { writeFileSync } from 'node:fs'
import { ESP_GUEST_MODULES, GUEST_SLOWNESS, runGuestSuite } from './guest-compliance.ts'
import { Guest } from './guest.ts'
import { guestKernel } from './guest-kernel.ts'
import { netnsLabs, type Backends, type NetnsLabsOptions } from './netns-lab.ts'
import { becomePrivate, insidePrivateWorld } from './private-world.ts'
import { qemuTier } from './qemu-tier.ts'

const DOCUMENT = new URL('../../../docs/compliance.md', import.meta.url)

/** Pairs with a kernel's ESP, each in a column. */
const GUEST_SUITES: readonly (readonly [column: string, backends: Backends])[] = [
  ['kernel, ESP (guest)', ['kernel']],
  ['kernel beside userspace, ESP (guest)', ['kernel', 'userspace']],
  ['userspace beside kernel, ESP (guest)', ['userspace', 'kernel']],
]

const NOTES = [
  'Columns with “ESP” are of encrypted networks: the same cases, with `vxlan-esp` where others have `vxlan`.',
  'Those marked “guest” ran on Debian’s kernel in QEMU, as most machines’ kernels have no ESP that is',
  'within reach of a test; “not run” means that `npm run compliance` was told to leave them out, or found no',
  'QEMU or kernel for it (`tools/lab/qemu/fetch-kernel.sh ~/.cache/weft/guest-kernel` fetches one).',
]

if (insidePrivateWorld()) await writeCompliance()
else {
  const [, script = '', ...flags] = process.argv
  await becomePrivate([process.execPath, '--conditions=@weft/source', script, ...flags])
}

async function writeCompliance(): Promise<void> {
  const results = [
    ...(await runReal('kernel', ['kernel'])),
    ...(await runReal('userspace', ['userspace'])),
    ...(await runReal('userspace beside kernel', ['userspace', 'kernel'])),
    ...(await runReal('userspace, ESP', ['userspace'], { sealing: 'ip' })),
    ...(await runReal('userspace, ESP in UDP', ['userspace'], { sealing: 'udp' })),
    ...(await runAll('sim', openSimLab())),
    ...(process.argv.includes('--no-guest') ? [] : await runInGuest()),
  ]
  const columns = GUEST_SUITES.map(([column]) => column)
  writeFileSync(DOCUMENT, renderComplianceMatrix(results, complianceCases, { columns, notes: NOTES }))
  const failed = results.filter(({ outcome }) => outcome.result === 'failed').length
  process.stdout.write(`${results.length - failed} passed or skipped, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}

async function runReal(
  name: string,
  backends: Backends,
  options: NetnsLabsOptions = {},
): Promise<readonly CaseResult[]> {
  await using labs = netnsLabs(backends, options)
  return await runAll(name, labs.open)
}

async function runAll(backend: string, openLab: OpenLab): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const each of complianceCases) {
    const outcome = await runCase(each, openLab)
    results.push(told({ backend, name: each.name, outcome, waiver: null }))
  }
  return results
}

async function runInGuest(): Promise<readonly CaseResult[]> {
  const tier = await qemuTier()
  const kernel = guestKernel()
  if (!tier.usable || kernel === null) {
    const missing = tier.usable ? [] : tier.missing
    process.stderr.write(`no guest: ${missing.join(', ')}\n`)
    return []
  }
  await using guest = await Guest.open({ kernel, modules: ESP_GUEST_MODULES, packages: [] })
  const results: CaseResult[] = []
  for (const [backend, backends] of GUEST_SUITES) {
    const suite = { backends, sealing: 'ip', slowness: GUEST_SLOWNESS } as const
    await runGuestSuite(guest, suite, {
      cases: /./,
      atOnce: 2,
      tell: (name, outcome) => void results.push(told({ backend, name, outcome, waiver: null })),
    })
  }
  return results
}

/** Say so if it failed. */
function told(result: CaseResult): CaseResult {
  const { backend, name, outcome } = result
  if (outcome.result === 'failed') process.stderr.write(`${backend} ${name}: ${outcome.reason}\n`)
  return result
}
