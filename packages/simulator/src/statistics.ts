/** Percentiles of what was measured. */
import { assert } from '@weft/core'

/** The smallest sample that at least `percent` of a hundred of them do not exceed. */
export function percentile(samples: readonly number[], percent: number): number {
  assert(samples.length > 0, 'nothing has no percentiles')
  const sorted = samples.toSorted((a, b) => a - b)
  const rank = Math.ceil((percent / 100) * sorted.length)
  return sorted[Math.max(rank, 1) - 1] ?? NaN
}

/** The usual ones, or null when nothing was measured. */
export interface Summary {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Percentiles of samples in any order. */
export function summarize(samples: readonly number[]): Summary | null {
  if (samples.length === 0) return null
  const at = (percent: number): number => percentile(samples, percent)
  return { count: samples.length, p50: at(50), p99: at(99), p999: at(99.9), max: at(100) }
}
