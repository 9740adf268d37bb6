/** One host of a swarm with what its user has done: the truth that its ring should come to know. */
import type { NetworkEntry, KnownMember } from '@weft/gossip'
import type { RingHost } from '../ring.ts'
import type { RowId } from './ledger.ts'
import type { NodeObserver } from './node-observer.ts'

/** A row as its owner wrote it last. */
export interface OwnRow {
  readonly networkId: string
  readonly table: string
  readonly key: string
  readonly value: Uint8Array
}

/** What a node wrote down for its successor. */
export interface Memory {
  readonly known: readonly KnownMember[]
  readonly knownAttachments: readonly NetworkEntry[]
}

/** Where a host is in its life. */
export interface SwarmNode {
  readonly host: RingHost
  /** Of the process that runs, or ran last. */
  name: string
  /** `leaving`: it has said goodbye and its process is about to end. */
  state: 'running' | 'leaving' | 'down'
  /** Until then it stands still, or says goodbye. */
  busyUntil: number
  observer: NodeObserver | null
  memory: Memory | null
  readonly rows: Map<RowId, OwnRow>
}

/** A host on which nothing has run yet. */
export function swarmNode(host: RingHost): SwarmNode {
  const rows = new Map<RowId, OwnRow>()
  return { host, name: '', state: 'down', busyUntil: 0, observer: null, memory: null, rows }
}
