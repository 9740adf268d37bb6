/** What a membership core tells the layer above it, and asks of it. */
import type { Instant, SocketAddress } from '@weft/core'
import type { Member } from './member.ts'

/** The layer above: NetworkDB's tables, or an application of its own. Called synchronously. */
export interface MembershipDelegate {
  /**
   * A user message arrived; authentic if the ring has keys. The bytes of one in a packet are a view
   * of the datagram: copy what is kept.
   */
  userMessage(now: Instant, bytes: Uint8Array, how: 'packet' | 'stream'): void
  /**
   * Broadcasts to fill a packet with: each costs its length plus `overheadBytes` of `limitBytes`.
   * They go to one recipient of several; the callee counts transmissions.
   */
  broadcasts(overheadBytes: number, limitBytes: number): readonly Uint8Array[]
  /** True when `broadcasts` would return something: the gossip tick may sleep otherwise. */
  hasBroadcasts(): boolean
  /** True when some of them were never sent: with `eagerMs` these do not wait for the tick. */
  hasNewBroadcasts(): boolean
  /** What goes into our side of a push/pull. */
  localState(now: Instant, join: boolean): Uint8Array
  /** What came in the other side's. */
  mergeState(now: Instant, state: Uint8Array, join: boolean): void
  memberJoined(now: Instant, member: Member): void
  /**
   * Its metadata, address or incarnation changed. Called for ourselves too, when we refuted or took
   * new metadata: the only news of ourselves that is told here.
   */
  memberUpdated(now: Instant, member: Member): void
  /** Dead, or left by its own word (`member.state`). */
  memberLeft(now: Instant, member: Member): void
  /** A join that `join` began is over; `reason` is null when the other side answered. */
  joinEnded(now: Instant, address: SocketAddress, reason: string | null): void
}
