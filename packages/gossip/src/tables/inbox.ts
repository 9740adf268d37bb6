/** What the membership below brings, sorted out and passed to the parts. */
import type { Instant } from '@weft/core'
import type { Member } from '../membership/member.ts'
import { decodeNetworkDb } from '../networkdb/decode.ts'
import { encodeNetworkDb } from '../networkdb/encode.ts'
import { messageType, NETWORKDB_TYPE } from '../networkdb/gossip-message.ts'
import type {
  BulkSync,
  NetworkDbMessage,
  NetworkPushPull,
} from '../networkdb/messages.ts'
import { entryOf } from './attachment.ts'
import { MemberItem } from './member-item.ts'
import type { Road } from './table.ts'
import type { TablesDelegate } from './tables-delegate.ts'
import type { TablesParts } from './tables-parts.ts'

/** Types of messages that are Weft's own (docker-wire §3.2 ends below). */
const OWN_TYPES = { first: 64, last: 79 } as const

/**
 * The delegate of the membership. `settle` is called when an input was dealt with as a whole, while
 * watchers wait.
 */
export function createInbox(
  parts: TablesParts,
  settle: (now: Instant, input: () => void) => void,
): TablesDelegate {
  const { nodes, attachments, own, context, reconnect } = parts
  const inbox = new Inbox(parts)
  const isAlone = (): boolean => nodes.weft.size + nodes.foreign.size === 0
  return {
    userMessage: (now, bytes, how) => settle(now, () => inbox.userMessage(now, bytes, how)),
    broadcasts: (overheadBytes, limitBytes) => context.events.take(overheadBytes, limitBytes),
    // Alone there is nobody to tell, and no reason to wake up for it.
    hasBroadcasts: () => !context.events.isEmpty && !isAlone(),
    hasNewBroadcasts: () => context.events.hasFresh && !isAlone(),
    localState: (now, join) => inbox.localState(now, join),
    mergeState: (now, state) => settle(now, () => inbox.mergeState(now, state)),
    memberJoined: (now, member) => settle(now, () => nodes.memberJoined(now, member)),
    memberUpdated: (now, member) => settle(now, () => inbox.memberUpdated(now, member)),
    memberLeft: (now, member) => settle(now, () => nodes.memberLeft(now, member)),
    joinEnded: (now, address, reason) => {
      settle(now, () => reconnect.joinEnded(now, address, reason))
    },
    begin: (now, known) => {
      settle(now, () => {
        inbox.memberUpdated(now, known.self)
        for (const member of known.members) nodes.memberJoined(now, member)
        for (const entry of known.attachments) {
          if (entry.nodeName === context.name) own.remember(entry)
          else attachments.receive(now, entry, 'local')
        }
      })
    },
    announceLeave: (now) => settle(now, () => nodes.announce('leave')),
    hasAnnouncedLeave: () => isAlone() || !context.events.waitsFor(context.name),
    attachments: () => [...own.entries(), ...attachments.entries()],
  }
}

/** Dispatches messages. Nothing here throws, whatever the bytes are. */
class Inbox {
  readonly #parts: TablesParts
  #self: MemberItem | null = null
  readonly #onPartFault = (fault: Parameters<TablesParts['context']['counts']['fault']>[0]): void =>
    this.#parts.context.counts.fault(fault)

  constructor(parts: TablesParts) {
    this.#parts = parts
  }

  /** Engines ask for everything over streams: by datagram, anybody could ask in their name. */
  userMessage(now: Instant, bytes: Uint8Array, how: 'packet' | 'stream'): void {
    const { context, reconciler } = this.#parts
    const type = messageType(bytes)
    if (type >= OWN_TYPES.first && type <= OWN_TYPES.last) {
      const fault = reconciler.receive(now, bytes)
      if (fault !== null) context.counts.fault(fault)
      return
    }
    if (type === NETWORKDB_TYPE.bulkSync && how === 'packet') {
      context.counts.fault('bad-type')
      return
    }
    const message = decodeNetworkDb(bytes, this.#onPartFault)
    if (typeof message === 'string') context.counts.fault(message)
    else this.#take(now, message)
  }

  /** Both sides of a push/pull that joins stamp their attachments anew (docker-wire §3.4). */
  localState(now: Instant, join: boolean): Uint8Array {
    const { context, attachments, own } = this.#parts
    if (join) own.restamp(now)
    const networks = [...own.entries(), ...attachments.entries()]
    const lTime = context.networkClock.time
    return encodeNetworkDb({ kind: 'push-pull', lTime, networks, nodeName: context.name })
  }

  mergeState(now: Instant, state: Uint8Array): void {
    // A member without tables has nothing to say.
    if (state.length === 0) return
    const message = decodeNetworkDb(state, this.#onPartFault)
    if (typeof message === 'string') this.#parts.context.counts.fault(message)
    else if (message.kind === 'push-pull') this.#pushPull(now, message)
    else this.#parts.context.counts.fault('bad-type')
  }

  /** Of ourselves, the other nodes that compare digests have to know. */
  memberUpdated(now: Instant, member: Member): void {
    const { nodes, memberSource, context } = this.#parts
    if (member.name !== context.name) nodes.memberUpdated(now, member)
    else memberSource.note(now, (this.#self ??= new MemberItem(member)))
  }

  #take(now: Instant, message: NetworkDbMessage, road: Road = 'gossip'): void {
    const { nodes, receiveAttachment, rows, context } = this.#parts
    switch (message.kind) {
      case 'node':
        nodes.receive(now, message)
        break
      case 'network':
        receiveAttachment(now, entryOf(message), road)
        break
      case 'table':
        rows.receive(now, message, road)
        break
      case 'compound':
        for (const part of message.messages) this.#take(now, part, road)
        break
      case 'bulk-sync':
        this.#bulkSync(now, message)
        break
      default:
        // A push/pull is state of a stream, never a message of its own.
        context.counts.fault('bad-type')
    }
  }

  #bulkSync(now: Instant, message: BulkSync): void {
    for (const event of message.events) this.#parts.rows.receive(now, event, 'bulk-sync')
    this.#parts.bulk.receive(now, message)
  }

  #pushPull(now: Instant, { nodeName, lTime, networks }: NetworkPushPull): void {
    const { nodes, receiveAttachment } = this.#parts
    nodes.receive(now, { kind: 'node', type: 'join', lTime, nodeName })
    for (const entry of networks) receiveAttachment(now, entry, 'push-pull')
  }
}
