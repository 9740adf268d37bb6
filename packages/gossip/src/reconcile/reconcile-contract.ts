/** DRAFT of the digest exchange's door; its owner replaces this file by real modules. */
import type { Instant } from '@weft/core'
import type { Member } from '../membership/member.ts'
import type { Road } from '../tables/table.ts'

/** A 64-bit hash of what identifies an item (not of its version), as two 32-bit halves. */
export interface ItemHash {
  readonly high: number
  readonly low: number
}

/** One item of a set, as a digest exchange speaks of it. */
export interface DigestItem {
  readonly hash: ItemHash
  /** Grows with every change of the item: an incarnation, or a Lamport time. */
  readonly version: number
  /** False for tombstones: told in an exchange, absent from sums. */
  readonly isLive: boolean
}

/**
 * Order-independent sums over a set, kept up to date in O(1) per change: DIGEST_BUCKETS = 256
 * bucket sums (32 bits each), a 64-bit total and a count. Every live item mixes (hash, version).
 */
export declare class DigestSums {
  add(item: DigestItem): void
  remove(item: DigestItem): void
}

/** A set that two nodes should have in common: members, attachments, or rows of one network. */
export interface DigestSource {
  /** `m`: members, `a`: attachments, `r:` with a network id: its rows. */
  readonly id: string
  readonly sums: DigestSums
  /** Every item of the bucket, tombstones too. */
  itemsOf(bucket: number): Iterable<DigestItem>
  /** The present state of these items, as messages that `apply` takes at the other side. */
  tell(now: Instant, hashes: readonly ItemHash[]): readonly Uint8Array[]
  /** Take in what the other side told. `teller` has the last word on what it owns. */
  apply(now: Instant, message: Uint8Array, teller: Member): void
  /**
   * The other side listed these items and we know none of them. Those that we own are news to us:
   * they were deleted long ago, or a replay brought them back. The source refutes them.
   */
  refute(now: Instant, items: readonly DigestItem[]): void
}

/** What the exchange needs from the node around it. */
export interface ReconcilerLines {
  /** Sets shared with this member: members, attachments, rows of networks that both attend. */
  sourcesFor(member: Member): readonly DigestSource[]
  source(id: string): DigestSource | null
  /** Weft peers that are alive (their metadata says so), ourselves excluded. */
  pickPeers(count: number): readonly Member[]
  send(now: Instant, to: Member, message: { bytes: Uint8Array; how: 'packet' | 'stream' }): void
}

/** The digest exchange as a state machine; road `digest`. */
export declare class Reconciler {
  receive(now: Instant, bytes: Uint8Array, from: Member): void
  tick(now: Instant): void
  nextDeadline(): Instant | null
  /** Since when the set has been known to differ from a peer's; null when it agreed last. */
  differsSince(sourceId: string): Instant | null
  readonly road: Road
}
