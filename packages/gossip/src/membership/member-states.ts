/** The rules by which news changes what a node holds of the others (docker-wire §2.10). */
import { equalBytes, type Logger, type SocketAddress } from '@weft/core'
import type { Alive, Dead, PushPullNode, Suspect } from '../memberlist/messages.ts'
import { encodePacketMessage } from '../memberlist/packet-messages.ts'
import type { MembershipProfile } from '../profile.ts'
import type { Awareness } from './awareness.ts'
import type { Dissemination } from './dissemination.ts'
import type { MembershipDelegate } from './membership-delegate.ts'
import type { MemberList } from './member-list.ts'
import { isActive, MemberRecord } from './member-record.ts'
import { isAddressOf, readAddress } from './node-address.ts'
import { Suspicion } from './suspicion.ts'
import type { Tally } from './tally.ts'
import type { Timers } from './timers.ts'
import { areCompatible, sameVersions, sharedVersions, speaksOurs } from './versions.ts'

/**
 * The highest incarnation that may be accused by others, one less than 32 bits hold: whoever is
 * accused must be able to answer with a higher one. memberlist wraps around to 0 there and can
 * never refute again.
 */
export const ACCUSED_INCARNATION_MAX = 0xffff_fffe

/** The highest incarnation there is: 32 bits (docker-wire §2.2). */
export const INCARNATION_MAX = 0xffff_ffff

/** What the rules work on. */
export interface StateParts {
  readonly profile: MembershipProfile
  readonly timers: Timers
  readonly members: MemberList
  readonly dissemination: Dissemination
  readonly awareness: Awareness
  readonly tally: Tally
  readonly delegate: MembershipDelegate
  readonly log: Logger
}

/** Applies news. What is stale, unknown or not so is counted as ignored and changes nothing. */
export class MemberStates {
  readonly #parts: StateParts
  readonly #self: MemberRecord
  #isLeaving = false
  #hasTold = false

  constructor(self: MemberRecord, parts: StateParts) {
    this.#self = self
    this.#parts = parts
    parts.members.add(self)
    this.#announce()
  }

  /** True once `leave` was told widely enough, or nobody is there to tell. */
  get hasLeft(): boolean {
    return this.#isLeaving && (this.#hasTold || this.#parts.members.activeCount === 0)
  }

