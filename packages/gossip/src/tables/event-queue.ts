/** Node and network events on their way to every member, by the packets of membership (§3.10). */
import { transmitsMax } from '../membership/scale.ts'
import { encodeNetworkDb } from '../networkdb/encode.ts'
import type { NetworkEvent, NodeEvent } from '../networkdb/messages.ts'
import type { GossipProfile } from '../profile.ts'
import { TransmitQueue, type Precedence } from './transmit-queue.ts'

/**
 * Docker counts a transmission for each recipient, so that in small rings some node is now and then
 * never told (field.md §4.1). Where we compare digests we send as often as rows are sent.
 */
export class EventQueue {
  readonly #queue = new TransmitQueue((bytes) => bytes.length)
  readonly #profile: GossipProfile
  readonly #memberCount: () => number

  /** `memberCount` is the number of members that are alive, this one included. */
  constructor(profile: GossipProfile, memberCount: () => number) {
    this.#profile = profile
    this.#memberCount = memberCount
  }

  /** True when nothing waits to be sent. */
  get isEmpty(): boolean {
    return this.#queue.size === 0
  }

  /** True when something waits that nobody was told yet. */
  get hasFresh(): boolean {
    return this.#queue.hasFresh
  }

  /** Events that wait. */
  get size(): number {
    return this.#queue.size
  }

  /** Tell everybody; an event about the same thing that still waits is replaced. */
  put(event: NodeEvent | NetworkEvent, precedence: Precedence): void {
    this.#queue.put(subject(event), encodeNetworkDb(event), precedence)
  }

  /** True while the newest event about this node itself still has to be sent. */
  waitsFor(nodeName: string): boolean {
    return this.#queue.has(nodeName)
  }

  /** Fill a packet for one recipient: each message costs its length and `overheadBytes`. */
  take(overheadBytes: number, limitBytes: number): readonly Uint8Array[] {
    if (this.#queue.size === 0) return []
    const { retransmitMult, gossipNodes, digestIntervalMs } = this.#profile
    const perTick = digestIntervalMs > 0 ? gossipNodes : 1
    const [packet] = this.#queue.take({
      packetBytesMax: limitBytes,
      packetsMax: 1,
      overheadBytes,
      transmissionsMax: transmitsMax(retransmitMult, this.#memberCount()) * perTick,
      isFreshOnly: false,
    })
    return packet ?? []
  }
}

function subject(event: NodeEvent | NetworkEvent): string {
  return event.kind === 'node' ? event.nodeName : `${event.nodeName}\0${event.networkId}`
}
