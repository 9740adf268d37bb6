/** What a benchmark is, and the row it prints. */

/** One measured thing beside its baseline of the same run. */
export interface BenchRow {
  readonly name: string
  /** Median over the runs, in `unit`. */
  readonly median: number
  readonly unit: string
  /** What it was compared with. */
  readonly against: string
  /** Better when larger: ours over the baseline for rates, the baseline over ours for times. */
  readonly ratio: number
  readonly runs: number
  /** What else came out of the same runs: medians. */
  readonly beside?: readonly BenchFigure[]
}

/** A figure that is stated without being compared. */
export interface BenchFigure {
  readonly name: string
  readonly median: number
  readonly unit: string
}

/** A named group of measurements. */
export interface BenchSuite {
  readonly name: string
  /** A line for `--help`. */
  readonly describe: string
  /** True when it makes namespaces and devices, so that it runs in a private world. */
  readonly needsKernel: boolean
  /** Measure and report row by row; `say` takes progress and remarks for people. */
  run(report: (row: BenchRow) => void, say: (line: string) => void): Promise<void>
}
