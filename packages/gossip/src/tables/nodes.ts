/** The nodes of the cluster but this one: who is active, failed, left (docker-wire §3.5). */
import type { Instant, SocketAddress } from '@weft/core'
import { HashTable, textHash } from '../hash-table.ts'
import type { Member } from '../membership/member.ts'
import type { NodeEvent } from '../networkdb/messages.ts'
import type { MemberSource } from './member-source.ts'
import { NodeRecord, type NodeStatus } from './node-record.ts'
import { NodeSet, placesInRecords } from './node-set.ts'
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
  /** Others believed that we had left, and are told that we have not. */
  weAreDefended(now: Instant): void
}

/** Follows membership and node events. Node events about ourselves that are not so are refuted. */
export class Nodes {
  readonly failed: NodeSet = new NodeSet(placesInRecords)
  /** The active ones that compare digests. */
  readonly weft: NodeSet = new NodeSet(placesInRecords)
  /** The active ones that do not. */
  readonly foreign: NodeSet = new NodeSet(placesInRecords)
  readonly #context: TablesContext
  readonly #members: MemberSource
  readonly #listener: NodeListener
  readonly #records = new HashTable<NodeRecord, string>(BY_NAME)
  /** Failed and left ones, longest first, and since when. */
  readonly #gone = new Map<NodeRecord, Instant>()
  /** The newest node at each address. */
  readonly #addresses = new HashTable<NodeRecord, SocketAddress>(BY_ADDRESS)
  /** Lamport time of our own newest node event. */
  #announced = 0
  #isLeaving = false

  constructor(context: TablesContext, members: MemberSource, listener: NodeListener) {
    this.#context = context
    this.#members = members
    this.#listener = listener
  }

  /** The node of this name, whatever its status. */
  get(name: string): NodeRecord | null {
    return this.#records.get(name)
  }

  /** Whether the newest node at this address is active. */
  isActiveAt(address: SocketAddress): boolean {
    return this.#addresses.get(address)?.status === 'active'
  }

  /** Membership sees a node alive: a new one, or one that is back. */
  memberJoined(now: Instant, member: Member): void {
    if (member.name === this.#context.name) return
    const node = this.#records.get(member.name) ?? this.#add(now, member)
    this.#note(now, node, member)
    this.#retireNamesake(now, node)
    this.#move(now, node, 'active')
  }

  /** Its metadata or incarnation changed. */
  memberUpdated(now: Instant, member: Member): void {
    const node = this.#records.get(member.name)
    if (node === null) return
    this.#note(now, node, member)
    if (node.status !== 'active' || this.weft.has(node) === node.isWeft) return
    this.#unlist(node)
    this.#list(now, node)
  }

  /** Membership calls it dead, or it left by its own word. */
  memberLeft(now: Instant, member: Member): void {
    const node = this.#records.get(member.name)
    if (node === null) return
    this.#note(now, node, member)
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
    if (node === null || !isInSight(node.member) || event.lTime <= node.lTime) {
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
    for (const [node, since] of this.#gone) {
      const isOld = now - since >= deadNodeForgetMs
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
    const node = new NodeRecord(member)
    this.#records.put(node)
    this.#list(now, node)
    return node
  }

  #note(now: Instant, node: NodeRecord, member: Member): void {
    node.member = member
    this.#members.note(now, node)
  }

  /** A new name at the address of another: that one is gone for good (docker-wire §3.5). */
  #retireNamesake(now: Instant, node: NodeRecord): void {
    this.#forgetAddress(node)
    node.address = node.member.address
    const former = this.#addresses.put(node)
    if (former === null || former.status === 'left') return
    if (areEqual(former.member.address, node.address)) this.#move(now, former, 'left')
  }

  #forgetAddress(node: NodeRecord): void {
    if (this.#addresses.get(node.address) === node) this.#addresses.delete(node.address)
  }

  #move(now: Instant, node: NodeRecord, status: NodeStatus): void {
    if (node.status === status) return
    this.#unlist(node)
    node.status = status
    this.#list(now, node)
    if (status === 'active') this.#listener.nodeActivated(now, node)
    else if (status === 'failed') this.#listener.nodeFailed(now, node)
    else this.#listener.nodeLeft(now, node)
    if (this.#gone.size > GONE_NODES_MAX) this.reap(now)
  }

  #list(now: Instant, node: NodeRecord): void {
    if (node.status !== 'active') {
      this.#gone.set(node, now)
      if (node.status === 'failed') this.failed.add(node)
      return
    }
    if (node.isWeft) this.weft.add(node)
    else this.foreign.add(node)
  }

  #unlist(node: NodeRecord): void {
    this.#gone.delete(node)
    this.failed.delete(node)
    this.weft.delete(node)
    this.foreign.delete(node)
  }

  #forget(now: Instant, node: NodeRecord): void {
    const wasFailed = node.status === 'failed'
    this.#unlist(node)
    node.status = 'left'
    if (wasFailed) this.#listener.nodeLeft(now, node)
    this.#records.delete(node.name)
    this.#forgetAddress(node)
    this.#members.forget(now, node)
  }
}

const BY_NAME = {
  of: ({ name }: NodeRecord): string => name,
  hash: textHash,
  areEqual: (one: string, other: string): boolean => one === other,
}

const BY_ADDRESS = {
  of: ({ address }: NodeRecord): SocketAddress => address,
  hash: ({ ip, port }: SocketAddress): number => Math.imul(textHash(ip) ^ port, 0x9e37_79b1),
  areEqual,
}

function areEqual(one: SocketAddress, other: SocketAddress): boolean {
  return one.ip === other.ip && one.port === other.port
}

/** Alive or suspect, as membership sees it. */
function isInSight(member: Member): boolean {
  return member.state === 'alive' || member.state === 'suspect'
}