  /** Change what we say of ourselves. */
  setMeta(meta: Uint8Array): void {
    const incarnation = Math.min(INCARNATION_MAX, this.#self.incarnation + 1)
    this.#self.said = { ...this.#self.said, meta, incarnation }
    if (this.#isLeaving) return
    this.#announce()
    this.#parts.delegate.memberUpdated(this.#parts.timers.now, this.#self)
  }

  /** Say goodbye, once. */
  leave(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    const { members, dissemination, timers } = this.#parts
    members.enter(this.#self, 'left', timers.now)
    const { name, incarnation } = this.#self
    const bytes = encodePacketMessage({ kind: 'dead', incarnation, node: name, from: name })
    const onDone = (): void => {
      this.#hasTold = true
    }
    dissemination.broadcast(timers.now, { about: name, bytes, onDone })
  }

  /** A node is there. */
  alive(news: Alive): void {
    if (news.node === this.#self.name) return this.#aliveSelf(news)
    const { port } = news
    const known = this.#parts.members.get(news.node)
    const isSame = known !== undefined && isAddressOf(news.addr, port, known.address)
    if (isSame && news.incarnation <= known.incarnation) return this.#ignore()
    const address = isSame ? known.address : readAddress(news.addr, port)
    if (address === null || !speaksOurs(news.vsn)) return this.#ignore()
    if (known === undefined) return this.#welcome(news, address)
    // A name that is taken over has a new owner, whose incarnations begin anew.
    if (!isSame && !this.#mayMove(known)) return this.#conflict(news.node, news)
    this.#accept(known, news, address)
  }

  /** Somebody doubts that a node is there. */
  suspect(news: Suspect): void {
    if (news.incarnation > ACCUSED_INCARNATION_MAX || !this.#suspect(news)) this.#ignore()
  }

  /** A node is gone, by its own word or by that of others. */
  dead(news: Dead): void {
    if (news.incarnation > ACCUSED_INCARNATION_MAX || !this.#dead(news)) this.#ignore()
  }

  /** A probe of ours failed; `incarnation` is what the member had when it began. */
  probeFailed(member: MemberRecord, incarnation: number): void {
    this.#suspect({ kind: 'suspect', incarnation, node: member.name, from: this.#self.name })
  }

  /** Everything that a peer holds. False, and nothing is changed, when versions do not overlap. */
  merge(nodes: readonly PushPullNode[]): boolean {
    if (!areCompatible(nodes, this.#self)) return false
    for (const node of nodes) this.#mergeNode(node)
    return true
  }

  /**
   * A suspect answered a ping of ours. It lives, though only its own word ends a suspicion, which
   * others share by now: its time begins anew.
   */
  signOfLife(member: MemberRecord): void {
    member.suspicion?.restart()
  }

  /** False when it is no news. */
  #suspect(news: Suspect): boolean {
    const { members, tally } = this.#parts
    const member = members.get(news.node)
    if (member === undefined || news.incarnation < member.incarnation) return false
    if (member === this.#self) return !this.#isLeaving && this.#refute(news.incarnation)
    if (members.get(news.from) === undefined) return false
    if (member.suspicion !== null) {
      if (!member.suspicion.confirm(news.from)) return false
    } else if (member.state === 'alive') {
      tally.suspected++
      this.#doubt(member, news)
    } else return false
    this.#accuse(member, news)
    return true
  }

  /** False when it is no news. */
  #dead(news: Dead): boolean {
    const { members, dissemination, timers, delegate } = this.#parts
    const member = members.get(news.node)
    if (member === undefined || news.incarnation < member.incarnation) return false
    if (!isActive(member)) return false
    if (member === this.#self) return this.#refute(news.incarnation)
    endSuspicion(member)
    member.raise(news.incarnation)
    members.enter(member, news.from === news.node ? 'left' : 'dead', timers.now)
    const bytes = encodePacketMessage(news)
    dissemination.broadcast(timers.now, { about: news.node, bytes, onDone: null })
    this.#parts.log.info('member gone', { member: news.node, from: news.from })
    delegate.memberLeft(timers.now, member)
    return true
  }

  #mergeNode(node: PushPullNode): void {
    const { name, incarnation } = node
    switch (node.state) {
      case 'alive': {
        const { addr, port, meta, vsn } = node
        return this.alive({ kind: 'alive', incarnation, node: name, addr, port, meta, vsn })
      }
      case 'left':
        return this.dead({ kind: 'dead', incarnation, node: name, from: name })
      case 'dead':
      case 'suspect':
        // The dead are only doubted, so that one who lives has time to say so.
        return this.suspect({ kind: 'suspect', incarnation, node: name, from: this.#self.name })
    }
  }

  #aliveSelf(news: Alive): void {
    const self = this.#self
    if (this.#isLeaving || news.incarnation < self.incarnation) return this.#ignore()
    if (!isAddressOf(news.addr, news.port, self.address)) return this.#conflict(news.node, news)
    const isEcho = equalBytes(news.meta, self.meta) && sameVersions(news.vsn, self.vsn)
    if (news.incarnation === self.incarnation && isEcho) return
    if (!this.#refute(news.incarnation)) this.#ignore()
  }

  #welcome(news: Alive, address: SocketAddress): void {
    const { members, tally, timers } = this.#parts
    // memberlist keeps an unknown node as dead with incarnation 0, so that 0 is no news of it.
    if (news.incarnation === 0) return this.#ignore()
    if (members.isFull) return tally.fault('too-many')
    const { node: name, meta } = news
    const vsn = sharedVersions(news.vsn)
    const known = { name, address, meta: ownBytes(meta), vsn, incarnation: 0 }
    const member = new MemberRecord(known, 'dead', timers.now)
    members.add(member)
    this.#accept(member, news, address)
  }

  #accept(member: MemberRecord, news: Alive, address: SocketAddress): void {
    const { members, dissemination, timers, delegate } = this.#parts
    endSuspicion(member)
    const hasJoined = !isActive(member)
    const { name, said } = member
    const { incarnation } = news
    const meta = equalBytes(said.meta, news.meta) ? said.meta : ownBytes(news.meta)
    const vsn = sameVersions(said.vsn, news.vsn) ? said.vsn : sharedVersions(news.vsn)
    member.said = { name, address, meta, vsn, incarnation }
    if (member.state !== 'alive') members.enter(member, 'alive', timers.now)
    const bytes = encodePacketMessage(news)
    dissemination.broadcast(timers.now, { about: member.name, bytes, onDone: null })
    if (hasJoined) delegate.memberJoined(timers.now, member)
    else delegate.memberUpdated(timers.now, member)
  }

  /** A name may go to another address when its owner left it, or is dead for long enough. */
  #mayMove(member: MemberRecord): boolean {
    const { profile, timers } = this.#parts
    if (member.state === 'left') return true
    const reclaimMs = profile.deadNodeReclaimMs
    const deadMs = timers.now - member.stateSince
    return member.state === 'dead' && reclaimMs > 0 && deadMs > reclaimMs
  }

  #doubt(member: MemberRecord, news: Suspect): void {
    const { members, timers, profile, delegate } = this.#parts
    const isNewer = news.incarnation > member.incarnation
    member.raise(news.incarnation)
    members.enter(member, 'suspect', timers.now)
    if (isNewer) delegate.memberUpdated(timers.now, member)
    const onExpiry = (): void => this.#expire(member)
    const spec = { from: news.from, nodes: members.size, profile, onExpiry }
    member.suspicion = new Suspicion(spec, timers)
    this.#parts.log.debug('member suspected', { member: news.node, from: news.from })
  }

  #accuse(member: MemberRecord, news: Suspect): void {
    const { dissemination, timers } = this.#parts
    const bytes = encodePacketMessage(news)
    const isOurs = news.from === this.#self.name
    if (isOurs) dissemination.accuse(timers.now, member, bytes)
    else dissemination.broadcast(timers.now, { about: member.name, bytes, onDone: null })
  }

  #expire(member: MemberRecord): void {
    this.#parts.tally.declaredDead++
    const { name: node, incarnation } = member
    this.#dead({ kind: 'dead', incarnation, node, from: this.#self.name })
  }

  /**
   * Answer an accusation, or news of a life we had before, with a higher incarnation. False when
   * there is none.
   */
  #refute(accused: number): boolean {
    const { awareness, tally, delegate, timers } = this.#parts
    if (this.#self.incarnation === INCARNATION_MAX) return false
    const next = Math.max(this.#self.incarnation, accused) + 1
    this.#self.raise(Math.min(INCARNATION_MAX, next))
    awareness.add(1)
    tally.refuted++
    this.#announce()
    delegate.memberUpdated(timers.now, this.#self)
    return true
  }

  #announce(): void {
    const { dissemination, timers } = this.#parts
    const { name: node, addr, port, meta, vsn, incarnation } = this.#self
    const bytes = encodePacketMessage({ kind: 'alive', incarnation, node, addr, port, meta, vsn })
    dissemination.broadcast(timers.now, { about: node, bytes, onDone: null })
  }

  #conflict(name: string, { addr, port }: Alive): void {
    this.#parts.log.warn('two nodes claim one name', { name, addr, port })
    this.#ignore()
  }

  #ignore(): void {
    this.#parts.tally.ignored++
  }
}

function endSuspicion(member: MemberRecord): void {
  member.suspicion?.end()
  member.suspicion = null
}

/** Bytes of our own: a view into a packet would keep all of it alive. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? NO_BYTES : bytes.slice()
}

const NO_BYTES = new Uint8Array(0)
