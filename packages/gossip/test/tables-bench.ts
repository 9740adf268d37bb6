/** One node's tables on a bench: the membership below is played by the test. */
import { SeededRandom, utf8Bytes, utf8Text, type Instant } from '@weft/core'
import type { Member } from '../src/membership/member.ts'
import type { Roster } from '../src/membership/roster.ts'
import { decodeNetworkDb } from '../src/networkdb/decode.ts'
import { encodeNetworkDb } from '../src/networkdb/encode.ts'
import { messageType } from '../src/networkdb/gossip-message.ts'
import type {
  BulkSync,
  NetworkDbMessage,
  NetworkEntry,
  NetworkEvent,
  NodeEvent,
  TableEvent,
} from '../src/networkdb/messages.ts'
import { dockerProfile, type GossipProfile } from '../src/profile.ts'
import { weftMeta } from '../src/tables/capability.ts'
import type { AttachmentChange, RowChange } from '../src/tables/table.ts'
import { Tables } from '../src/tables/tables.ts'
import { addressOf } from './gossip-world.ts'

/** Something that the tables sent. */
export interface Sent {
  readonly to: string
  readonly how: 'packet' | 'stream'
  /** Null for messages of a digest exchange. */
  readonly message: NetworkDbMessage | null
}

/** What the tables asked the membership below to do. */
export class Outbox {
  readonly sent: Sent[] = []
  /** Addresses that were joined, names that were exchanged with. */
  readonly joined: string[] = []
  readonly exchanged: string[] = []

  /** Table events that were gossiped since the last look. */
  gossiped(): TableEvent[] {
    return this.sent.splice(0).flatMap(({ message }) => {
      if (message?.kind !== 'compound') return []
      return message.messages.filter((part) => part.kind === 'table')
    })
  }

  /** Bulk syncs that were sent since the last look, with whom they went to. */
  bulkSyncs(): (BulkSync & { to: string })[] {
    return this.sent
      .splice(0)
      .flatMap(({ to, message }) => (message?.kind === 'bulk-sync' ? [{ ...message, to }] : []))
  }

  /** Compounds that went by stream since the last look. */
  streamed(): Sent[] {
    const sent = this.sent.splice(0)
    return sent.filter(({ how, message }) => how === 'stream' && message?.kind === 'compound')
  }
}

/** Tables of a node called `me`; other nodes are `n1`, `n2`, … */
export class Bench {
  now = 0 as Instant
  readonly tables: Tables
  readonly out = new Outbox()
  readonly rowChanges: RowChange[] = []
  readonly attachmentChanges: AttachmentChange[] = []
  readonly #members = new Map<string, { -readonly [Key in keyof Member]: Member[Key] }>()

