/** DRAFT of the tables' door; its owner replaces this file by real modules. */
import type { Instant } from '@weft/core'
import type { Membership, MembershipDelegate } from '../membership/membership-contract.ts'
import type { TablesProfile } from '../profile.ts'
import type { AttachmentChange, Row, RowChange } from './table.ts'

/** What a watcher wants to hear of. Absent: all. */
export interface WatchFilter {
  readonly networkId?: string
  readonly table?: string
}

/** One network as this node sees it. */
export interface NetworkView {
  readonly networkId: string
  /** Nodes attached and alive, ourselves included. */
  readonly nodes: readonly string[]
  readonly rows: number
  readonly tombstones: number
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
  readonly bulkSyncs: number
  readonly digestsSent: number
  readonly digestsDiffered: number
}

/** NetworkDB as a state machine over a Membership, whose delegate is `delegate`. */
export declare class Tables {
  /** What the membership below calls. */
  readonly delegate: MembershipDelegate
  tick(now: Instant): void
  nextDeadline(): Instant | null
  /** Attach this node to a network. Peers accept its rows from now on. Idempotent. */
  attach(now: Instant, networkId: string): void
  /** Detach: own rows are deleted, those of others forgotten. Idempotent. */
  detach(now: Instant, networkId: string): void
  /**
   * Write a row of ours: created, or updated. Throws ERR_NOT_ATTACHED, ERR_ROW_TOO_LARGE,
   * ERR_NOT_OWNER (another node has this key).
   */
  put(now: Instant, row: { networkId: string; table: string; key: string; value: Uint8Array }): void
  /** Delete a row of ours. Throws ERR_NO_SUCH_ROW, ERR_NOT_OWNER. */
  remove(now: Instant, row: { networkId: string; table: string; key: string }): void
  rows(filter: WatchFilter): Iterable<Row>
  networks(): readonly NetworkView[]
  /** What is known now, as creates, then every change, until disposed. */
  watchRows(filter: WatchFilter, onChange: (change: RowChange) => void): Disposable
  watchAttachments(onChange: (change: AttachmentChange) => void): Disposable
  counters(): TablesCounters
}

/**
 * A whole gossip node: membership and tables behind the same four verbs. gossip.ts.
 *
 *   const gossip = new Gossip(now, options, ports)
 *   gossip.receive(now, from, bytes); gossip.streams.accept/received/ended
 *   gossip.tick(now); gossip.nextDeadline(); gossip.drain()
 *   gossip.join(now, addresses) / gossip.leave(now) / gossip.hasLeft
 *   gossip.membership (roster, counters, setMeta) / gossip.tables
 *   gossip.snapshot(): what GossipOptions.known / knownAttachments take
 */
export interface GossipSketch {
  readonly membership: Membership
  readonly tables: Tables
  readonly profile: TablesProfile
}
