/** Which other node is attached to which network: NetworkDB's network events (docker-wire §3.6). */
import type { Instant } from '@weft/core'
import type { NetworkEntry, NetworkEvent } from '../networkdb/messages.ts'
import type { DigestIndex } from '../reconcile/digest-index.ts'
import { attachmentOf, entryOf, type Attachment } from './attachment.ts'
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
  readonly #leaving = new Set<Attachment>()
  #count = 0

  constructor(context: TablesContext, parts: AttachmentsParts) {
    this.#context = context
    this.#parts = parts
  }

  /** Attachments of others that are remembered. */
  get size(): number {
    return this.#count
  }

  /** An event arrived, by itself or in a push/pull. What is news is relayed. */
  receive(now: Instant, event: NetworkEvent, road: Road): void {
    const { networkClock, counts, held } = this.#context
    networkClock.witness(event.lTime)
    const node = this.#parts.nodes.get(event.nodeName)
    const known = node?.attachments.get(event.networkId)
    if (known !== undefined && known.version >= event.lTime) {
      counts.stale++
    } else if (node === null || (known === undefined && node.status !== 'active')) {
      // Membership of the node is news that is still on its way (P2).
      if (held.hold(now, event, road)) counts.held++
      else counts.stale++
    } else if (known === undefined && this.#count >= ATTACHMENTS_MAX) {
      counts.fault('too-many')
    } else {
      this.#apply(now, node, { event, road })
    }
  }

  /** Everything that is known, for a push/pull; nothing of nodes that announced to leave. */
  *entries(): Iterable<NetworkEntry> {
    const { active, failed } = this.#parts.nodes
    for (const nodes of [active, failed]) {
      for (const node of nodes) yield* [...node.attachments.values()].map(entryOf)
    }
  }

  /** A node is there, newly or again. */
  nodeActivated(now: Instant, node: NodeRecord): void {
    for (const attachment of node.attachments.values()) {
      this.#parts.index.put(now, attachment)
      if (attachment.isLive) this.#show(now, node, { attachment, road: 'membership' })
    }
  }

  /** A node is away; what it is attached to is remembered. */
  nodeFailed(now: Instant, node: NodeRecord): void {
    const { index, networks, listener } = this.#parts
    for (const { hash, networkId, isLive } of node.attachments.values()) {
      index.delete(now, hash)
      if (!isLive) continue
      const local = networks.hide(node, { networkId, road: 'membership' })
      if (local !== null) listener.peerSuspended(now, local, node)
    }
  }

  /** A node is gone; what it was attached to is forgotten. */
  nodeLeft(now: Instant, node: NodeRecord): void {
    for (const attachment of node.attachments.values()) {
      this.#parts.index.delete(now, attachment.hash)
      this.#leaving.delete(attachment)
      this.#goodbye(now, node, { attachment, road: 'membership' })
    }
    this.#count -= node.attachments.size
    node.attachments.clear()
  }

  /** True when there is something to be forgotten one day. */
  get hasLeaving(): boolean {
    return this.#leaving.size > 0
  }

  /** Forget what ended long ago; the oldest come first. */
  reap(now: Instant): void {
    for (const attachment of this.#leaving) {
      if (attachment.forgetAt > now) return
      const { networkId, nodeName, hash } = attachment
      this.#leaving.delete(attachment)
      this.#parts.index.delete(now, hash)
      if (this.#parts.nodes.get(nodeName)?.attachments.delete(networkId) === true) this.#count--
    }
  }

  #apply(now: Instant, node: NodeRecord, { event, road }: Arrival): void {
    const known = node.attachments.get(event.networkId)
    if (known === undefined) this.#count++
    else this.#leaving.delete(known)
    const attachment = attachmentOf(now, event, this.#context.profile.leaveMemoryMs)
    node.attachments.set(event.networkId, attachment)
    if (!attachment.isLive) this.#leaving.add(attachment)
    if (node.status === 'active') this.#parts.index.put(now, attachment)
    this.#relay(event, road)
    if (attachment.isLive === (known?.isLive ?? false)) return
    if (!attachment.isLive) this.#goodbye(now, node, { attachment, road })
    else if (node.status === 'active') this.#show(now, node, { attachment, road })
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

  /** Gossip is relayed always; what anti-entropy brought, while little waits to be sent. */
  #relay(event: NetworkEvent, road: Road): void {
    const { events } = this.#context
    if (road === 'gossip' || events.size < RELAYED_EVENTS_MAX) events.put(event, 'relayed')
  }
}

interface Arrival {
  readonly event: NetworkEvent
  readonly road: Road
}

interface News {
  readonly attachment: Attachment
  readonly road: Road
}
