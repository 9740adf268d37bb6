/** A vitest reporter that leaves the sum of the run in the file that WEFT_TALLY names. */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import type { Skip, Tally } from './tally.ts'

/** Counts what vitest counts, and keeps the reason of each skip. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env['WEFT_TALLY']
    if (file !== undefined) writeFileSync(file, JSON.stringify(tallyOf(modules, unhandled)))
  }
}

/** A file that failed before its tests, and an error outside of all tests, are a failure each. */
function tallyOf(modules: readonly TestModule[], unhandled: readonly unknown[]): Tally {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const states = tests.map((test) => test.result().state)
  const skips = tests.flatMap((test): Skip[] => {
    const result = test.result()
    if (result.state !== 'skipped') return []
    return [{ name: `${test.project.name}: ${test.fullName}`, reason: result.note ?? '' }]
  })
  const brokenFiles = modules.filter((module) => module.errors().length > 0).length
  const failed = states.filter((state) => state === 'failed').length
  return {
    passed: states.filter((state) => state === 'passed').length,
    failed: failed + brokenFiles + unhandled.length,
    skips,
  }
}
