/** What a node's tables show of themselves. */

/** One network as this node sees it. */
export interface NetworkView {
  readonly networkId: string
  /** Nodes attached and alive, ourselves included. */
  readonly nodes: readonly string[]
  readonly rows: number
  readonly tombstones: number
  /** True once some peer has answered a bulk sync of it: what that one knew is known here. */
  readonly isAnswered: boolean
  /**
   * How long, in ms, the oldest disagreement that a digest showed has lasted; 0 when none is known
   * (P2: convergence lag).
   */
  readonly lagMs: number
}

/** Counters, since the start. */
export interface TablesCounters {
  /** Messages and rows refused, by reason. */
  readonly faults: Readonly<Record<string, number>>
  /** Rows applied, by road. */
  readonly applied: Readonly<Record<string, number>>
  /** Events that were not news. */
  readonly stale: number
  /** Held back until their owner's attachment or membership is known, and thrown away unheard. */
  readonly held: number
  readonly heldDropped: number
  /** What others said of us that is not so, put right. */
  readonly refuted: number
  readonly bulkSyncs: number
  readonly digestsSent: number
  readonly digestsDiffered: number
}
