/** Every row of some networks, asked for and answered (docker-wire §3.9). */
import { instantAfter, type Instant } from '@weft/core'
import { encodeBulkSync, encodeTableEvent, partBytes } from '../networkdb/encode.ts'
import { BULK_NETWORKS_MAX } from '../networkdb/limits.ts'
import type { BulkSync as BulkSyncMessage } from '../networkdb/messages.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Networks } from './networks.ts'
import type { NodeRecord } from './node-record.ts'
import type { Nodes } from './nodes.ts'
import type { Rows } from './rows.ts'
import { comparesDigests, type TablesContext } from './tables-context.ts'

/** Bulk syncs under way at once; Docker has one at a time. */
export const BULK_SYNCS_MAX = 4

/** How long an answer is waited for, in ms, before the next peer is asked. */
export const BULK_ANSWER_MS_MAX = 5000

/** Answers given in one second; who asks beyond that is refused, and asks again later. */
export const BULK_ANSWERS_PER_SECOND_MAX = 64

/** Bytes of answers in one second; an answer that is begun is given whole. */
export const BULK_ANSWER_BYTES_PER_SECOND_MAX = 8_388_608

/** Rows that a bulk sync brings to a peer that compares digests: more come by digests (P18). */
export const BULK_ROWS_MAX = 500

/** The same for one who attaches just now: it has none, and waits for them. */
export const BULK_NEWCOMER_ROWS_MAX = 10_000

/** Peers asked at attaching, of those that compare digests: the rest comes by digests. */
export const BULK_WEFT_PEERS_MAX = 3

/** Times that further such peers are asked, as long as none has answered. */
export const BULK_ATTEMPTS_MAX = 8

/** How long after, in ms: a stream that loses its first packets may take seconds. */
const BULK_RETRY_MS = 500

/** Bytes of rows in one message; what is more goes into further ones. */
export const BULK_MESSAGE_BYTES_MAX = 1_048_576

/** Which peer to ask for what; `network` waits for it before it relays. */
interface Request {
  readonly node: NodeRecord
  readonly networkIds: readonly string[]
  readonly network: LocalNetwork | null
  /** Asked when this one does not answer. */
  readonly fallback: NodeRecord | null
}

/** A network that nobody has answered for. */
interface Unanswered {
  readonly network: LocalNetwork
  attemptsLeft: number
  retryAt: Instant
}

interface Pending {
  readonly request: Request
  readonly lTime: number
  readonly until: Instant
}

/** Asks peers for everything at attaching and now and then, and answers those that ask. */
export class BulkSync {
  readonly #context: TablesContext
  readonly #nodes: Nodes
  readonly #networks: Networks
  readonly #rows: Rows
  readonly #waiting: Request[] = []
  readonly #pending = new Map<string, Pending>()
  readonly #unanswered = new Set<Unanswered>()
  #periodicAt: Instant | null = null
  #answersSince: Instant | null = null
  #answers = 0
  #answerBytes = 0

  constructor(
    context: TablesContext,
    parts: { readonly nodes: Nodes; readonly networks: Networks; readonly rows: Rows },
  ) {
    this.#context = context
    this.#nodes = parts.nodes
    this.#networks = parts.networks
    this.#rows = parts.rows
  }

  /** Catch up with a network that we attached to, or that just got its first peers (§3.6). */
  catchUp(now: Instant, network: LocalNetwork): void {
    const { profile, random } = this.#context
    const weft = comparesDigests(profile)
      ? network.peers.pick(random, BULK_WEFT_PEERS_MAX, (node) => node.isWeft)
      : []
    const isAsked = (node: NodeRecord): boolean => !comparesDigests(profile) || !node.isWeft
    const others = [...network.peers].filter(isAsked)
    for (const node of [...weft, ...others]) {
      network.syncsLeft++
      this.#waiting.push({ node, networkIds: [network.id], network, fallback: null })
    }
    if (network.syncsLeft === 0) network.syncedAt ??= now
    if (weft.length > 0) {
      const retryAt = instantAfter(now, BULK_RETRY_MS)
      this.#unanswered.add({ network, attemptsLeft: BULK_ATTEMPTS_MAX, retryAt })
    }
    this.#askNext(now)
  }

