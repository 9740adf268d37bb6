/** What a digest exchange needs from the node around it. */
import type { Instant } from '@weft/core'
import type { Member } from '../membership/member.ts'
import type { DigestItem, DigestSums } from './digest-sums.ts'
import type { ItemHash } from './item-hash.ts'

/** A set that two nodes should have in common: members, attachments, or rows of one network. */
export interface DigestSource {
  /** `m`: members, `a`: attachments, `r:` with a network id: its rows. SET_ID_BYTES_MAX bytes. */
  readonly id: string
  readonly sums: DigestSums
  /**
   * What is known in a bucket: every live item, and the tombstones that another node should hear
   * of. Items of equal version are taken for equal, whether or not both sides call them live.
   */
  itemsOf(bucket: number): Iterable<DigestItem>
  /** The present state of these items, as messages that `apply` takes at the other side. */
  tell(now: Instant, hashes: readonly ItemHash[]): readonly Uint8Array[]
  /**
   * Take in what the other side told, if it is sound and news. What concerns things of our own
   * that are not so (a replay, or a deletion that everybody forgot) is refuted here: an exchange
   * asks for whatever is unknown, because a hash does not say whose it is. Never throws.
   */
  apply(now: Instant, message: Uint8Array, teller: Member): void
}

/** The node around a reconciler. */
export interface ReconcilerLines {
  /** Sets shared with this member: members, attachments, rows of networks that both attend. */
  sourcesFor(member: Member): readonly DigestSource[]
  /** One of them; null when it is unknown here, or not shared with this member. */
  sourceFor(member: Member, id: string): DigestSource | null
  /** The Weft peer of this name, if it is alive and not this node. */
  peer(name: string): Member | null
  /** Up to so many different Weft peers that are alive, at random, ourselves excluded. */
  pickPeers(count: number): readonly Member[]
  /** Pass a user message on. Packets hold at most `packetBytesMax` with everything around them. */
  send(now: Instant, to: Member, message: { bytes: Uint8Array; how: 'packet' | 'stream' }): void
}
