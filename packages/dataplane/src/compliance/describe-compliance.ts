/** The suite in a test runner: one test per case, waivers that must still fail, no silent skips. */
import type { ComplianceCase } from './compliance-case.ts'
import type { OpenLab } from './lab.ts'
import type { CaseResult } from './matrix.ts'
import { runCase, type CaseOutcome } from './run-case.ts'

/** Reasons, by case name, why a backend may fail it for now. */
export type Waivers = { readonly [name: string]: string }

/** The little that is needed of a test runner; vitest's functions fit. */
export interface TestRunner {
  describe(name: string, body: () => void): void
  test(name: string, body: (context: TestContext) => Promise<void>): void
}

/** What the runner hands to a test. */
export interface TestContext {
  /** Ends the test as skipped, visibly. */
  skip(note?: string): void
}

/** Everything a suite is made from. */
export interface ComplianceSuite {
  /** Name of the backend (and its variant). */
  readonly backend: string
  readonly cases: readonly ComplianceCase[]
  readonly openLab: OpenLab
  readonly waivers: Waivers
  /** Told of every outcome, for `docs/compliance.md`. */
  readonly report?: (result: CaseResult) => void
}

/** Declare the tests of a suite. */
export function describeCompliance(suite: ComplianceSuite, runner: TestRunner): void {
  runner.describe(`${suite.backend} compliance`, () => {
    runner.test('waivers name cases that exist and give reasons', async () => {
      const problems = waiverProblems(suite.waivers, suite.cases)
      if (problems.length > 0) throw new Error(problems.join('; '))
    })
    for (const testCase of suite.cases) {
      const waiver = suite.waivers[testCase.name]
      runner.test(titleOf(testCase, waiver), async (context) => {
        const outcome = await runCase(testCase, suite.openLab)
        suite.report?.({
          backend: suite.backend,
          name: testCase.name,
          outcome,
          waiver: waiver ?? null,
        })
        const verdict = judge(outcome, waiver)
        if (verdict.kind === 'skip') context.skip(verdict.note)
        else if (verdict.kind === 'fail') throw new Error(verdict.reason, { cause: verdict.cause })
      })
    }
  })
}

function titleOf({ name, promise }: ComplianceCase, waiver: string | undefined): string {
  return waiver === undefined ? `${name}: ${promise}` : `${name}: waived, must fail: ${waiver}`
}

/** What a suite makes of an outcome. */
export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'skip'; readonly note: string }
  | { readonly kind: 'fail'; readonly reason: string; readonly cause: unknown }

/** A waived case still runs and must still fail: a stale waiver breaks the build. */
export function judge(outcome: CaseOutcome, waiver: string | undefined): Verdict {
  if (waiver !== undefined) {
    if (outcome.result === 'failed') return { kind: 'pass' }
    const reason = `waived case ${outcome.result}: remove the waiver (${waiver})`
    return { kind: 'fail', reason, cause: null }
  }
  switch (outcome.result) {
    case 'passed':
      return { kind: 'pass' }
    case 'skipped':
      return { kind: 'skip', note: `needs ${outcome.needs.join(', ')}` }
    case 'failed':
      return { kind: 'fail', reason: outcome.reason, cause: outcome.error }
  }
}

/** What is wrong with the waivers themselves. */
export function waiverProblems(
  waivers: Waivers,
  cases: readonly ComplianceCase[],
): readonly string[] {
  const names = new Set<string>(cases.map(({ name }) => name))
  return Object.entries(waivers).flatMap(([name, reason]) => {
    if (!names.has(name)) return [`waiver for a case that does not exist: ${name}`]
    return reason.trim() === '' ? [`waiver without a reason: ${name}`] : []
  })
}
