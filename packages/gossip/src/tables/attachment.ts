/** What is known of one node on one network (docker-wire §3.6). */
import type { NetworkEntry, NetworkEvent } from '../networkdb/messages.ts'
import type { DigestItem } from '../reconcile/digest-sums.ts'
import { itemHash } from '../reconcile/item-hash.ts'

/**
 * Immutable: news make a new one, and whoever has one passes it on. Nodes that are simulated in one
 * process, and begin with the same snapshot, have them in common. Told in digests as long as the
 * node is active.
 */
export class Attachment implements NetworkEntry, DigestItem {
  readonly networkId: string
  readonly nodeName: string
  /** The Lamport time of the event that said so. */
  readonly lTime: number
  /** Remembered for a while, so that stale joins lose. */
  readonly leaving: boolean
  readonly #high: number
  readonly #low: number

  private constructor({ networkId, nodeName, lTime, leaving }: NetworkEntry) {
    this.networkId = networkId
    this.nodeName = nodeName
    this.lTime = lTime
    this.leaving = leaving
    const { high, low } = itemHash(networkId, nodeName, '')
    this.#high = high
    this.#low = low
  }

  /** What a push/pull or a snapshot says. */
  static of(entry: NetworkEntry): Attachment {
    return entry instanceof Attachment ? entry : new Attachment(entry)
  }

  get high(): number {
    return this.#high
  }

  get low(): number {
    return this.#low
  }

  get version(): number {
    return attachmentVersion(this)
  }

  get isLive(): boolean {
    return !this.leaving
  }
}

/**
 * Orders what is told of one node on one network. A node that was killed, and begins with clocks of
 * a while ago, may say two things with one Lamport time: of those leaving is the newer one, until
 * the node itself hears of it and speaks up.
 */
export function attachmentVersion({ lTime, leaving }: NetworkEntry): number {
  return 2 * lTime + (leaving ? 1 : 0)
}

/** The same in a push/pull. */
export function entryOf({ networkId, nodeName, lTime, type }: NetworkEvent): NetworkEntry {
  return { networkId, nodeName, lTime, leaving: type === 'leave' }
}

/** The event that says this. */
export function eventOf({ networkId, nodeName, lTime, leaving }: NetworkEntry): NetworkEvent {
  return { kind: 'network', type: leaving ? 'leave' : 'join', lTime, nodeName, networkId }
}
