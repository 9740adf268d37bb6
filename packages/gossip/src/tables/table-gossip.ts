/** Table events on their way to peers of the same network, by datagram (docker-wire §3.7). */
import { instantAfter, type Instant } from '@weft/core'
import { transmitsMax } from '../membership/scale.ts'
import { COMPOUND_OVERHEAD_BYTES, compoundOf, encodeTableEvent } from '../networkdb/encode.ts'
import type { TableEvent } from '../networkdb/messages.ts'
import type { LocalNetwork } from './local-network.ts'
import type { TablesContext } from './tables-context.ts'

/** Hears of events of our own, which engines are told by other roads too. */
export type OnOwnEvent = (now: Instant, network: LocalNetwork, own: {
  readonly id: string
  readonly bytes: Uint8Array
}) => void

/**
 * Every network has a queue of its own and ticks only while something waits in it. What is new goes
 * out `tableEagerMs` after it came; the ticks that follow send it again, to others.
 */
export class TableGossip {
  readonly #context: TablesContext
  readonly #onOwnEvent: OnOwnEvent
  readonly #armed = new Set<LocalNetwork>()
  /** Where in its interval this node ticks, so that not all nodes do at once. */
  readonly #phaseMs: number

  constructor(context: TablesContext, onOwnEvent: OnOwnEvent) {
    this.#context = context
    this.#onOwnEvent = onOwnEvent
    this.#phaseMs = context.random.fork('phase').below(context.profile.tableGossipIntervalMs)
  }

  /** Bytes that an event may have, to fit a packet. */
  get eventBytesMax(): number {
    return this.#packetBytesMax - PART_OVERHEAD_BYTES_MAX
  }

  /** Tell an event of ours. */
  tell(now: Instant, network: LocalNetwork, event: TableEvent): void {
    const id = idOf(event)
    const bytes = encodeTableEvent(event)
    network.queue.put(id, bytes, 'own')
    this.arm(now, network)
    this.#onOwnEvent(now, network, { id, bytes })
  }

  /** Pass on an event of another node. */
  relay(now: Instant, network: LocalNetwork, event: TableEvent): void {
    const bytes = encodeTableEvent(event)
    // What came by stream and fits no packet reaches others by stream too.
    if (bytes.length > this.eventBytesMax) return
    network.queue.put(idOf(event), bytes, 'relayed')
    this.arm(now, network)
  }

  /** Something waits, and somebody is there to be told. */
  arm(now: Instant, network: LocalNetwork): void {
    if (network.queue.size === 0 || network.peers.size === 0) return
    const { tableEagerMs } = this.#context.profile
    network.gossipAt ??= this.#nextTick(now)
    if (tableEagerMs > 0 && network.queue.hasFresh) {
      network.flushAt ??= instantAfter(now, tableEagerMs)
    }
    this.#armed.add(network)
  }

  /** The network is not ours any more. */
  disarm(network: LocalNetwork): void {
    network.gossipAt = null
    network.flushAt = null
    this.#armed.delete(network)
  }

  nextDeadline(): Instant | null {
    let next: Instant | null = null
    for (const { gossipAt, flushAt } of this.#armed) {
      if (gossipAt !== null && (next === null || gossipAt < next)) next = gossipAt
      if (flushAt !== null && (next === null || flushAt < next)) next = flushAt
    }
    return next
  }

  tick(now: Instant): void {
    for (const network of this.#armed) {
      if (network.gossipAt !== null && network.gossipAt <= now) {
        this.#send(now, network, false)
        network.gossipAt = this.#nextTick(now)
        network.flushAt = null
      } else if (network.flushAt !== null && network.flushAt <= now) {
        this.#send(now, network, true)
        network.flushAt = null
      }
      if (network.queue.size === 0 || network.peers.size === 0) this.disarm(network)
      else this.arm(now, network)
    }
  }

  #send(now: Instant, network: LocalNetwork, isFreshOnly: boolean): void {
    const { profile, lines, random } = this.#context
    const nodes = network.peers.pick(random, profile.tableGossipNodes)
    if (nodes.length === 0) return
    const packets = network.queue.take({
      packetBytesMax: this.#packetBytesMax,
      packetsMax: profile.tableGossipPacketsMax,
      overheadBytes: 0,
      transmissionsMax: transmitsMax(profile.tableRetransmitMult, network.peers.size + 1),
      isFreshOnly,
    })
    for (const events of packets) {
      const bytes = compoundOf(events)
      for (const { member } of nodes) lines.send(now, member, { bytes, how: 'packet' })
    }
  }

  get #packetBytesMax(): number {
    return this.#context.payloadBytesMax - COMPOUND_OVERHEAD_BYTES
  }

  #nextTick(now: Instant): Instant {
    const { tableGossipIntervalMs } = this.#context.profile
    const passed = Math.floor((now - this.#phaseMs) / tableGossipIntervalMs)
    return ((passed + 1) * tableGossipIntervalMs + this.#phaseMs) as Instant
  }
}

/** Two tags and two lengths of at most three bytes. */
export const PART_OVERHEAD_BYTES_MAX = 8

function idOf({ tableName, key }: TableEvent): string {
  return `${tableName}\0${key}`
}
