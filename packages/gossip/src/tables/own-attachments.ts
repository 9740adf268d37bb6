/** The networks that this node is attached to: announced, stamped anew, defended (§3.4, §3.6). */
import type { Instant } from '@weft/core'
import type { NetworkEntry, NetworkEvent } from '../networkdb/messages.ts'
import type { DigestIndex } from '../reconcile/digest-index.ts'
import { attachmentOf, entryOf, eventOf, type Attachment } from './attachment.ts'
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
    else this.#put(now, { type: 'join', lTime, nodeName: this.#context.name, networkId })
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
  receive(now: Instant, event: NetworkEvent): void {
    this.#context.networkClock.witness(event.lTime)
    const own = this.#own.get(event.networkId)
    const isAttached = own?.isLive ?? false
    if (own !== undefined && event.lTime < own.version) {
      this.#context.counts.stale++
    } else if (isAttached === (event.type === 'join')) {
      if (own !== undefined) this.#put(now, event)
    } else if (isSettled(now, this.#context.startedAt)) {
      this.#context.counts.refuted++
      this.#announce(now, event.networkId, isAttached ? 'join' : 'leave')
      const network = this.#networks.local(event.networkId)
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
      if (attachment.isLive) this.#put(now, { ...eventOf(attachment), lTime })
    }
  }

  /** What we last said of ourselves and this network; null when that was nothing. */
  event(networkId: string): NetworkEvent | null {
    const own = this.#own.get(networkId)
    return own === undefined ? null : eventOf(own)
  }

  *entries(): Iterable<NetworkEntry> {
    for (const attachment of this.#own.values()) yield entryOf(attachment)
  }

  /** True when there is something to be forgotten one day. */
  get hasLeaving(): boolean {
    for (const { isLive } of this.#own.values()) if (!isLive) return true
    return false
  }

  /** Forget what we left long ago. */
  reap(now: Instant): void {
    for (const { networkId, isLive, forgetAt, hash } of this.#own.values()) {
      if (isLive || forgetAt > now) continue
      this.#own.delete(networkId)
      this.#index.delete(now, hash)
    }
  }

  #announce(now: Instant, networkId: string, type: 'join' | 'leave'): void {
    const { name, networkClock, events } = this.#context
    const lTime = networkClock.increment()
    const event = { kind: 'network', type, lTime, nodeName: name, networkId } as const
    this.#put(now, event)
    events.put(event, 'own')
  }

  #put(now: Instant, event: Omit<NetworkEvent, 'kind'>): void {
    const attachment = attachmentOf(now, event, this.#context.profile.leaveMemoryMs)
    this.#own.set(event.networkId, attachment)
    this.#index.put(now, attachment)
  }
}
