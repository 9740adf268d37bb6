/** A network that this node is attached to: its rows, and what is to be told of them. */
import type { Instant } from '@weft/core'
import { partBytes } from '../networkdb/encode.ts'
import type { NodeRecord } from './node-record.ts'
import type { NodeSet } from './node-set.ts'
import { RowStore } from './row-store.ts'
import { TransmitQueue } from './transmit-queue.ts'

/** So long after we heard that a node attached, it is taken to wait for rows, in ms. */
export const NEWCOMER_MS_MAX = 5000

/** Nodes of one network that are remembered to be new; the latest. */
export const NEWCOMERS_MAX = 1024

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
  /** Since when we know of those that attached, the latest last. */
  readonly #newcomers = new Map<NodeRecord, Instant>()

  constructor(id: string, attachedAt: Instant, peers: NodeSet) {
    this.id = id
    this.attachedAt = attachedAt
    this.peers = peers
  }

  /** A node says that it attached. */
  noteNewcomer(now: Instant, node: NodeRecord): void {
    this.#newcomers.delete(node)
    for (const [known, since] of this.#newcomers) {
      const isRecent = now - since < NEWCOMER_MS_MAX
      if (isRecent && this.#newcomers.size < NEWCOMERS_MAX) break
      this.#newcomers.delete(known)
    }
    this.#newcomers.set(node, now)
  }

  /**
   * Whether a node attaches just now, as far as we heard. Its word is often here before what it
   * asks: that needs a connection, which loss holds up for a second and more.
   */
  isNewcomer(now: Instant, node: NodeRecord): boolean {
    if (!this.peers.has(node)) return true
    const since = this.#newcomers.get(node)
    return since !== undefined && now - since < NEWCOMER_MS_MAX
  }
}
