/** The sum of a test run, as tally-reporter leaves it. */
import { readFileSync } from 'node:fs'

/** A test that did not run. */
export interface Skip {
  readonly name: string
  /** What it said; empty when it said nothing. */
  readonly reason: string
}

/** Numbers of one run. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skips: readonly Skip[]
}

/** Reads a tally; null when there is none or half of one, which a run that died leaves behind. */
export function readTally(file: string): Tally | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Tally
  } catch {
    return null
  }
}

/** Several runs as one. */
export function sumTallies(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: tallies.reduce((sum, { failed }) => sum + failed, 0),
    skips: tallies.flatMap(({ skips }) => skips),
  }
}

/** Skips by their reason, with how often and one example: what a reader can take in. */
export function describeSkips(skips: readonly Skip[]): string[] {
  const reasons = Map.groupBy(skips, reasonOf)
  return [...reasons].map(([reason, [first, ...others]]) => {
    const example = `${first?.name ?? ''}${others.length > 0 ? `, and ${others.length} more` : ''}`
    return `${reason} (${example})`
  })
}

/** What it said, or what its name says in parentheses, as of tests that a machine cannot run. */
function reasonOf({ reason, name }: Skip): string {
  if (reason !== '') return reason
  return /\(([^()]+ [^()]+)\)/.exec(name)?.[1] ?? 'no reason given'
}
