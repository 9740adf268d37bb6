/** The nodes of the cluster but this one: who is active, failed, left (docker-wire §3.5). */
import { formatSocketAddress, type Instant } from '@weft/core'
import type { Member } from '../membership/member.ts'
import type { NodeEvent } from '../networkdb/messages.ts'
import { isWeftMeta } from './capability.ts'
import type { NodeRecord, NodeStatus } from './node-record.ts'
import { NodeSet } from './node-set.ts'
import type { TablesContext } from './tables-context.ts'

/**
 * Nodes remembered, of any status; beyond, the one that is gone for longest is forgotten. Active
 * ones are as many as membership allows.
 */
export const GONE_NODES_MAX = 16_384

/** What a change of status means for the rest. */
export interface NodeListener {
  nodeActivated(now: Instant, node: NodeRecord): void
  /** Membership calls it dead. */
  nodeFailed(now: Instant, node: NodeRecord): void
  /** It said goodbye, or its address is another node's now. */
  nodeLeft(now: Instant, node: NodeRecord): void
  /** Nothing is known of it any more. */
  nodeForgotten(now: Instant, node: NodeRecord): void
  /** Others believed that we had left, and are told that we have not. */
  weAreDefended(now: Instant): void
}

/** Follows membership and node events. Node events about ourselves that are not so are refuted. */
export class Nodes {
  readonly active: NodeSet = new NodeSet()
  readonly failed: NodeSet = new NodeSet()
  /** The active ones that compare digests. */
  readonly weft: NodeSet = new NodeSet()
  /** The active ones that do not. */
  readonly foreign: NodeSet = new NodeSet()
  readonly #context: TablesContext
  readonly #listener: NodeListener
  readonly #records = new Map<string, NodeRecord>()
  /** Failed and left ones, longest first. */
  readonly #gone = new Set<NodeRecord>()
  /** The newest node at each address. */
  readonly #addresses = new Map<string, NodeRecord>()
  /** Lamport time of our own newest node event. */
  #announced = 0
  #isLeaving = false

  constructor(context: TablesContext, listener: NodeListener) {
    this.#context = context
    this.#listener = listener
  }

  /** The node of this name, whatever its status. */
  get(name: string): NodeRecord | null {
    return this.#records.get(name) ?? null
  }

  /** Membership sees a node alive: a new one, or one that is back. */
  memberJoined(now: Instant, member: Member): void {
    if (member.name === this.#context.name) return
    const known = this.#records.get(member.name)
    const node = known ?? this.#add(now, member)
    this.#retireNamesake(now, node, formatSocketAddress(member.address))
    this.memberUpdated(now, member)
    this.#move(now, node, 'active')
  }

  /** Its metadata or address changed. */
  memberUpdated(_now: Instant, member: Member): void {
    const node = this.#records.get(member.name)
    if (node === undefined) return
    node.member = member
    const isWeft = isWeftMeta(member.meta)
    if (node.isWeft === isWeft) return
    this.#unlist(node)
    node.isWeft = isWeft
    this.#list(node)
  }

  /** Membership calls it dead, or it left by its own word. */
  memberLeft(now: Instant, member: Member): void {
    const node = this.#records.get(member.name)
    if (node === undefined) return
    node.member = member
    if (node.status === 'left') return
    this.#move(now, node, member.state === 'left' ? 'left' : 'failed')
  }

  /** A node event arrived; relayed if it moved somebody. */
  receive(now: Instant, event: NodeEvent): void {
    const { networkClock, counts, events } = this.#context
    networkClock.witness(event.lTime)
    if (event.nodeName === this.#context.name) {
      this.#aboutUs(now, event)
      return
    }
    const node = this.#records.get(event.nodeName)
    const isHere = node !== undefined && isInSight(node.member)
    if (!isHere || event.lTime <= node.lTime) {
      counts.stale++
      return
    }
    node.lTime = event.lTime
    const status = event.type === 'join' ? 'active' : 'left'
    if (node.status === status) return
    this.#move(now, node, status)
    events.put(event, 'relayed')
  }

  /** Tell everybody that we are here, or that we go. */
  announce(type: 'join' | 'leave'): void {
    const { name, networkClock, events } = this.#context
    this.#isLeaving = type === 'leave'
    this.#announced = networkClock.increment()
    events.put({ kind: 'node', type, lTime: this.#announced, nodeName: name }, 'own')
  }

  /** Forget those that are gone for long, or are too many. */
  reap(now: Instant): void {
    const { deadNodeForgetMs } = this.#context.profile
    for (const node of this.#gone) {
      const isOld = now - node.statusSince >= deadNodeForgetMs
      if (!isOld && this.#gone.size <= GONE_NODES_MAX) return
      this.#forget(now, node)
    }
  }

  /** True when there is something to be forgotten one day. */
  get hasGone(): boolean {
    return this.#gone.size > 0
  }

  #aboutUs(now: Instant, event: NodeEvent): void {
    if (event.lTime < this.#announced) return
    const isTrue = (event.type === 'leave') === this.#isLeaving
    // A push/pull of our own comes back as a join with our clock's time.
    if (isTrue) this.#announced = event.lTime
    else {
      this.#context.counts.refuted++
      this.announce(this.#isLeaving ? 'leave' : 'join')
      if (!this.#isLeaving) this.#listener.weAreDefended(now)
    }
  }

  #add(now: Instant, member: Member): NodeRecord {
    const node: NodeRecord = {
      name: member.name,
      member,
      status: 'left',
      lTime: 0,
      statusSince: now,
      isWeft: isWeftMeta(member.meta),
      attachments: new Map(),
    }
    this.#records.set(member.name, node)
    this.#list(node)
    return node
  }

  /** A new name at the address of another: that one is gone for good (docker-wire §3.5). */
  #retireNamesake(now: Instant, node: NodeRecord, address: string): void {
    const former = this.#addresses.get(address)
    this.#addresses.set(address, node)
    if (former === undefined || former === node || former.status === 'left') return
    if (formatSocketAddress(former.member.address) === address) this.#move(now, former, 'left')
  }

  #move(now: Instant, node: NodeRecord, status: NodeStatus): void {
    if (node.status === status) return
    this.#unlist(node)
    node.status = status
    node.statusSince = now
    this.#list(node)
    if (status === 'active') this.#listener.nodeActivated(now, node)
    else if (status === 'failed') this.#listener.nodeFailed(now, node)
    else this.#listener.nodeLeft(now, node)
    if (this.#gone.size > GONE_NODES_MAX) this.reap(now)
  }

  #list(node: NodeRecord): void {
    if (node.status !== 'active') {
      this.#gone.add(node)
      if (node.status === 'failed') this.failed.add(node)
      return
    }
    this.active.add(node)
    if (node.isWeft) this.weft.add(node)
    else this.foreign.add(node)
  }

  #unlist(node: NodeRecord): void {
    this.#gone.delete(node)
    this.failed.delete(node)
    this.active.delete(node)
    this.weft.delete(node)
    this.foreign.delete(node)
  }

  #forget(now: Instant, node: NodeRecord): void {
    const wasFailed = node.status === 'failed'
    this.#unlist(node)
    node.status = 'left'
    if (wasFailed) this.#listener.nodeLeft(now, node)
    this.#records.delete(node.name)
    const address = formatSocketAddress(node.member.address)
    if (this.#addresses.get(address) === node) this.#addresses.delete(address)
    this.#listener.nodeForgotten(now, node)
  }
}

/** Alive or suspect, as membership sees it. */
function isInSight(member: Member): boolean {
  return member.state === 'alive' || member.state === 'suspect'
}
