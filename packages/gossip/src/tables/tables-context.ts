/** What the parts of a node's tables have in common. */
import type { Instant, Random } from '@weft/core'
import type { Membership } from '../membership/membership.ts'
import type { GossipProfile } from '../profile.ts'
import type { HeldEvents } from './held-events.ts'
import type { LamportClock } from './lamport-clock.ts'
import type { TablesCounts } from './tables-counts.ts'
import type { EventQueue } from './event-queue.ts'
import type { Watchers } from './watchers.ts'

/** The side of a membership that tables use; a test may bring another. */
export type MembershipLines = Pick<Membership, 'roster' | 'send' | 'join' | 'exchange'>

/** One per node; the parts are made from it. */
export interface TablesContext {
  /** This node's. */
  readonly name: string
  readonly startedAt: Instant
  readonly profile: GossipProfile
  /** A user message by datagram holds at most so many bytes. */
  readonly payloadBytesMax: number
  readonly random: Random
  readonly lines: MembershipLines
  readonly networkClock: LamportClock
  readonly tableClock: LamportClock
  readonly held: HeldEvents
  readonly watchers: Watchers
  readonly counts: TablesCounts
  /** Node and network events on their way to everybody. */
  readonly events: EventQueue
}

/** True when this node compares digests, and is known to by its metadata. */
export function comparesDigests(profile: GossipProfile): boolean {
  return profile.digestIntervalMs > 0
}

/**
 * What others remember of us is not refuted for so long after a start or an attachment, in ms: a
 * restarted node is about to say most of it again, and anti-entropy repeats what it does not.
 */
export const REFUTE_GRACE_MS = 1500

/** True when we have had the time to say what is so. */
export function isSettled(now: Instant, since: Instant): boolean {
  return now - since >= REFUTE_GRACE_MS
}