  constructor(profile: Partial<GossipProfile> = {}, attachments: NetworkEntry[] = []) {
    const self = memberOf('n99')
    const roster: Partial<Roster> = { self, get: (name) => this.#members.get(name) ?? null }
    Object.defineProperty(roster, 'activeCount', { get: () => this.#members.size + 1 })
    this.tables = new Tables(
      this.now,
      {
        name: 'me',
        profile: { ...dockerProfile(), ...profile },
        payloadBytesMax: 1394,
        bootstrap: [addressOf('n77')],
      },
      {
        random: new SeededRandom(1),
        lines: {
          roster: roster as Roster,
          send: (_, { name }, { bytes, how }) => {
            this.out.sent.push({ to: name, how, message: read(bytes) })
          },
          join: (_, { ip }) => void this.out.joined.push(ip),
          exchange: (_, { name }) => void this.out.exchanged.push(name),
        },
      },
    )
    this.tables.delegate.begin(this.now, { members: [], self, attachments })
    this.tables.watchRows({}, (change) => this.rowChanges.push(change))
    this.tables.watchAttachments((change) => this.attachmentChanges.push(change))
  }

  /** Membership sees these nodes alive. */
  alive(...names: string[]): this {
    for (const name of names) {
      this.#tell(name, 'alive', (member) => this.delegate.memberJoined(this.now, member))
    }
    return this
  }

  /** Membership sees them dead, or gone by their own word. */
  gone(state: 'dead' | 'left', ...names: string[]): this {
    for (const name of names) {
      this.#tell(name, state, (member) => this.delegate.memberLeft(this.now, member))
    }
    return this
  }

  /** Nodes that are alive and attached to the network `blue`. */
  peers(...names: string[]): this {
    this.alive(...names)
    names.forEach((name) => this.hear(join(name, 1)))
    return this
  }

  /** Messages arrive, each by itself; push/pulls as such. */
  hear(...messages: NetworkDbMessage[]): this {
    for (const message of messages) {
      const bytes = encodeNetworkDb(message)
      if (message.kind === 'push-pull') this.delegate.mergeState(this.now, bytes, false)
      else {
        const how = message.kind === 'bulk-sync' ? 'stream' : 'packet'
        this.delegate.userMessage(this.now, bytes, how)
      }
    }
    return this
  }

  put(key: string, text: string): this {
    const value = utf8Bytes(text)
    this.tables.put(this.now, { networkId: 'blue', table: 't', key, value })
    return this
  }

  /** Time goes by; what is due is done when it is. */
  run(ms: number): this {
    const until = this.now + ms
    for (;;) {
      const at = this.tables.nextDeadline()
      if (at === null || at > until) break
      this.now = Math.max(at, this.now) as Instant
      this.tables.tick(this.now)
    }
    this.now = until as Instant
    return this
  }

  get delegate(): Tables['delegate'] {
    return this.tables.delegate
  }

  #tell(name: string, state: Member['state'], tell: (member: Member) => void): void {
    const member = this.#members.get(name) ?? memberOf(name)
    member.state = state
    this.#members.set(name, member)
    tell(member)
    if (state !== 'alive') this.#members.delete(name)
  }
}

/** `key=value@lTime of owner`, a line for each row that is to be seen. */
export function linesOf({ tables }: Bench): string[] {
  return [...tables.rows({})].map(({ key, value, lTime, owner }) => {
    return `${key}=${utf8Text(value, 0, value.length)}@${lTime} of ${owner}`
  })
}

/** Node and network events that would go to everybody now. */
export function broadcastsOf({ delegate }: Bench): NetworkDbMessage[] {
  return delegate
    .broadcasts(2, 100_000)
    .map(read)
    .filter((message) => message !== null)
}

/** What a push/pull brings. */
export function pushPull(
  nodeName: string,
  lTime: number,
  networks: readonly NetworkEntry[],
): NetworkDbMessage {
  return { kind: 'push-pull', nodeName, lTime, networks }
}

/** Weft nodes are called w1, w2, …; their metadata says so. */
export function memberOf(name: string): { -readonly [Key in keyof Member]: Member[Key] } {
  const none = new Uint8Array(0)
  return {
    name,
    address: addressOf(name),
    meta: name.startsWith('w') ? weftMeta(none) : none,
    vsn: [1, 5, 2, 0, 0, 0],
    state: 'alive',
    incarnation: 1,
    stateSince: 0 as Instant,
  }
}

function read(bytes: Uint8Array): NetworkDbMessage | null {
  if (messageType(bytes) >= 64) return null
  const message = decodeNetworkDb(bytes, (fault) => {
    throw new Error(fault)
  })
  if (typeof message === 'string') throw new Error(message)
  return message
}

/** A node attaches. */
export function join(nodeName: string, lTime: number, networkId = 'blue'): NetworkEvent {
  return { kind: 'network', type: 'join', lTime, nodeName, networkId }
}

/** A node detaches. */
export function leave(nodeName: string, lTime: number, networkId = 'blue'): NetworkEvent {
  return { ...join(nodeName, lTime, networkId), type: 'leave' }
}

/** A node event. */
export function node(type: NodeEvent['type'], nodeName: string, lTime: number): NodeEvent {
  return { kind: 'node', type, lTime, nodeName }
}

/** A row of `blue` changes; the value is the text. */
export function row(
  nodeName: string,
  lTime: number,
  more: Partial<TableEvent> & { readonly text?: string } = {},
): TableEvent {
  const { text = 'x', ...rest } = more
  return {
    kind: 'table',
    type: 'create',
    lTime,
    nodeName,
    networkId: 'blue',
    tableName: 't',
    key: 'k',
    value: utf8Bytes(text),
    residualReapTimeSeconds: rest.type === 'delete' ? 1800 : 0,
    ...rest,
  }
}

/** Rows in one message. */
export function bulk(
  nodeName: string,
  events: readonly TableEvent[],
  more: Partial<BulkSync> = {},
): BulkSync {
  const networks = ['blue']
  return { kind: 'bulk-sync', lTime: 1, unsolicited: false, nodeName, networks, events, ...more }
}
