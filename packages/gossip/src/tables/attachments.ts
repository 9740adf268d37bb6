/** Who is attached to which network: NetworkDB's network events (docker-wire §3.6). */
import { instantAfter, type Instant } from '@weft/core'
import type { NetworkEntry, NetworkEvent } from '../networkdb/messages.ts'
import { DigestIndex } from '../reconcile/digest-index.ts'
import { itemHash } from '../reconcile/item-hash.ts'
import type { Attachment } from './attachment.ts'
import { LocalNetwork } from './local-network.ts'
import type { NodeRecord } from './node-record.ts'
import { NodeSet } from './node-set.ts'
import type { Nodes } from './nodes.ts'
import type { AttachmentChange, Road } from './table.ts'
import { isSettled, type TablesContext } from './tables-context.ts'

/** Attachments of all nodes that are remembered; what comes beyond is refused. */
export const ATTACHMENTS_MAX = 262_144

/** News that came by anti-entropy are relayed while fewer events than this wait to be sent. */
export const RELAYED_EVENTS_MAX = 50

/** What an attachment means for rows. */
export interface AttachmentListener {
  /** A node is to be seen on a network, newly or again. */
  peerAttached(now: Instant, network: LocalNetwork, node: NodeRecord): void
  /** It is away; it may come back with all that it owns. */
  peerSuspended(now: Instant, network: LocalNetwork, node: NodeRecord): void
  /** It left the network. */
  peerDetached(now: Instant, network: LocalNetwork, node: NodeRecord, road: Road): void
}

/** A network that somebody is attached to. */
interface KnownNetwork {
  readonly id: string
  /** The others that are attached and active. */
  readonly peers: NodeSet
  local: LocalNetwork | null
}

/** Attachments of all nodes. Those of ourselves that are not so are refuted. */
export class Attachments {
  /** All attachments of active nodes and of our own, for digests. */
  readonly index: DigestIndex<Attachment> = new DigestIndex()
  readonly #context: TablesContext
  readonly #nodes: Nodes
  readonly #listener: AttachmentListener
  readonly #networks = new Map<string, KnownNetwork>()
  readonly #own = new Map<string, Attachment>()
  /** What others still know of us from before a restart, by network. */
  readonly #remembered = new Map<string, number>()
  /** Of others, by node; leaving ones are in `#leaving` too. */
  readonly #leaving = new Set<Attachment>()
  #count = 0

  constructor(context: TablesContext, nodes: Nodes, listener: AttachmentListener) {
    this.#context = context
    this.#nodes = nodes
    this.#listener = listener
  }

  /** The network if we are attached to it. */
  local(networkId: string): LocalNetwork | null {
    return this.#networks.get(networkId)?.local ?? null
  }

  /** Networks that we are attached to, in the order of attaching. */
  *locals(): Iterable<LocalNetwork> {
    for (const { networkId, isLive } of this.#own.values()) {
      const local = isLive ? this.local(networkId) : null
      if (local !== null) yield local
    }
  }

  /** Networks that both we and this node are attached to. */
  *sharedWith(node: NodeRecord): Iterable<LocalNetwork> {
    for (const local of this.locals()) if (local.peers.has(node)) yield local
  }

