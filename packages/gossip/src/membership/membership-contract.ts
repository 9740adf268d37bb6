/** DRAFT of the membership core's door; its owner replaces this file by real modules. */
import type { Aead, Entropy, Instant, Logger, Random, SocketAddress } from '@weft/core'
import type { FaultCounts } from '../memberlist/faults.ts'
import type { KeyRing } from '../memberlist/key-ring.ts'
import type { PushPullNode } from '../memberlist/messages.ts'
import type { GossipOutput, StreamId } from '../output.ts'
import type { MembershipProfile } from '../profile.ts'
import type { KnownMember, Member } from './member.ts'

/** Who a node is and how it behaves. Complete: nothing is defaulted inside. */
export interface MembershipOptions {
  /** 1 to NAME_BYTES_MAX bytes. */
  readonly name: string
  /** Where others reach it, for datagrams and streams alike. */
  readonly advertise: SocketAddress
  readonly meta: Uint8Array
  readonly label: string
  readonly keys: KeyRing | null
  readonly profile: MembershipProfile
  /** Members to start with, taken for alive until proven otherwise. */
  readonly known: readonly KnownMember[]
}

/** What the core draws on. All of it synchronous. */
export interface GossipPorts {
  readonly random: Random
  readonly entropy: Entropy
  readonly aead: Aead
  readonly log: Logger
}

/** The layer above: NetworkDB's tables, or an application of its own. Called synchronously. */
export interface MembershipDelegate {
  /** A user message arrived. `from` is the address it came from; its bytes are authentic if sealed. */
  userMessage(now: Instant, bytes: Uint8Array, how: 'packet' | 'stream'): void
  /**
   * Broadcasts to fill a packet with: each costs its length plus `overheadBytes` of `limitBytes`.
   * They go to one recipient of several; the callee counts transmissions.
   */
  broadcasts(overheadBytes: number, limitBytes: number): readonly Uint8Array[]
  /** True when `broadcasts` would return something: the gossip tick may sleep otherwise. */
  hasBroadcasts(): boolean
  /** What goes into our side of a push/pull. */
  localState(now: Instant, join: boolean): Uint8Array
  /** What came in the other side's. */
  mergeState(now: Instant, state: Uint8Array, join: boolean): void
  memberJoined(now: Instant, member: Member): void
  memberUpdated(now: Instant, member: Member): void
  /** Dead, or left by its own word (`member.state`). */
  memberLeft(now: Instant, member: Member): void
  /** A join that `join` began is over; `reason` is null when the other side answered. */
  joinEnded(now: Instant, address: SocketAddress, reason: string | null): void
}

/** Counters of a node, all since its start. */
export interface MembershipCounters {
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly packetBytesReceived: number
  readonly packetBytesSent: number
  readonly streamBytesReceived: number
  readonly streamBytesSent: number
  readonly faults: FaultCounts
  /** Messages thrown away because they were about things that are not so: stale, unknown, foreign. */
  readonly ignored: number
  readonly probesFailed: number
  readonly suspected: number
  readonly declaredDead: number
  readonly refuted: number
  /** Stalls of this process that were noticed (`stallMs`). */
  readonly stalls: number
}

/** Streams, by their events. */
export interface StreamInputs {
  /** Someone connected. Null: refused, too many are open. */
  accept(now: Instant, from: SocketAddress): StreamId | null
  received(now: Instant, stream: StreamId, bytes: Uint8Array): void
  /** The other side ended it (`clean`), or it failed. */
  ended(now: Instant, stream: StreamId, clean: boolean): void
}

/** memberlist as a state machine. */
export declare class Membership {
  constructor(
    now: Instant,
    options: MembershipOptions,
    environment: { readonly ports: GossipPorts; readonly delegate: MembershipDelegate },
  )
  readonly streams: StreamInputs
  /** A datagram arrived. Never throws, whatever it holds. */
  receive(now: Instant, from: SocketAddress, bytes: Uint8Array): void
  /** Do what is due. Calling early or late is fine. */
  tick(now: Instant): void
  /** When `tick` has something to do; null: never, until something arrives. */
  nextDeadline(): Instant | null
  /** Take what is to be done. */
  drain(): readonly GossipOutput[]
  /** Exchange state with the node at this address; the delegate hears how it ended. */
  join(now: Instant, address: SocketAddress): void
  /** Push/pull with a member without joining anew (`Join` false). */
  exchange(now: Instant, member: Member): void
  /** Say goodbye. `roster.hasLeft` turns true once it was told widely enough, or nobody is there. */
  leave(now: Instant): void
  /** Tell everyone new metadata. Throws ERR_META_TOO_LARGE. */
  setMeta(now: Instant, meta: Uint8Array): void
  /** Send to one node: by datagram (at most packetBytesMax) or over a stream of its own. */
  send(now: Instant, to: Member, message: { bytes: Uint8Array; how: 'packet' | 'stream' }): void
  /** Whom we know: all, alive and suspect ones only, or by name. Ourselves included. */
  readonly roster: Roster
  counters(): MembershipCounters
}

/** The members in sight. */
export interface Roster {
  /** This node among the others. */
  readonly self: Member
  /** True once `leave` was told widely enough, or nobody is there to tell. */
  readonly hasLeft: boolean
  /** Alive or suspect, ourselves included. */
  readonly activeCount: number
  get(name: string): Member | null
  all(): Iterable<Member>
  /** Up to `count` different members that `accept` holds for, at random. */
  pick(count: number, accept: (member: Member) => boolean): readonly Member[]
  /** Take in states told by a peer, by the rules of a push/pull (docker-wire §2.10). */
  merge(now: Instant, nodes: readonly PushPullNode[]): void
  /** 0 is healthy (Lifeguard's local health). */
  readonly awareness: number
}
