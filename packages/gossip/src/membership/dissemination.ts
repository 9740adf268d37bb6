/** How news spreads: with whatever is sent anyway, and at gossip ticks (docker-wire §2.3, §2.9). */
import { instantAfter, setU8, type Instant, type Random, type SocketAddress } from '@weft/core'
import { MESSAGE_TYPE } from '../memberlist/message-type.ts'
import { PART_BYTES } from '../memberlist/packet-codec.ts'
import type { MembershipProfile } from '../profile.ts'
import { BroadcastQueue, type Broadcast } from './broadcast-queue.ts'
import type { MembershipDelegate } from './membership-delegate.ts'
import type { MemberList } from './member-list.ts'
import { isActive, type MemberRecord } from './member-record.ts'
import type { PacketSender } from './packet-sender.ts'
import { transmitsMax } from './scale.ts'
import { CHECKSUM_VERSION, newestVersion } from './versions.ts'

/** Bytes of a message's type. */
const TYPE_BYTES = 1

/**
 * Answers to strangers in one gossip interval that bring news along; honest nodes ask about once a
 * second. A ping can be replayed without any key, and each answer would use up a transmission.
 */
export const REPLIES_WITH_NEWS_MAX = 2

/** What dissemination works with. */
export interface DisseminationParts {
  readonly profile: MembershipProfile
  readonly members: MemberList
  readonly sender: PacketSender
  readonly delegate: MembershipDelegate
  readonly random: Random
  readonly selfName: string
}

/**
 * Broadcasts of ours and of the layer above, until each was transmitted often enough. Ticks have a
 * fixed phase and happen only while there is something to say; with `eagerMs`, what is new does not
 * wait for them the first time.
 */
export class Dissemination {
  readonly #parts: DisseminationParts
  readonly #queue = new BroadcastQueue()
  readonly #phaseMs: number
  #repliesFrom = Number.NEGATIVE_INFINITY
  #replies = 0
  #tickAt: Instant | null = null
  #eagerAt: Instant | null = null
  /** Members that we accuse: they hear it first, so that they can refute before others believe. */
  #accused: { readonly member: MemberRecord; readonly bytes: Uint8Array }[] = []

  constructor(parts: DisseminationParts) {
    this.#parts = parts
    this.#phaseMs = parts.random.below(Math.max(1, Math.floor(parts.profile.gossipIntervalMs)))
  }

  /** Say something to everyone. */
  broadcast(now: Instant, broadcast: Broadcast): void {
    this.#queue.add(broadcast)
    this.#wake(now)
  }

  /** As `broadcast`, of an accusation of ours; with `eagerMs` the accused hears it too. */
  accuse(now: Instant, member: MemberRecord, bytes: Uint8Array): void {
    this.broadcast(now, { about: member.name, bytes, onDone: null })
    if (this.#parts.profile.eagerMs > 0) this.#accused.push({ member, bytes })
  }

  /** When there is something to send; `now` is when that was last looked at. */
  nextAt(now: Instant): Instant | null {
    const { delegate } = this.#parts
    if (this.#tickAt === null && delegate.hasBroadcasts()) this.#wake(now)
    else if (this.#eagerAt === null && delegate.hasNewBroadcasts()) this.#wake(now)
    if (this.#eagerAt === null || this.#tickAt === null) return this.#eagerAt ?? this.#tickAt
    return this.#eagerAt < this.#tickAt ? this.#eagerAt : this.#tickAt
  }

  /** Send what is due. */
  run(now: Instant): void {
    const at = this.nextAt(now)
    if (at === null || now < at) return
    const isTick = this.#tickAt !== null && now >= this.#tickAt
    this.#tellAccused()
    this.#gossip(now, isTick ? Number.POSITIVE_INFINITY : this.#parts.profile.gossipNodes)
    this.#eagerAt = null
    if (!isTick) return
    const more = this.#queue.size > 0 || this.#parts.delegate.hasBroadcasts()
    this.#tickAt = more ? this.#tickAfter(now) : null
  }

  /** Send a message to an address, with as many broadcasts as there is room for. */
  send(to: SocketAddress, message: Uint8Array): void {
    const roomBytes = this.#parts.sender.roomBeside(message.length + PART_BYTES)
    this.#sendWith(to, [message, ...this.#take(roomBytes, Infinity)])
  }

  #sendWith(to: SocketAddress, parts: readonly Uint8Array[]): void {
    const { members, sender } = this.#parts
    // memberlist looks the recipient up by its address, as if that were its name (§2.3).
    const named = members.get(to.ip)
    const checksum = named !== undefined && newestVersion(named) >= CHECKSUM_VERSION
    sender.toAddress(to, parts, checksum)
  }

  /** As `send`, of what somebody asked for; beyond REPLIES_WITH_NEWS_MAX without broadcasts. */
  reply(now: Instant, to: SocketAddress, message: Uint8Array): void {
    if (now - this.#repliesFrom >= this.#parts.profile.gossipIntervalMs) {
      this.#repliesFrom = now
      this.#replies = 0
    }
    this.#replies++
    if (this.#replies <= REPLIES_WITH_NEWS_MAX) this.send(to, message)
    else this.#sendWith(to, [message])
  }

  #wake(now: Instant): void {
    const { eagerMs } = this.#parts.profile
    if (eagerMs > 0) this.#eagerAt ??= instantAfter(now, eagerMs)
    this.#tickAt ??= this.#tickAfter(now)
  }

  #tickAfter(now: Instant): Instant {
    const { gossipIntervalMs } = this.#parts.profile
    const ticks = Math.floor((now - this.#phaseMs) / gossipIntervalMs) + 1
    return (this.#phaseMs + ticks * gossipIntervalMs) as Instant
  }

  #gossip(now: Instant, transmitsBelow: number): void {
    const { profile, members, sender, selfName } = this.#parts
    const listens = (member: MemberRecord): boolean => {
      if (member.name === selfName) return false
      if (isActive(member)) return true
      return member.state === 'dead' && now - member.stateSince <= profile.gossipToTheDeadMs
    }
    for (const member of members.pick(profile.gossipNodes, listens)) {
      const news = this.#take(sender.roomBeside(0), transmitsBelow)
      if (news.length === 0) return
      sender.toMember(member, news)
    }
  }

  #tellAccused(): void {
    for (const { member, bytes } of this.#accused) {
      if (member.state === 'suspect') this.#parts.sender.toMember(member, [bytes])
    }
    if (this.#accused.length > 0) this.#accused = []
  }

  /** Ours first, then those of the layer above in what room is left. */
  #take(limitBytes: number, transmitsBelow: number): Uint8Array[] {
    const { profile, members, delegate } = this.#parts
    const taken =
      this.#queue.size === 0
        ? []
        : this.#queue.take({
            overheadBytes: PART_BYTES,
            limitBytes,
            transmitsBelow,
            transmitsMax: transmitsMax(profile.retransmitMult, members.size),
          })
    let leftBytes = limitBytes
    for (const bytes of taken) leftBytes -= bytes.length + PART_BYTES
    const overheadBytes = PART_BYTES + TYPE_BYTES
    if (leftBytes <= overheadBytes || !delegate.hasBroadcasts()) return taken
    for (const bytes of delegate.broadcasts(overheadBytes, leftBytes)) {
      taken.push(userMessage(bytes))
    }
    return taken
  }
}

/** A user message as a packet has it: its type, then its bytes. */
export function userMessage(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(TYPE_BYTES + bytes.length)
  setU8(message, 0, MESSAGE_TYPE.user)
  message.set(bytes, TYPE_BYTES)
  return message
}
