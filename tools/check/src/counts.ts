/** How many tests passed and failed, from vitest's own report. */
import { readFileSync } from 'node:fs'

/** Numbers of one run. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Reads the report; null when there is none or it is none, which a run that died leaves behind.
 * A file that failed without running any test counts as one failure.
 */
export function readCounts(file: string): Counts | null {
  try {
    return countsOf(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}

/** Counts from the parsed report; null when it is no report. */
export function countsOf(report: unknown): Counts | null {
  if (!isRecord(report)) return null
  const passed = report['numPassedTests']
  const failed = report['numFailedTests']
  const pending = report['numPendingTests']
  const files = report['testResults']
  if (typeof passed !== 'number' || typeof failed !== 'number') return null
  if (typeof pending !== 'number' || !Array.isArray(files)) return null
  const broken = files.filter(isBrokenFile).length
  return { passed, failed: failed + broken, skipped: pending }
}

function isBrokenFile(file: unknown): boolean {
  if (!isRecord(file) || file['status'] !== 'failed') return false
  const results = file['assertionResults']
  return !Array.isArray(results) || !results.some(isFailed)
}

function isFailed(test: unknown): boolean {
  return isRecord(test) && test['status'] === 'failed'
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
