/** `npm run compliance`: run the suite on every backend and write docs/compliance.md. */
import { complianceCases, renderComplianceMatrix, runCase } from '@weft/dataplane/compliance'
import type { CaseResult, OpenLab } from '@weft/dataplane/compliance'
import { openSimLab } from '@weft/dataplane-sim/lab'
import { writeFileSync } from 'node:fs'
import { netnsLabs, type Backends } from './netns-lab.ts'
import { becomePrivate, insidePrivateWorld } from './private-world.ts'

const DOCUMENT = new URL('../../../docs/compliance.md', import.meta.url)

if (insidePrivateWorld()) await writeCompliance()
else {
  const script = process.argv[1] ?? ''
  await becomePrivate([process.execPath, '--conditions=@weft/source', script])
}

async function writeCompliance(): Promise<void> {
  const results = [
    ...(await runReal('kernel', ['kernel'])),
    ...(await runReal('userspace', ['userspace'])),
    ...(await runReal('userspace beside kernel', ['userspace', 'kernel'])),
    ...(await runAll('sim', openSimLab())),
  ]
  writeFileSync(DOCUMENT, renderComplianceMatrix(results, complianceCases))
  const failed = results.filter(({ outcome }) => outcome.result === 'failed').length
  process.stdout.write(`${results.length - failed} passed or skipped, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}

async function runReal(name: string, backends: Backends): Promise<readonly CaseResult[]> {
  await using labs = netnsLabs(backends)
  return await runAll(name, labs.open)
}

async function runAll(backend: string, openLab: OpenLab): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const each of complianceCases) {
    const { name } = each
    const outcome = await runCase(each, openLab)
    if (outcome.result === 'failed') process.stderr.write(`${backend} ${name}: ${outcome.reason}\n`)
    results.push({ backend, name, outcome, waiver: null })
  }
  return results
}
