/** Which rows somebody wants to hear of. */
import type { Row } from './table.ts'

/** What a watcher wants to hear of. Absent: all. */
export interface WatchFilter {
  readonly networkId?: string
  readonly table?: string
}

/** True when the row passes the filter. */
export function matches(filter: WatchFilter, row: Row): boolean {
  return (
    (filter.networkId === undefined || filter.networkId === row.networkId) &&
    (filter.table === undefined || filter.table === row.table)
  )
}
