/** The rules for rows: what is taken in, what is told, what is refuted (docker-wire §3.7). */
import { equalBytes, instantAfter, type Instant } from '@weft/core'
import type { TableEvent } from '../networkdb/messages.ts'
import { itemHash } from '../reconcile/item-hash.ts'
import type { Attachment } from './attachment.ts'
import type { Attachments } from './attachments.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Networks } from './networks.ts'
import type { NodeRecord } from './node-record.ts'
import type { Nodes } from './nodes.ts'
import type { StoredRow } from './row-store.ts'
import type { Road, Row } from './table.ts'
import type { TableGossip } from './table-gossip.ts'
import { isSettled, type TablesContext } from './tables-context.ts'

/** Rows of a bulk sync are not relayed while more events than this wait (docker-wire §3.7). */
export const BULK_RELAY_QUEUE_MAX = 500

/** Rows that a digest brought are relayed while fewer events than this wait. */
export const DIGEST_RELAY_QUEUE_MAX = 50

/** How long after catching up what digests bring is taken for news to others too, in ms. */
const DIGEST_RELAY_SETTLE_MS = 5000

/** How long after a node left a network its rows are taken for old news, in ms. */
const ECHO_MS = 5000

/** What the parts of the tables do for rows. */
export interface RowsParts {
  readonly nodes: Nodes
  readonly networks: Networks
  readonly attachments: Attachments
  readonly gossip: TableGossip
}

/** An event and how it came. */
interface Arrival {
  readonly event: TableEvent
  readonly road: Road
}

/** Applies table events to the networks that this node is attached to. */
export class Rows {
  readonly #context: TablesContext
  readonly #parts: () => RowsParts
  /** Tombstones of our rows on networks that we left. */
  readonly #departed = new Map<string, readonly StoredRow[]>()

  constructor(context: TablesContext, parts: () => RowsParts) {
    this.#context = context
    this.#parts = parts
  }

