/** Tables of figures. */
import type { SimOptions, TableName } from './options.ts'
import type { Paper } from './run-seeds.ts'

/** What a table is made from. */
export interface TableRequest {
  readonly options: SimOptions
  readonly seed: string
  readonly paper: Paper
}

/** Print a table; true: there are no goals to miss. */
export function printTable(name: TableName, { paper }: TableRequest): boolean {
  paper.note(`${name}: to come`)
  return true
}