  /** Ask one peer for all networks in common. The bytes that it cost us. */
  ask(now: Instant, node: NodeRecord, fallback: NodeRecord | null = null): number {
    const networkIds: string[] = []
    for (const { id } of this.#networks.sharedWith(node)) networkIds.push(id)
    if (networkIds.length === 0 || this.#pending.has(node.name)) return 0
    return this.#send(now, { node, networkIds, network: null, fallback })
  }

  /** A bulk sync arrived; its rows were applied. */
  receive(now: Instant, message: BulkSyncMessage): void {
    const { tableClock, counts } = this.#context
    tableClock.witness(message.lTime)
    const node = this.#nodes.get(message.nodeName)
    if (node === null) {
      counts.stale++
    } else if (message.unsolicited) {
      this.#answer(now, node, message.networks)
    } else {
      const pending = this.#pending.get(node.name)
      if (pending === undefined || message.lTime <= pending.lTime) return
      for (const networkId of pending.request.networkIds) {
        const network = this.#networks.local(networkId)
        if (network !== null) network.isAnswered = true
      }
      this.#ended(now, pending)
    }
  }

  /** Start or go on with the periodic bulk syncs: there are networks. */
  arm(now: Instant): void {
    const { profile, random } = this.#context
    this.#periodicAt ??= instantAfter(now, 1 + random.below(profile.bulkSyncIntervalMs))
  }

  /** The peer is gone: nothing is waited for. */
  forget(now: Instant, node: NodeRecord): void {
    const pending = this.#pending.get(node.name)
    if (pending !== undefined) this.#ended(now, pending)
  }

  /** The network is not ours any more. */
  cancel(network: LocalNetwork): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if (this.#waiting[i]?.network === network) this.#waiting.splice(i, 1)
    }
    for (const unanswered of this.#unanswered) {
      if (unanswered.network === network) this.#unanswered.delete(unanswered)
    }
  }

  nextDeadline(): Instant | null {
    // All of a kind wait equally long: the first of them is due first.
    const pendingAt = this.#pending.values().next().value?.until ?? null
    let next = pendingAt ?? this.#periodicAt
    if (next !== null && this.#periodicAt !== null && this.#periodicAt < next) {
      next = this.#periodicAt
    }
    for (const { retryAt } of this.#unanswered) {
      if (next === null || retryAt < next) next = retryAt
    }
    return next
  }

  tick(now: Instant): void {
    for (const pending of this.#pending.values()) {
      if (pending.until > now) break
      this.#ended(now, pending)
      const { fallback } = pending.request
      if (fallback !== null) this.ask(now, fallback)
    }
    for (const unanswered of this.#unanswered) {
      if (unanswered.retryAt <= now) this.#retry(now, unanswered)
    }
    if (this.#periodicAt === null || this.#periodicAt > now) return
    this.#periodicAt = instantAfter(now, this.#context.profile.bulkSyncIntervalMs)
    this.#askAll(now)
  }

  /** One peer for each network that none of those asked so far shares (docker-wire §3.8). */
  #askAll(now: Instant): void {
    const { profile, random } = this.#context
    const covered = new Set<LocalNetwork>()
    const isAsked = (node: NodeRecord): boolean => !comparesDigests(profile) || !node.isWeft
    for (const network of this.#networks.locals()) {
      if (covered.has(network)) continue
      const nodes = network.peers.pick(random, profile.bulkSyncPeers + 1, isAsked)
      const fallback = nodes[profile.bulkSyncPeers] ?? null
      for (const node of nodes.slice(0, profile.bulkSyncPeers)) {
        for (const shared of this.#networks.sharedWith(node)) covered.add(shared)
        this.ask(now, node, fallback)
      }
    }
  }

  /** Others than those that are being waited for may be quicker. */
  #retry(now: Instant, unanswered: Unanswered): void {
    const { network } = unanswered
    unanswered.retryAt = instantAfter(now, BULK_RETRY_MS)
    unanswered.attemptsLeft--
    if (network.isAnswered || unanswered.attemptsLeft < 0) {
      this.#unanswered.delete(unanswered)
      return
    }
    const isFree = (node: NodeRecord): boolean => node.isWeft && !this.#pending.has(node.name)
    const { random } = this.#context
    for (const node of network.peers.pick(random, BULK_WEFT_PEERS_MAX, isFree)) {
      this.#send(now, { node, networkIds: [network.id], network: null, fallback: null })
    }
  }

  #askNext(now: Instant): void {
    const max = comparesDigests(this.#context.profile) ? BULK_SYNCS_MAX : 1
    while (this.#pending.size < max) {
      const request = this.#waiting.shift()
      if (request === undefined) return
      if (request.node.status === 'active' && !this.#pending.has(request.node.name)) {
        this.#send(now, request)
      } else {
        this.#caughtUp(now, request)
      }
    }
  }

  #send(now: Instant, request: Request): number {
    const { networkIds, node } = request
    const { name, tableClock, counts } = this.#context
    counts.bulkSyncs++
    const lTime = tableClock.increment()
    const until = instantAfter(now, BULK_ANSWER_MS_MAX)
    this.#pending.set(node.name, { request, lTime, until })
    const head = { lTime, unsolicited: true, nodeName: name, networks: networkIds }
    return this.#sendRows(now, node, head)
  }