  /** An event arrived. Rows of owners that are not attached as far as we know are held (P2). */
  receive(now: Instant, event: TableEvent, road: Road): void {
    const { tableClock, name, counts } = this.#context
    tableClock.witness(event.lTime)
    const { networks, nodes } = this.#parts()
    const network = networks.local(event.networkId)
    if (network === null) {
      counts.stale++
      return
    }
    if (event.nodeName === name) {
      this.#aboutOurs(now, network, { event, road })
      return
    }
    const known = network.rows.get(event.tableName, event.key)
    if (known !== null && !isNewer(event, known.row)) {
      counts.stale++
      return
    }
    if (event.type === 'delete' && known?.isLive === true && known.row.owner === name) {
      // Somebody deletes what only we may delete: a row that was once theirs.
      this.#defend(now, network, { event, known })
      return
    }
    const attachment = nodes.get(event.nodeName)?.attachmentTo(event.networkId) ?? null
    if (attachment?.isLive === true) this.#apply(now, network, { event, road })
    else if (attachment !== null && this.#isEcho(now, attachment)) counts.stale++
    else this.#hold(now, event, road)
  }

  /** Write a row of ours, whose rights were checked; told as a new one or as an update. */
  write(now: Instant, network: LocalNetwork, written: Omit<Row, 'lTime' | 'owner'>): void {
    const { table, key, value } = written
    const known = network.rows.get(table, key)
    const isUpdate = known?.isLive === true && canUpdate(table)
    this.#say(now, network, this.#ownEvent(isUpdate ? 'update' : 'create', { table, key, value }))
  }

  /** Delete a row of ours. */
  erase(now: Instant, network: LocalNetwork, row: Row): void {
    this.#say(now, network, this.#ownEvent('delete', row))
  }

  /** An owner is to be seen again: its rows are, and what waited for it. */
  restore(now: Instant, network: LocalNetwork, owner: NodeRecord): void {
    for (const stored of network.rows.ofOwner(owner.name)) {
      if (stored.isDeleted || stored.isLive) continue
      network.rows.put(now, { ...stored, isLive: true })
      this.#tell(null, stored.row, 'membership')
    }
  }

  /** An owner is away: its rows are not to be seen, but kept. */
  suspend(now: Instant, network: LocalNetwork, owner: NodeRecord): void {
    for (const stored of network.rows.ofOwner(owner.name)) {
      if (!stored.isLive) continue
      network.rows.put(now, { ...stored, isLive: false })
      this.#tell(stored.row, null, 'membership')
    }
  }

  /**
   * An owner is gone from the network. If that was its word about this network, its rows become
   * tombstones, for some are still on their way and it may be back soon. If it is gone altogether,
   * they are forgotten: should that not be so, it tells them again as they are.
   */
  drop(now: Instant, network: LocalNetwork, { owner, road }: { owner: string; road: Road }): void {
    const reapAt = instantAfter(now, this.#context.profile.tombstoneMs)
    for (const stored of network.rows.ofOwner(owner)) {
      if (road === 'membership') network.rows.delete(now, stored)
      else if (!stored.isDeleted) {
        network.rows.put(now, { ...stored, isLive: false, isDeleted: true, reapAt })
      }
      if (stored.isLive) this.#tell(stored.row, null, road)
    }
  }

  /** We left the network: nothing of it is to be seen; our rows are tombstones should we return. */
  leave(now: Instant, network: LocalNetwork): void {
    const { name, tableClock, profile } = this.#context
    const lTime = tableClock.increment()
    const reapAt = instantAfter(now, profile.tombstoneMs)
    const ours: StoredRow[] = []
    for (const stored of network.rows.all()) {
      const { row } = stored
      if (stored.isLive) this.#tell(row, null, 'local')
      if (row.owner !== name) continue
      const dead = { isLive: false, isDeleted: true, reapAt, version: lTime }
      ours.push(stored.isDeleted ? stored : { ...stored, ...dead, row: { ...row, lTime } })
    }
    if (ours.length > 0) this.#departed.set(network.id, ours)
  }

  /** We are back: what we deleted by leaving is told to those who missed it (docker-wire §3.6). */
  enter(now: Instant, network: LocalNetwork): void {
    for (const stored of this.#departed.get(network.id) ?? []) {
      if (stored.reapAt > now) network.rows.put(now, stored)
    }
    this.#departed.delete(network.id)
  }

  /** Others were told that we left, and we did not: they deleted our rows. */
  restamp(now: Instant, network: LocalNetwork): void {
    for (const { isLive, row } of network.rows.ofOwner(this.#context.name)) {
      if (isLive) this.#say(now, network, this.#ownEvent('create', row))
    }
  }

  /** True when there is something to be forgotten one day. */
  get hasDeparted(): boolean {
    return this.#departed.size > 0
  }

  /** Forget what we deleted by leaving long ago. */
  reap(now: Instant): void {
    for (const [networkId, rows] of this.#departed) {
      if (rows.every(({ reapAt }) => reapAt <= now)) this.#departed.delete(networkId)
    }
  }

  /** What a bulk sync or an exchange says of a row; null for a tombstone that is all but over. */
  eventOf(now: Instant, stored: StoredRow): TableEvent | null {
    const { row, isDeleted, reapAt } = stored
    const residualReapTimeSeconds = isDeleted ? Math.trunc((reapAt - now) / 1000) : 0
    if (isDeleted && residualReapTimeSeconds < 1) return null
    return {
      kind: 'table',
      type: isDeleted ? 'delete' : 'create',
      lTime: row.lTime,
      nodeName: row.owner,
      networkId: row.networkId,
      tableName: row.table,
      key: row.key,
      value: row.value,
      residualReapTimeSeconds,
    }
  }

  #apply(now: Instant, network: LocalNetwork, { event, road }: Arrival): void {
    const known = network.rows.get(event.tableName, event.key)
    const isDeleted = event.type === 'delete'
    const tombstoneMs = this.#tombstoneMs(event)
    const owner = this.#parts().nodes.get(event.nodeName)
    const isThere = event.nodeName === this.#context.name || (owner && network.peers.has(owner))
    const { high, low } = itemHash(event.tableName, event.key, event.nodeName)
    const stored: StoredRow = {
      row: rowOf(event),
      high,
      low,
      version: event.lTime,
      isLive: !isDeleted && isThere === true,
      isDeleted,
      reapAt: instantAfter(now, tombstoneMs),
    }
    if (!network.rows.put(now, stored)) {
      this.#context.counts.fault('too-many')
      return
    }
    this.#context.counts.rowApplied(road)
    this.#tell(known?.isLive === true ? known.row : null, stored.isLive ? stored.row : null, road)
    if (this.#isToBeRelayed(now, network, { event, road, known })) {
      this.#parts().gossip.relay(now, network, event)
    }
  }

  /** docker-wire §3.7, rules 6 and 8. */
  #isToBeRelayed(
    now: Instant,
    network: LocalNetwork,
    { event, road, known }: Arrival & { readonly known: StoredRow | null },
  ): boolean {
    if (road === 'local' || network.syncedAt === null) return false
    const isOldDeath =
      event.type === 'delete' &&
      known === null &&
      this.#tombstoneMs(event) * 6 <= this.#context.profile.tombstoneMs
    if (isOldDeath) return false
    if (road === 'gossip') return true
    if (road === 'bulk-sync') return network.queue.size <= BULK_RELAY_QUEUE_MAX
    const isSettledIn = now - network.syncedAt >= DIGEST_RELAY_SETTLE_MS
    return isSettledIn && network.queue.size < DIGEST_RELAY_QUEUE_MAX
  }

  /** Others tell a row of ours: it is so, or it is put right with a fresh Lamport time. */
  #aboutOurs(now: Instant, network: LocalNetwork, { event }: Arrival): void {
    const known = network.rows.get(event.tableName, event.key)
    if (known !== null && !isNewer(event, known.row) && !isClash(event, known)) {
      this.#context.counts.stale++
      return
    }
    if (known?.isLive === true && known.row.owner === this.#context.name) {
      this.#defend(now, network, { event, known })
    } else if (event.type !== 'delete' && isSettled(now, network.attachedAt)) {
      this.#context.counts.refuted++
      this.#say(now, network, this.#ownEvent('delete', rowOf(event)))
    }
  }

