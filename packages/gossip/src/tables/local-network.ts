/** A network that this node is attached to: its rows, and what is to be told of them. */
import type { Instant } from '@weft/core'
import { partBytes } from '../networkdb/encode.ts'
import type { NodeSet } from './node-set.ts'
import { RowStore } from './row-store.ts'
import { TransmitQueue } from './transmit-queue.ts'

/** Kept from attaching to detaching. */
export class LocalNetwork {
  readonly id: string
  readonly attachedAt: Instant
  /** The other nodes that are attached and active. */
  readonly peers: NodeSet
  readonly rows: RowStore = new RowStore()
  /** Table events on their way. */
  readonly queue: TransmitQueue = new TransmitQueue((bytes) => partBytes(bytes.length))
  /** When the queue is next emptied into packets; null while nothing waits. */
  gossipAt: Instant | null = null
  /** When what is new is sent ahead of that; null while nothing is new. */
  flushAt: Instant | null = null
  /** Bulk syncs of the attachment that are not over. */
  syncsLeft = 0
  /** Some peer has answered: what it knew is known. */
  isAnswered = false
  /** Since when events of others are relayed (§3.6 step 4); null while we catch up. */
  syncedAt: Instant | null = null

  constructor(id: string, attachedAt: Instant, peers: NodeSet) {
    this.id = id
    this.attachedAt = attachedAt
    this.peers = peers
  }
}
