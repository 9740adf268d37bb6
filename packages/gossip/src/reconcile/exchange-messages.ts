/** The messages of a digest exchange as values; no bytes here. Only Weft nodes send them. */
import type { DigestItem, DigestTotal } from './digest-sums.ts'
import type { BucketSet } from './bucket-set.ts'
import type { ItemHash } from './item-hash.ts'

/** Sets in one digest; more than fit a packet of any size that we send. */
export const SETS_MAX = 256

/** Bytes of a set's id: two more than a network's name may have. */
export const SET_ID_BYTES_MAX = 257

/** Items in one listing; a node lists whole buckets and stops beyond LISTED_ITEMS. */
export const ITEMS_MAX = 16_384

/** Hashes that one message may ask for. */
export const WANTS_MAX = 16_384

/** Bytes of messages that NEWS is filled to; a larger message goes alone. */
export const NEWS_BYTES_MAX = 65_536

/** Messages in one NEWS: as many as fit, at eight bytes each. */
export const NEWS_MESSAGES_MAX = 8192

/** Parts that the answer to one question may have. */
export const NEWS_PARTS_MAX = 1024

/** Bytes of one message told; nothing larger comes of rows whose values fit a datagram. */
export const TOLD_MESSAGE_BYTES_MAX = 262_144

/** Bytes of a whole exchange message: more than any of the above comes to. */
export const EXCHANGE_BYTES_MAX = 524_288

/** One set in a digest. */
export interface DigestEntry extends DigestTotal {
  readonly setId: string
  /** The sender has known it to differ for a round or longer: it is not just gossip under way. */
  readonly isOverdue: boolean
}

/** What the sender has, one total a set. */
export interface DigestMessage {
  readonly kind: 'digest'
  readonly sender: string
  /** Sent because these sets differ from what came in a digest. Nothing answers it. */
  readonly isAnswer: boolean
  readonly sets: readonly DigestEntry[]
}

/** What asks for an answer. */
interface Question {
  readonly sender: string
  readonly setId: string
  /** The sender's number for it, which the answer repeats; never 0. */
  readonly turn: number
  /** Asked again, or in the wake of such a question: something gets lost, so answer in packets. */
  readonly isRetry: boolean
}

/** The sums of all buckets of a set that differs. */
export interface BucketsMessage extends DigestTotal, Question {
  readonly kind: 'buckets'
  /** DIGEST_BUCKETS of them, signed. */
  readonly sums: Int32Array
}

/** Everything the sender knows in the covered buckets. */
export interface ItemsMessage extends Question {
  readonly kind: 'items'
  readonly covered: BucketSet
  /** Buckets that differ too, for the next message. */
  readonly rest: BucketSet
  readonly items: readonly DigestItem[]
}

/** What the sender would like to hear. */
export interface WantsMessage extends Question {
  readonly kind: 'wants'
  readonly wants: readonly ItemHash[]
}

/** One part of the answer to any question: what the sender has newer. */
export interface NewsMessage {
  readonly kind: 'news'
  readonly sender: string
  readonly setId: string
  /** The turn that it answers. */
  readonly turn: number
  /** From 0 to one less than `parts`. */
  readonly part: number
  readonly parts: number
  /** As `DigestSource.tell` makes them. */
  readonly messages: readonly Uint8Array[]
  /** The buckets still to be listed by the recipient; the same in every part. */
  readonly rest: BucketSet
}

/** What two nodes say in an exchange. */
export type ExchangeMessage =
  | DigestMessage
  | BucketsMessage
  | ItemsMessage
  | WantsMessage
  | NewsMessage
