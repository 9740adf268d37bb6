/** Finding back: to nodes that failed, and to the nodes that a ring begins with (§3.8). */
import {
  formatSocketAddress,
  instantAfter,
  type Instant,
  type SocketAddress,
} from '@weft/core'
import type { NodeRecord } from './node-record.ts'
import type { Nodes } from './nodes.ts'
import type { BulkSync } from './bulk-sync.ts'
import { comparesDigests, type TablesContext } from './tables-context.ts'

/** Attempts at failed nodes under way at once. */
export const RECONNECTS_MAX = 4

/** How often the bootstrap addresses are tried in a row, a second apart (docker-wire §3.8). */
const REJOIN_ATTEMPTS = 10

const REJOIN_RETRY_MS = 1000

/** Joins failed nodes and bootstrap addresses again, for as long as they are away. */
export class Reconnect {
  readonly #context: TablesContext
  readonly #nodes: Nodes
  readonly #bulk: BulkSync
  readonly #bootstrap: readonly SocketAddress[]
  /** By address: who is being tried. */
  readonly #attempts = new Map<string, NodeRecord>()
  #reconnectAt: Instant | null = null
  #rejoinAt: Instant | null = null
  #rejoinsLeft = 0
  #wasConnected = false

  constructor(
    context: TablesContext,
    parts: {
      readonly nodes: Nodes
      readonly bulk: BulkSync
      readonly bootstrap: readonly SocketAddress[]
    },
  ) {
    this.#context = context
    this.#nodes = parts.nodes
    this.#bulk = parts.bulk
    this.#bootstrap = parts.bootstrap
    if (parts.bootstrap.length === 0) return
    const delayMs = this.#rejoinDelayMs()
    const stagger = context.random.fork('rejoin').below(delayMs)
    this.#rejoinAt = instantAfter(context.startedAt, delayMs + stagger)
  }

  /** A node failed. */
  arm(now: Instant): void {
    if (this.#nodes.failed.size === 0) return
    this.#reconnectAt ??= instantAfter(now, this.#context.profile.reconnectIntervalMs)
  }

  /** A join is over; if it was ours and went well, catch up with that node. */
  joinEnded(now: Instant, address: SocketAddress, reason: string | null): void {
    const text = formatSocketAddress(address)
    const node = this.#attempts.get(text)
    this.#attempts.delete(text)
    if (reason !== null) return
    this.#nodes.announce('join')
    if (node?.status === 'active') this.#bulk.ask(now, node)
  }

  nextDeadline(): Instant | null {
    if (this.#reconnectAt === null || this.#rejoinAt === null) {
      return this.#reconnectAt ?? this.#rejoinAt
    }
    return this.#reconnectAt < this.#rejoinAt ? this.#reconnectAt : this.#rejoinAt
  }

  tick(now: Instant): void {
    if (this.#reconnectAt !== null && this.#reconnectAt <= now) {
      this.#reconnectAt = null
      this.#reconnect(now)
      this.arm(now)
    }
    if (this.#rejoinAt !== null && this.#rejoinAt <= now) this.#rejoin(now)
  }

  #reconnect(now: Instant): void {
    if (this.#attempts.size >= RECONNECTS_MAX) return
    const [node] = this.#nodes.failed.pick(this.#context.random, 1)
    if (node === undefined) return
    const { address } = node.member
    const text = formatSocketAddress(address)
    if (this.#attempts.has(text)) return
    this.#attempts.set(text, node)
    this.#context.lines.join(now, address)
  }

  #rejoin(now: Instant): void {
    if (this.#rejoinsLeft === 0) this.#rejoinsLeft = REJOIN_ATTEMPTS
    this.#rejoinsLeft--
    const isConnected = this.#seesBootstrap()
    if (isConnected) {
      this.#rejoinsLeft = 0
      this.#wasConnected = true
    }
    const delayMs = this.#rejoinsLeft > 0 ? REJOIN_RETRY_MS : this.#rejoinDelayMs()
    this.#rejoinAt = instantAfter(now, delayMs)
    if (isConnected) return
    for (const address of this.#others()) this.#context.lines.join(now, address)
  }

  /**
   * A node whose first join was lost knows nobody that it could compare with, and nobody knows it:
   * where we promise to recover soon it tries again until it is in.
   */
  #rejoinDelayMs(): number {
    const { profile } = this.#context
    if (comparesDigests(profile) && !this.#wasConnected) return REJOIN_RETRY_MS
    return profile.rejoinIntervalMs
  }

  /** True when one of the bootstrap nodes is here, or the only one is this node. */
  #seesBootstrap(): boolean {
    const others = this.#others()
    return others.length === 0 || others.some((address) => this.#nodes.isActiveAt(address))
  }

  /** The bootstrap addresses that are not our own. */
  #others(): readonly SocketAddress[] {
    const own = formatSocketAddress(this.#context.lines.roster.self.address)
    return this.#bootstrap.filter((address) => formatSocketAddress(address) !== own)
  }
}
