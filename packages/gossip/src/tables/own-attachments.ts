/** The networks that this node is attached to: announced, stamped anew, defended (§3.4, §3.6). */
import type { Instant } from '@weft/core'
import type { NetworkEntry, NetworkEvent } from '../networkdb/messages.ts'
import type { DigestIndex } from '../reconcile/digest-index.ts'
import { Attachment, eventOf } from './attachment.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Networks } from './networks.ts'
import { isSettled, type TablesContext } from './tables-context.ts'

/** What others say of us is so, or is put right with a fresh Lamport time. */
export class OwnAttachments {
  readonly #context: TablesContext
  readonly #networks: Networks
  readonly #index: DigestIndex<Attachment>
  readonly #onDefended: (now: Instant, network: LocalNetwork) => void
  /** Those that we left too, for as long as others remember. */
  readonly #own = new Map<string, Attachment>()
  /** Since when we have left those that we left. */
  readonly #leftAt = new Map<string, Instant>()
  /** Lamport times that others know of us from before a restart, by network. */
  readonly #remembered = new Map<string, number>()

  constructor(
    context: TablesContext,
    parts: {
      readonly networks: Networks
      readonly index: DigestIndex<Attachment>
      /** Others believed that we had left this network. */
      readonly onDefended: (now: Instant, network: LocalNetwork) => void
    },
  ) {
    this.#context = context
    this.#onDefended = parts.onDefended
    this.#networks = parts.networks
    this.#index = parts.index
  }

  /** Attach this node, and announce it unless others know; null when it is attached already. */
  attach(now: Instant, networkId: string): LocalNetwork | null {
    if (this.#networks.local(networkId) !== null) return null
    const local = this.#networks.open(now, networkId)
    const lTime = this.#remembered.get(networkId)
    this.#remembered.delete(networkId)
    if (lTime === undefined) this.#announce(now, networkId, 'join')
    else this.#put(now, { leaving: false, lTime, nodeName: this.#context.name, networkId })
    return local
  }

  /** Detach this node and announce it; null when it is not attached. */
  detach(now: Instant, networkId: string): LocalNetwork | null {
    const local = this.#networks.local(networkId)
    if (local === null) return null
    this.#networks.close(networkId)
    this.#announce(now, networkId, 'leave')
    return local
  }

  /**
   * Others know of this attachment from before a restart: attaching to that network is not told
   * anew. Should they have forgotten, anti-entropy finds out.
   */
  remember({ networkId, lTime, leaving }: NetworkEntry): void {
    this.#context.networkClock.witness(lTime)
    if (!leaving) this.#remembered.set(networkId, lTime)
  }

  /** True when attaching to the network would be news to nobody. */
  isRemembered(networkId: string): boolean {
    return this.#remembered.has(networkId)
  }

  /** Somebody says something of us. */
  receive(now: Instant, told: NetworkEntry): void {
    this.#context.networkClock.witness(told.lTime)
    const own = this.#own.get(told.networkId)
    const isAttached = own?.isLive ?? false
    if (own !== undefined && told.lTime < own.lTime) {
      this.#context.counts.stale++
    } else if (isAttached !== told.leaving) {
      if (own !== undefined) this.#put(now, told)
    } else if (isSettled(now, this.#context.startedAt)) {
      this.#context.counts.refuted++
      this.#announce(now, told.networkId, isAttached ? 'join' : 'leave')
      const network = this.#networks.local(told.networkId)
      if (network !== null) this.#onDefended(now, network)
    }
  }

  /** Others were told that this node left the cluster, and it did not. */
  announceAll(now: Instant): void {
    for (const { id } of this.#networks.locals()) this.#announce(now, id, 'join')
  }

  /** All get one fresh Lamport time: what a push/pull that joins begins with (§3.4). */
  restamp(now: Instant): void {
    const lTime = this.#context.networkClock.increment()
    for (const attachment of this.#own.values()) {
      const { networkId, nodeName, leaving } = attachment
      if (!leaving) this.#put(now, { networkId, nodeName, leaving, lTime })
    }
  }

  /** What we last said of ourselves and this network; null when that was nothing. */
  event(networkId: string): NetworkEvent | null {
    const own = this.#own.get(networkId)
    return own === undefined ? null : eventOf(own)
  }

  entries(): Iterable<NetworkEntry> {
    return this.#own.values()
  }

  /** True when there is something to be forgotten one day. */
  get hasLeaving(): boolean {
    return this.#leftAt.size > 0
  }

  /** Forget what we left long ago. */
  reap(now: Instant): void {
    for (const [networkId, leftAt] of this.#leftAt) {
      const attachment = this.#own.get(networkId)
      if (attachment === undefined || now - leftAt < this.#context.profile.leaveMemoryMs) continue
      this.#own.delete(networkId)
      this.#leftAt.delete(networkId)
      this.#index.delete(now, attachment)
    }
  }

  #announce(now: Instant, networkId: string, type: 'join' | 'leave'): void {
    const { name, networkClock, events } = this.#context
    const lTime = networkClock.increment()
    const entry = { networkId, nodeName: name, lTime, leaving: type === 'leave' }
    this.#put(now, entry)
    events.put(eventOf(entry), 'own')
  }

  #put(now: Instant, entry: NetworkEntry): void {
    const attachment = Attachment.of(entry)
    const { networkId, leaving } = attachment
    this.#own.set(networkId, attachment)
    this.#index.put(now, attachment)
    if (leaving) this.#leftAt.set(networkId, now)
    else this.#leftAt.delete(networkId)
  }
}
