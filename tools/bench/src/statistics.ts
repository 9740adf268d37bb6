/** Medians and percentiles: what is quoted of noisy measurements. */
import { assert } from '@weft/core'

/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, 'a median of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? 0)) / 2
}

/** The smallest value that at least `percent` percent of the values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  assert(values.length > 0, 'a percentile of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  const rank = Math.ceil((percent / 100) * sorted.length)
  return sorted[Math.max(0, rank - 1)] ?? 0
}

/** Milliseconds that `work` takes. */
export async function timeMs(work: () => void | Promise<void>): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

/**
 * Run two things in turn (A B, B A, A B, …), so that drift of the machine's speed hits both, and
 * hand back what each run measured.
 */
export async function interleaved(
  runs: number,
  ours: () => Promise<number>,
  baseline: () => Promise<number>,
): Promise<{ readonly ours: number[]; readonly baseline: number[] }> {
  const result = { ours: [] as number[], baseline: [] as number[] }
  for (let i = 0; i < runs; i++) {
    if (i % 2 === 0) result.ours.push(await ours())
    result.baseline.push(await baseline())
    if (i % 2 === 1) result.ours.push(await ours())
  }
  return result
}