  #defend(
    now: Instant,
    network: LocalNetwork,
    { event, known }: { readonly event: TableEvent; readonly known: StoredRow },
  ): void {
    const { row } = known
    if (event.type !== 'delete' && equalBytes(event.value, row.value)) {
      // They remember it from before our restart: their Lamport time will do.
      const agreed = { ...row, lTime: event.lTime }
      network.rows.put(now, { ...known, row: agreed, version: event.lTime })
      this.#context.watchers.row({ type: 'update', row: agreed, previous: row, road: 'local' })
      return
    }
    this.#context.counts.refuted++
    this.#say(now, network, this.#ownEvent('create', row))
  }

  /** Apply an event of ours and tell it. */
  #say(now: Instant, network: LocalNetwork, event: Omit<TableEvent, 'networkId'>): void {
    const said: TableEvent = { ...event, networkId: network.id }
    this.#apply(now, network, { event: said, road: 'local' })
    this.#parts().gossip.tell(now, network, said)
  }

  #ownEvent(
    type: TableEvent['type'],
    { table, key, value }: Pick<Row, 'table' | 'key' | 'value'>,
  ): Omit<TableEvent, 'networkId'> {
    const { name, tableClock, profile } = this.#context
    const residualReapTimeSeconds = type === 'delete' ? Math.trunc(profile.tombstoneMs / 1000) : 0
    const lTime = tableClock.increment()
    return {
      kind: 'table',
      type,
      lTime,
      nodeName: name,
      tableName: table,
      key,
      value,
      residualReapTimeSeconds,
    }
  }

  /** A delete without a residual time counts for the whole of it (docker-wire §3.7, rule 7). */
  #tombstoneMs({ residualReapTimeSeconds }: TableEvent): number {
    const { tombstoneMs } = this.#context.profile
    if (residualReapTimeSeconds === 0) return tombstoneMs
    return Math.min(residualReapTimeSeconds * 1000, tombstoneMs)
  }

  /** Rows of a node that has just left are on their way for a while: not early but late. */
  #isEcho(now: Instant, attachment: Attachment): boolean {
    const endedAt = this.#parts().attachments.endedAt(attachment)
    return endedAt !== null && now - endedAt < ECHO_MS
  }

  #hold(now: Instant, event: TableEvent, road: Road): void {
    const { counts, held } = this.#context
    if (held.hold(now, event, road)) counts.held++
    else counts.stale++
  }

  #tell(previous: Row | null, row: Row | null, road: Road): void {
    const { watchers } = this.#context
    if (row !== null) {
      watchers.row({ type: previous === null ? 'create' : 'update', row, previous, road })
    } else if (previous !== null) {
      watchers.row({ type: 'delete', row: previous, previous, road })
    }
  }
}

/**
 * Strictly later, or as late and of a greater name: two owners that wrote one key at the same time
 * would otherwise stay apart for ever, as each node keeps what it heard first (docker-wire §3.3).
 */
function isNewer(event: TableEvent, row: Row): boolean {
  if (event.lTime !== row.lTime) return event.lTime > row.lTime
  return event.nodeName > row.owner
}

/** The same Lamport time with another content: we said both, before and after a restart. */
function isClash(event: TableEvent, { row, isDeleted }: StoredRow): boolean {
  if (event.lTime !== row.lTime || event.nodeName !== row.owner) return false
  return isDeleted !== (event.type === 'delete') || !equalBytes(event.value, row.value)
}

/** An engine takes an update of a peer row for its deletion (docker-wire §4.4). */
function canUpdate(table: string): boolean {
  return table !== 'overlay_peer_table'
}

function rowOf(event: TableEvent): Row {
  const { networkId, tableName, key, nodeName, value, lTime } = event
  return { networkId, table: tableName, key, owner: nodeName, value, lTime }
}
