/** What the tables of a node have seen, counted since its start. */
import type { GossipFault } from '../memberlist/faults.ts'
import type { Road } from './table.ts'

/** Mutable counts behind TablesCounters; one for all parts of the tables. */
export class TablesCounts {
  readonly faults: Partial<Record<GossipFault, number>> = {}
  readonly applied: Partial<Record<Road, number>> = {}
  stale = 0
  held = 0
  bulkSyncs = 0
  refuted = 0

  /** Something from the network was refused. */
  fault(reason: GossipFault): void {
    this.faults[reason] = (this.faults[reason] ?? 0) + 1
  }

  /** A row was written or deleted. */
  rowApplied(road: Road): void {
    this.applied[road] = (this.applied[road] ?? 0) + 1
  }
}
