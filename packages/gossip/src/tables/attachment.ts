/** What is known of one node on one network (docker-wire §3.6). */
import type { Instant } from '@weft/core'
import type { DigestItem } from '../reconcile/digest-sums.ts'

/** Immutable: news make a new one. Told in digests as long as the node is active. */
export interface Attachment extends DigestItem {
  readonly networkId: string
  readonly nodeName: string
  /** The Lamport time of the event that said so; the digest's version. */
  readonly version: number
  /** False once it is leaving: remembered for a while, so that stale joins lose. */
  readonly isLive: boolean
  /** When a leaving one is forgotten. */
  readonly forgetAt: Instant
}
