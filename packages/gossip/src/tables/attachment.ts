/** What is known of one node on one network (docker-wire §3.6). */
import { instantAfter, type Instant } from '@weft/core'
import type { NetworkEntry, NetworkEvent } from '../networkdb/messages.ts'
import type { DigestItem } from '../reconcile/digest-sums.ts'
import { itemHash } from '../reconcile/item-hash.ts'

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

/** What an event says; forgotten so long after, if it says that a node leaves. */
export function attachmentOf(
  now: Instant,
  { networkId, nodeName, lTime, type }: Omit<NetworkEvent, 'kind'>,
  leaveMemoryMs: number,
): Attachment {
  return {
    networkId,
    nodeName,
    version: lTime,
    isLive: type === 'join',
    hash: itemHash(networkId, nodeName, ''),
    forgetAt: instantAfter(now, leaveMemoryMs),
  }
}

/** The event that says this. */
export function eventOf({ networkId, nodeName, version, isLive }: Attachment): NetworkEvent {
  const type = isLive ? 'join' : 'leave'
  return { kind: 'network', type, lTime: version, nodeName, networkId }
}

/** The same in a push/pull. */
export function entryOf({ networkId, nodeName, version, isLive }: Attachment): NetworkEntry {
  return { networkId, lTime: version, nodeName, leaving: !isLive }
}