  /** Attach this node; null when it is already. */
  attach(now: Instant, networkId: string): LocalNetwork | null {
    if (this.#own.get(networkId)?.isLive === true) return null
    const network = this.#network(networkId)
    const local = new LocalNetwork(networkId, now, network.peers)
    network.local = local
    const remembered = this.#remembered.get(networkId)
    if (remembered === undefined) this.#announce(now, networkId, 'join')
    else this.#resume(now, networkId, remembered)
    this.#tellChange('attach', networkId, { nodeName: this.#context.name, road: 'local' })
    return local
  }

  /** Detach this node; null when it is not attached. */
  detach(now: Instant, networkId: string): LocalNetwork | null {
    const local = this.local(networkId)
    if (local === null) return null
    this.#network(networkId).local = null
    this.#announce(now, networkId, 'leave')
    this.#tellChange('detach', networkId, { nodeName: this.#context.name, road: 'local' })
    this.#dropIfUnused(networkId)
    return local
  }

  /** An event arrived, by itself or in a push/pull. What is news is relayed. */
  receive(now: Instant, event: NetworkEvent, road: Road): void {
    this.#context.networkClock.witness(event.lTime)
    if (event.nodeName === this.#context.name) {
      this.#aboutUs(now, event)
      return
    }
    const node = this.#nodes.get(event.nodeName)
    const known = node?.attachments.get(event.networkId)
    if (known !== undefined && known.version >= event.lTime) {
      this.#context.counts.stale++
      return
    }
    if (node === null || (known === undefined && node.status !== 'active')) {
      this.#hold(now, event, road)
      return
    }
    this.#apply(now, node, { event, road })
  }

  /**
   * Others know of this attachment of ours from before a restart: attaching to that network is not
   * told anew. Should they have forgotten, anti-entropy finds out.
   */
  remember({ networkId, lTime, leaving }: NetworkEntry): void {
    this.#context.networkClock.witness(lTime)
    if (!leaving) this.#remembered.set(networkId, lTime)
  }

  /** True when attaching to the network would be news to nobody. */
  isRemembered(networkId: string): boolean {
    return this.#remembered.has(networkId)
  }

  /** All own attachments get one fresh Lamport time: what a push/pull that joins begins with. */
  restamp(now: Instant): void {
    const lTime = this.#context.networkClock.increment()
    for (const attachment of this.#own.values()) {
      if (attachment.isLive) this.#putOwn(now, { ...attachment, version: lTime })
    }
  }

  /** What we last said of ourselves and this network; null when that was nothing. */
  ownEvent(networkId: string): NetworkEvent | null {
    const own = this.#own.get(networkId)
    if (own === undefined) return null
    const { nodeName, version, isLive } = own
    const type = isLive ? 'join' : 'leave'
    return { kind: 'network', type, lTime: version, nodeName, networkId }
  }

  /** Attachments that are remembered. */
  get size(): number {
    return this.#own.size + this.#count
  }

  /** Everything that is known, for a push/pull; nothing of nodes that announced to leave. */
  *entries(): Iterable<NetworkEntry> {
    for (const attachment of this.#own.values()) yield entryOf(attachment)
    for (const status of [this.#nodes.active, this.#nodes.failed]) {
      for (const node of status) {
        for (const attachment of node.attachments.values()) yield entryOf(attachment)
      }
    }
  }

  /** Names of the nodes that are attached and active, ourselves included. */
  nodeNames(networkId: string): readonly string[] {
    const network = this.#networks.get(networkId)
    if (network === undefined) return []
    const names = [...network.peers].map((node) => node.name)
    return network.local === null ? names : [this.#context.name, ...names]
  }

  /** All that is attached now, as changes. */
  *attached(): Iterable<AttachmentChange> {
    for (const networkId of this.#networks.keys()) {
      for (const nodeName of this.nodeNames(networkId)) {
        yield { type: 'attach', networkId, nodeName, road: 'local' }
      }
    }
  }

  nodeActivated(now: Instant, node: NodeRecord): void {
    for (const attachment of node.attachments.values()) {
      this.index.put(now, attachment)
      if (attachment.isLive) this.#show(now, node, { attachment, road: 'membership' })
    }
  }

  nodeFailed(now: Instant, node: NodeRecord): void {
    for (const attachment of node.attachments.values()) {
      this.index.delete(now, attachment.hash)
      if (!attachment.isLive) continue
      const local = this.#hide(node, { attachment, road: 'membership' })
      if (local !== null) this.#listener.peerSuspended(now, local, node)
    }
  }

  nodeLeft(now: Instant, node: NodeRecord): void {
    for (const attachment of node.attachments.values()) {
      this.index.delete(now, attachment.hash)
      this.#leaving.delete(attachment)
      const { networkId } = attachment
      const wasShown = this.#networks.get(networkId)?.peers.has(node) === true
      const local = wasShown
        ? this.#hide(node, { attachment, road: 'membership' })
        : this.local(networkId)
      if (local !== null) this.#listener.peerDetached(now, local, node, 'membership')
      this.#dropIfUnused(networkId)
    }
    this.#count -= node.attachments.size
    node.attachments.clear()
  }

  /** True when there is something to be forgotten one day. */
  get hasLeaving(): boolean {
    return this.#leaving.size > 0
  }

  /** Forget what left long ago. */
  reap(now: Instant): void {
    for (const attachment of this.#leaving) {
      if (attachment.forgetAt > now) continue
      this.#leaving.delete(attachment)
      this.index.delete(now, attachment.hash)
      const { networkId, nodeName } = attachment
      if (nodeName === this.#context.name) this.#own.delete(networkId)
      else if (this.#nodes.get(nodeName)?.attachments.delete(networkId) === true) this.#count--
    }
  }

  #apply(
    now: Instant,
    node: NodeRecord,
    { event, road }: { readonly event: NetworkEvent; readonly road: Road },
  ): void {
    const known = node.attachments.get(event.networkId)
    if (known === undefined && this.#count >= ATTACHMENTS_MAX) {
      this.#context.counts.fault('too-many')
      return
    }
    if (known === undefined) this.#count++
    else this.#leaving.delete(known)
    const attachment = this.#attachment(now, event)
    node.attachments.set(event.networkId, attachment)
    if (!attachment.isLive) this.#leaving.add(attachment)
    if (node.status === 'active') this.index.put(now, attachment)
    this.#relay(event, road)
    const wasLive = known?.isLive ?? false
    if (attachment.isLive === wasLive) return
    if (attachment.isLive && node.status === 'active') this.#show(now, node, { attachment, road })
    if (!attachment.isLive) this.#goodbye(now, node, { attachment, road })
  }

  #goodbye(
    now: Instant,
    node: NodeRecord,
    { attachment, road }: { readonly attachment: Attachment; readonly road: Road },
  ): void {
    const isShown = this.#networks.get(attachment.networkId)?.peers.has(node) === true
    const local = isShown ? this.#hide(node, { attachment, road }) : this.local(attachment.networkId)
    if (local !== null) this.#listener.peerDetached(now, local, node, road)
    this.#dropIfUnused(attachment.networkId)
  }

  #show(
    now: Instant,
    node: NodeRecord,
    { attachment, road }: { readonly attachment: Attachment; readonly road: Road },
  ): void {
    const network = this.#network(attachment.networkId)
    network.peers.add(node)
    this.#tellChange('attach', network.id, { nodeName: node.name, road })
    if (network.local !== null) this.#listener.peerAttached(now, network.local, node)
  }

  #hide(
    node: NodeRecord,
    { attachment, road }: { readonly attachment: Attachment; readonly road: Road },
  ): LocalNetwork | null {
    const network = this.#network(attachment.networkId)
    network.peers.delete(node)
    this.#tellChange('detach', network.id, { nodeName: node.name, road })
    return network.local
  }

  /** What is said of us is so, or is put right with a fresh Lamport time (§3.6 has no such rule). */
  #aboutUs(now: Instant, event: NetworkEvent): void {
    const own = this.#own.get(event.networkId)
    const isAttached = own?.isLive ?? false
    if (own !== undefined && event.lTime < own.version) {
      this.#context.counts.stale++
    } else if (isAttached === (event.type === 'join')) {
      if (own !== undefined) this.#putOwn(now, { ...own, version: event.lTime })
    } else if (isSettled(now, this.#context.startedAt)) {
      this.#context.counts.refuted++
      this.#announce(now, event.networkId, isAttached ? 'join' : 'leave')
    }
  }

  #resume(now: Instant, networkId: string, lTime: number): void {
    this.#remembered.delete(networkId)
    const event = { type: 'join', lTime, nodeName: this.#context.name, networkId } as const
    this.#putOwn(now, this.#attachment(now, { kind: 'network', ...event }))
  }

  #announce(now: Instant, networkId: string, type: 'join' | 'leave'): void {
    const { name, networkClock, events } = this.#context
    const lTime = networkClock.increment()
    const event = { kind: 'network', type, lTime, nodeName: name, networkId } as const
    this.#putOwn(now, this.#attachment(now, event))
    events.put(event, 'own')
  }

  #putOwn(now: Instant, attachment: Attachment): void {
    const former = this.#own.get(attachment.networkId)
    if (former !== undefined) this.#leaving.delete(former)
    this.#own.set(attachment.networkId, attachment)
    this.index.put(now, attachment)
    if (!attachment.isLive) this.#leaving.add(attachment)
  }

