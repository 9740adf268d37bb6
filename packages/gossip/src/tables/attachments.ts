/** Which other node is attached to which network: NetworkDB's network events (docker-wire §3.6). */
import type { Instant } from '@weft/core'
import type { NetworkEntry } from '../networkdb/messages.ts'
import type { DigestIndex } from '../reconcile/digest-index.ts'
import { Attachment, attachmentVersion, eventOf } from './attachment.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Networks } from './networks.ts'
import type { NodeRecord } from './node-record.ts'
import type { Nodes } from './nodes.ts'
import type { Road } from './table.ts'
import type { TablesContext } from './tables-context.ts'

/** Attachments of all nodes that are remembered; what comes beyond is refused. */
export const ATTACHMENTS_MAX = 262_144

/** News that came by anti-entropy are relayed while fewer events than this wait to be sent. */
export const RELAYED_EVENTS_MAX = 50

/** What an attachment means for rows. */
export interface AttachmentListener {
  /** A node is to be seen on a network of ours, newly or again. */
  peerAttached(now: Instant, network: LocalNetwork, node: NodeRecord): void
  /** It is away; it may come back with all that it owns. */
  peerSuspended(now: Instant, network: LocalNetwork, node: NodeRecord): void
  /** It left the network. */
  peerDetached(now: Instant, departure: Departure): void
}

/** A node leaves a network of ours. */
export interface Departure {
  readonly network: LocalNetwork
  readonly node: NodeRecord
  readonly road: Road
}

/** What attachments work with. */
export interface AttachmentsParts {
  readonly nodes: Nodes
  readonly networks: Networks
  /** All attachments of active nodes and our own, for digests. */
  readonly index: DigestIndex<Attachment>
  readonly listener: AttachmentListener
}

/** Remembers attachments of nodes that are away, and for a while those that ended. */
export class Attachments {
  readonly #context: TablesContext
  readonly #parts: AttachmentsParts
  /** Those that ended, the oldest first, and since when. */
  readonly #leaving = new Map<Attachment, Instant>()
  #count = 0

  constructor(context: TablesContext, parts: AttachmentsParts) {
    this.#context = context
    this.#parts = parts
  }

  /** Attachments of others that are remembered. */
  get size(): number {
    return this.#count
  }

  /** Told by an event, in a push/pull, or by a snapshot (`local`). What is news is relayed. */
  receive(now: Instant, told: NetworkEntry, road: Road): void {
    const { networkClock, counts, held } = this.#context
    networkClock.witness(told.lTime)
    const node = this.#parts.nodes.get(told.nodeName)
    const known = node?.attachmentTo(told.networkId) ?? null
    if (known !== null && known.version >= attachmentVersion(told)) {
      counts.stale++
    } else if (node === null || (known === null && node.status !== 'active')) {
      // Membership of the node is news that is still on its way (P2).
      if (held.hold(now, eventOf(told), road)) counts.held++
      else counts.stale++
    } else if (known === null && this.#count >= ATTACHMENTS_MAX) {
      counts.fault('too-many')
    } else {
      this.#apply(now, node, { attachment: Attachment.of(told), road })
    }
  }

  /** Everything that is known, for a push/pull; nothing of nodes that announced to leave. */
  *entries(): Iterable<NetworkEntry> {
    const { weft, foreign, failed } = this.#parts.nodes
    for (const nodes of [weft, foreign, failed]) {
      for (const node of nodes) yield* node.attachments
    }
  }

  /** A node is there, newly or again. */
  nodeActivated(now: Instant, node: NodeRecord): void {
    for (const attachment of node.attachments) {
      this.#parts.index.put(now, attachment)
      if (!attachment.leaving) this.#show(now, node, { attachment, road: 'membership' })
    }
  }

  /** A node is away; what it is attached to is remembered. */
  nodeFailed(now: Instant, node: NodeRecord): void {
    const { index, networks, listener } = this.#parts
    for (const attachment of node.attachments) {
      index.delete(now, attachment)
      if (attachment.leaving) continue
      const { networkId } = attachment
      const local = networks.hide(node, { networkId, road: 'membership' })
      if (local !== null) listener.peerSuspended(now, local, node)
    }
  }

  /** A node is gone; what it was attached to is forgotten. */
  nodeLeft(now: Instant, node: NodeRecord): void {
    for (const attachment of node.attachments) {
      this.#parts.index.delete(now, attachment)
      this.#leaving.delete(attachment)
      this.#goodbye(now, node, { attachment, road: 'membership' })
    }
    this.#count -= node.attachmentCount
    node.forgetAttachments()
  }

  /** True when there is something to be forgotten one day. */
  get hasLeaving(): boolean {
    return this.#leaving.size > 0
  }

  /** Since when we know that it ended; null: it did not. */
  endedAt(attachment: Attachment): Instant | null {
    return this.#leaving.get(attachment) ?? null
  }

  /** Forget what ended long ago. */
  reap(now: Instant): void {
    const { leaveMemoryMs } = this.#context.profile
    for (const [attachment, endedAt] of this.#leaving) {
      if (now - endedAt < leaveMemoryMs) return
      const { networkId, nodeName } = attachment
      this.#leaving.delete(attachment)
      this.#parts.index.delete(now, attachment)
      if (this.#parts.nodes.get(nodeName)?.forgetAttachment(networkId) === true) this.#count--
    }
  }

  #apply(now: Instant, node: NodeRecord, { attachment, road }: News): void {
    const { index, networks } = this.#parts
    const known = node.attachmentTo(attachment.networkId)
    if (known === null) this.#count++
    else this.#leaving.delete(known)
    node.putAttachment(attachment)
    if (attachment.leaving) this.#leaving.set(attachment, now)
    if (node.status === 'active') index.put(now, attachment)
    this.#relay(attachment, road)
    if (attachment.leaving === (known?.leaving ?? true)) return
    if (attachment.leaving) this.#goodbye(now, node, { attachment, road })
    else if (node.status === 'active') {
      if (road !== 'local') networks.local(attachment.networkId)?.noteNewcomer(now, node)
      this.#show(now, node, { attachment, road })
    }
  }

  #show(now: Instant, node: NodeRecord, { attachment, road }: News): void {
    const { networkId } = attachment
    const local = this.#parts.networks.show(node, { networkId, road })
    if (local !== null) this.#parts.listener.peerAttached(now, local, node)
  }

  #goodbye(now: Instant, node: NodeRecord, { attachment, road }: News): void {
    const { networkId } = attachment
    const network = this.#parts.networks.hide(node, { networkId, road })
    if (network !== null) this.#parts.listener.peerDetached(now, { network, node, road })
  }

  /**
   * Gossip is relayed always; what anti-entropy brought, while little waits to be sent; what we
   * remember from before a restart is no news to anybody.
   */
  #relay(attachment: Attachment, road: Road): void {
    if (road === 'local') return
    const { events } = this.#context
    const isRelayed = road === 'gossip' || events.size < RELAYED_EVENTS_MAX
    if (isRelayed) events.put(eventOf(attachment), 'relayed')
  }
}

interface News {
  readonly attachment: Attachment
  readonly road: Road
}
