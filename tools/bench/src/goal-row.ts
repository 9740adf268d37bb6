/** Rows of costs that have no peer, only a goal to stay below. */
import type { BenchRow } from './suite.ts'

/** The ratio says how many times the cost would fit into the goal. */
export function goalRow({
  goal,
  runs = 1,
  value,
  ...row
}: {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly goal: number
  readonly runs?: number
}): BenchRow {
  const against = `a goal of ${goal} ${row.unit}`
  return { name: row.name, median: value, unit: row.unit, against, ratio: goal / value, runs }
}