  #attachment(now: Instant, event: NetworkEvent): Attachment {
    const { networkId, nodeName, lTime } = event
    return {
      networkId,
      nodeName,
      version: lTime,
      isLive: event.type === 'join',
      hash: itemHash(networkId, nodeName, ''),
      forgetAt: instantAfter(now, this.#context.profile.leaveMemoryMs),
    }
  }

  /** Gossip is relayed always; what anti-entropy brought, while little waits to be sent. */
  #relay(event: NetworkEvent, road: Road): void {
    const { events } = this.#context
    if (road === 'gossip' || events.size < RELAYED_EVENTS_MAX) events.put(event, 'relayed')
  }

  #hold(now: Instant, event: NetworkEvent, road: Road): void {
    const { counts, held } = this.#context
    if (held.hold(now, event, road)) counts.held++
    else counts.stale++
  }

  #tellChange(
    type: 'attach' | 'detach',
    networkId: string,
    { nodeName, road }: { readonly nodeName: string; readonly road: Road },
  ): void {
    this.#context.watchers.attachment({ type, networkId, nodeName, road })
  }

  #network(networkId: string): KnownNetwork {
    const known = this.#networks.get(networkId)
    if (known !== undefined) return known
    const added: KnownNetwork = { id: networkId, peers: new NodeSet(), local: null }
    this.#networks.set(networkId, added)
    return added
  }

  #dropIfUnused(networkId: string): void {
    const network = this.#networks.get(networkId)
    if (network?.peers.size === 0 && network.local === null) this.#networks.delete(networkId)
  }
}

function entryOf({ networkId, nodeName, version, isLive }: Attachment): NetworkEntry {
  return { networkId, lTime: version, nodeName, leaving: !isLive }
}
