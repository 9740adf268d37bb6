/** Anti-entropy with peers that compare no digests: what an engine understands, more often. */
import { instantAfter, type Instant } from '@weft/core'
import { compoundOf, encodeNetworkDb, partBytes } from '../networkdb/encode.ts'
import type { Attachments } from './attachments.ts'
import { BULK_MESSAGE_BYTES_MAX, type BulkSync } from './bulk-sync.ts'
import type { LocalNetwork } from './local-network.ts'
import type { NodeRecord } from './node-record.ts'
import type { OwnAttachments } from './own-attachments.ts'
import type { Nodes } from './nodes.ts'
import type { TablesContext } from './tables-context.ts'

/** What exchanges with such peers may take of this node's bandwidth; fewer are made if need be. */
export const FOREIGN_SYNC_BYTES_PER_SECOND_MAX = 65_536

/** Peers of a network that are told each change of ours by stream too; they gossip it further. */
export const FOREIGN_PEERS_MAX = 16

/** Changes of ours are collected for so long, in ms, before they go by stream. */
const TELL_DELAY_MS = 100

/** Bytes of one attachment in a push/pull, roughly: two names, a time, tags. */
const ENTRY_BYTES = 60

/**
 * A stream is not lost as packets are, so such peers learn what we change by one; and at each
 * interval one of them is asked for everything, from which the Weft peers learn by digests.
 */
export class ForeignSync {
  readonly #context: TablesContext
  readonly #nodes: Nodes
  readonly #attachments: Attachments
  readonly #own: OwnAttachments
  readonly #bulk: BulkSync
  /** Own events to be told by stream, the newest for each row. */
  readonly #untold = new Map<LocalNetwork, Map<string, Uint8Array>>()
  #tellAt: Instant | null = null
  #syncAt: Instant | null = null

  constructor(
    context: TablesContext,
    parts: {
      readonly nodes: Nodes
      readonly attachments: Attachments
      readonly own: OwnAttachments
      readonly bulk: BulkSync
    },
  ) {
    this.#context = context
    this.#nodes = parts.nodes
    this.#attachments = parts.attachments
    this.#own = parts.own
    this.#bulk = parts.bulk
  }

  /** An event of ours is on its way: to such peers of the network it goes by stream too. */
  tell(now: Instant, network: LocalNetwork, own: { id: string; bytes: Uint8Array }): void {
    if (!this.#isOn || this.#nodes.foreign.size === 0) return
    const events = this.#untold.get(network) ?? new Map<string, Uint8Array>()
    events.delete(own.id)
    events.set(own.id, own.bytes)
    this.#untold.set(network, events)
    this.#tellAt ??= instantAfter(now, TELL_DELAY_MS)
  }

  /** We attached to the network: such peers hear it, by stream too. */
  attached(now: Instant, network: LocalNetwork): void {
    if (!this.#isOn || this.#nodes.foreign.size === 0) return
    if (!this.#untold.has(network)) this.#untold.set(network, new Map())
    this.#tellAt ??= instantAfter(now, TELL_DELAY_MS)
  }

  /** We left the network, and tell so at once. */
  detached(now: Instant, network: LocalNetwork): void {
    this.#untold.delete(network)
    if (!this.#isOn) return
    const event = this.#own.event(network.id)
    if (event !== null) this.#sendTo(now, this.#audience(network), [encodeNetworkDb(event)])
  }

  /** Such a peer has come. */
  arm(now: Instant): void {
    if (!this.#isOn || this.#nodes.foreign.size === 0) return
    const { foreignSyncIntervalMs } = this.#context.profile
    const delayMs = 1 + this.#context.random.below(foreignSyncIntervalMs)
    this.#syncAt ??= instantAfter(now, delayMs)
  }

  nextDeadline(): Instant | null {
    if (this.#tellAt === null || this.#syncAt === null) return this.#tellAt ?? this.#syncAt
    return this.#tellAt < this.#syncAt ? this.#tellAt : this.#syncAt
  }

  tick(now: Instant): void {
    if (this.#tellAt !== null && this.#tellAt <= now) this.#tellAll(now)
    if (this.#syncAt !== null && this.#syncAt <= now) this.#sync(now)
  }

  get #isOn(): boolean {
    return this.#context.profile.foreignSyncIntervalMs > 0
  }

  #tellAll(now: Instant): void {
    this.#tellAt = null
    for (const [network, events] of this.#untold) {
      const own = this.#own.event(network.id)
      const parts = [...events.values()]
      // Rows are taken from those only who are known to be attached (docker-wire §3.6).
      if (own !== null) parts.unshift(encodeNetworkDb(own))
      this.#sendTo(now, this.#audience(network), parts)
    }
    this.#untold.clear()
  }

  #sync(now: Instant): void {
    const { profile, random, lines } = this.#context
    const { foreign, weft } = this.#nodes
    this.#syncAt = null
    const [node] = foreign.pick(random, 1)
    if (node === undefined) return
    lines.exchange(now, node.member)
    const entryBytes = this.#attachments.size * ENTRY_BYTES
    const bytes = 2 * (this.#bulk.ask(now, node) + entryBytes)
    // Each such peer is asked once in an interval, by one of us or another.
    const turns = Math.ceil((weft.size + 1) / foreign.size)
    const paceMs = Math.ceil((bytes * 1000) / FOREIGN_SYNC_BYTES_PER_SECOND_MAX)
    const delayMs = Math.max(profile.foreignSyncIntervalMs * turns, paceMs)
    // Some jitter, so that many of us do not keep asking at once.
    this.#syncAt = instantAfter(now, delayMs - random.below(Math.ceil(delayMs / 8)))
  }

  /** Peers of the network first; if there are none, others may pass it on. */
  #audience(network: LocalNetwork): readonly NodeRecord[] {
    const { random } = this.#context
    const peers = network.peers.pick(random, FOREIGN_PEERS_MAX, isForeign)
    return peers.length > 0 ? peers : this.#nodes.foreign.pick(random, 1)
  }

  #sendTo(now: Instant, nodes: readonly NodeRecord[], events: readonly Uint8Array[]): void {
    let part: Uint8Array[] = []
    let length = 0
    const flush = (): void => {
      if (part.length === 0) return
      const bytes = compoundOf(part)
      const { lines } = this.#context
      for (const { member } of nodes) lines.send(now, member, { bytes, how: 'stream' })
      part = []
      length = 0
    }
    for (const event of events) {
      if (length + partBytes(event.length) > BULK_MESSAGE_BYTES_MAX) flush()
      length += partBytes(event.length)
      part.push(event)
    }
    flush()
  }
}

function isForeign(node: NodeRecord): boolean {
  return !node.isWeft
}