  #answer(now: Instant, node: NodeRecord, networks: readonly string[]): void {
    if (!this.#mayAnswer(now)) {
      this.#context.counts.fault('too-many')
      return
    }
    const { name, tableClock } = this.#context
    // Larger than the request's, which was witnessed: what current engines wait for.
    const lTime = tableClock.increment()
    const head = { lTime, unsolicited: false, nodeName: name, networks }
    this.#answerBytes += this.#sendRows(now, node, head)
  }

  #mayAnswer(now: Instant): boolean {
    if (this.#answersSince === null || now - this.#answersSince >= 1000) {
      this.#answersSince = now
      this.#answers = 0
      this.#answerBytes = 0
    }
    if (this.#answerBytes >= BULK_ANSWER_BYTES_PER_SECOND_MAX) return false
    return ++this.#answers <= BULK_ANSWERS_PER_SECOND_MAX
  }

  /** In as many messages as it takes; only the first may ask for an answer. */
  #sendRows(
    now: Instant,
    node: NodeRecord,
    head: Omit<BulkSyncMessage, 'kind' | 'events'>,
  ): number {
    let sent = 0
    let part: Uint8Array[] = []
    let partLength = 0
    const flush = (): void => {
      const unsolicited = head.unsolicited && sent === 0
      const bytes = encodeBulkSync({ ...head, unsolicited }, part)
      this.#context.lines.send(now, node.member, { bytes, how: 'stream' })
      sent += bytes.length
      part = []
      partLength = 0
    }
    for (const event of this.#eventsFor(now, node, head.networks)) {
      const length = partBytes(event.length)
      if (partLength + length > BULK_MESSAGE_BYTES_MAX) flush()
      part.push(event)
      partLength += length
    }
    if (part.length > 0 || sent === 0) flush()
    return sent
  }

  *#eventsFor(
    now: Instant,
    node: NodeRecord,
    networkIds: readonly string[],
  ): Iterable<Uint8Array> {
    const hasDigests = comparesDigests(this.#context.profile) && node.isWeft
    for (const id of new Set(networkIds.slice(0, BULK_NETWORKS_MAX))) {
      const network = this.#networks.local(id)
      if (network === null) continue
      const max = network.isNewcomer(now, node) ? BULK_NEWCOMER_ROWS_MAX : BULK_ROWS_MAX
      const isTooMuch = hasDigests && network.rows.size > max
      const rows = isTooMuch ? network.rows.ofOwner(this.#context.name) : network.rows.all()
      for (const stored of rows) {
        const event = this.#rows.eventOf(now, stored)
        if (event !== null) yield encodeTableEvent(event)
      }
    }
  }

  #ended(now: Instant, pending: Pending): void {
    this.#pending.delete(pending.request.node.name)
    this.#caughtUp(now, pending.request)
    this.#askNext(now)
  }

  #caughtUp(now: Instant, { network }: Request): void {
    if (network === null) return
    network.syncsLeft--
    if (network.syncsLeft === 0) network.syncedAt ??= now
  }
}
