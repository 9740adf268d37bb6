/** Tables of figures: each cell is measured, printed, and held against its goal. */
import { anomalyTable } from './anomaly-table.ts'
import { bandwidthTable } from './bandwidth-table.ts'
import { convergenceTable } from './convergence-table.ts'
import type { SimOptions, TableName } from './options.ts'
import type { Paper } from './run-seeds.ts'
import { speedTable } from './speed-table.ts'

/** What a table is made from. */
export interface TableRequest {
  readonly options: SimOptions
  readonly seed: string
  readonly paper: Paper
}

/** Measures cells, tells of each as it comes, and returns them all for `--json`. */
export type Table = (request: TableRequest) => readonly object[]

const MAKERS: Readonly<Record<TableName, Table>> = {
  convergence: convergenceTable,
  anomaly: anomalyTable,
  bandwidth: bandwidthTable,
  speed: speedTable,
}

/** Print a table. */
export function printTable(name: TableName, request: TableRequest): void {
  const { options, paper } = request
  const quiet: Paper = { out: () => undefined, note: (line) => paper.note(line) }
  const cells = MAKERS[name]({ ...request, paper: options.isJson ? quiet : paper })
  if (options.isJson) paper.out(JSON.stringify(cells, null, 2))
}
