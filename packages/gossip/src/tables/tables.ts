/** NetworkDB as a state machine: rows that every node of a network comes to know. */
import { equalBytes, utf8Bytes, type Instant } from '@weft/core'
import { encodeTableEvent } from '../networkdb/encode.ts'
import { NETWORKDB_NAME_BYTES_MAX, ROW_KEY_BYTES_MAX } from '../networkdb/limits.ts'
import { LAMPORT_TIME_MAX } from '../networkdb/messages.ts'
import { createInbox } from './inbox.ts'
import type { LocalNetwork } from './local-network.ts'
import { ROWS_SET_PREFIX } from './row-source.ts'
import type { StoredRow } from './row-store.ts'
import type { AttachmentChange, Row, RowChange } from './table.ts'
import type { TablesDelegate } from './tables-delegate.ts'
import { tablesError } from './tables-errors.ts'
import {
  createParts,
  type TablesEnvironment,
  type TablesOptions,
  type TablesParts,
} from './tables-parts.ts'
import type { NetworkView, TablesCounters } from './tables-view.ts'
import { matches, type WatchFilter } from './watch-filter.ts'

/** Which row. */
export interface RowName {
  readonly networkId: string
  readonly table: string
  readonly key: string
}

/** A row to be written. */
export interface RowWrite extends RowName {
  readonly value: Uint8Array
}

/**
 * The tables of one node. Whatever it is called with, what watchers heard adds up to `rows`, a row
 * is of one owner, and only nodes that are attached to a network get its rows.
 */
export class Tables {
  /** What the membership below calls. */
  readonly delegate: TablesDelegate
  readonly #parts: TablesParts
  #now: Instant

  constructor(now: Instant, options: TablesOptions, environment: TablesEnvironment) {
    this.#now = now
    this.#parts = createParts(now, options, environment)
    this.delegate = createInbox(this.#parts, (at, input) => this.#input(at, input))
  }

  /** Do what is due. Calling early or late is fine. */
  tick(now: Instant): void {
    this.#input(now, () => {
      const { gossip, bulk, foreign, reconnect, reaper, reconciler } = this.#parts
      for (const part of [gossip, reconciler, bulk, foreign, reconnect, reaper]) part.tick(now)
    })
  }

  /** When `tick` has something to do; null: never, until something arrives. */
  nextDeadline(): Instant | null {
    const { gossip, bulk, foreign, reconnect, reaper, reconciler } = this.#parts
    let next: Instant | null = null
    for (const part of [gossip, reconciler, bulk, foreign, reconnect, reaper]) {
      const deadline = part.nextDeadline()
      if (deadline !== null && (next === null || deadline < next)) next = deadline
    }
    return next
  }

  /**
   * Attach this node to a network. Peers accept its rows from now on. Idempotent. Throws
   * ERR_NAME_LENGTH.
   */
  attach(now: Instant, networkId: string): void {
    checkName('networkId', networkId, NETWORKDB_NAME_BYTES_MAX)
    this.#input(now, () => {
      const { own, behind, bulk, foreign, rows } = this.#parts
      const isRemembered = own.isRemembered(networkId)
      const network = own.attach(now, networkId)
      if (network === null) return
      rows.enter(now, network)
      bulk.arm(now)
      if (isRemembered) network.syncedAt = now
      else {
        behind.add(network)
        foreign.attached(now, network)
      }
    })
  }

  /** Detach: own rows are deleted, those of others forgotten. Idempotent. */
  detach(now: Instant, networkId: string): void {
    this.#input(now, () => {
      const { own, behind, bulk, foreign, gossip, reconciler, rows } = this.#parts
      const network = own.detach(now, networkId)
      if (network === null) return
      rows.leave(now, network)
      behind.delete(network)
      gossip.disarm(network)
      bulk.cancel(network)
      foreign.detached(now, network)
      reconciler.forget(ROWS_SET_PREFIX + networkId)
    })
  }

  /**
   * Write a row of ours: created, or updated. Nothing happens if it is the same already. Throws
   * ERR_NOT_ATTACHED, ERR_ROW_TOO_LARGE, ERR_NOT_OWNER (another node has this key) and
   * ERR_NAME_LENGTH.
   */
  put(now: Instant, { networkId, table, key, value }: RowWrite): void {
    const network = this.#parts.networks.local(networkId)
    if (network === null) {
      const facts = { networkId }
      throw tablesError('ERR_NOT_ATTACHED', 'this node is not attached to the network', facts)
    }
    checkName('table', table, NETWORKDB_NAME_BYTES_MAX)
    checkName('key', key, ROW_KEY_BYTES_MAX)
    const row = { networkId, table, key, value: value.slice() }
    this.#checkSize(row)
    const known = this.#ownRow(network, row)
    if (known?.isLive === true && equalBytes(known.row.value, value)) return
    this.#input(now, () => this.#parts.rows.write(now, network, row))
  }

  /** Delete a row of ours. Throws ERR_NO_SUCH_ROW, ERR_NOT_OWNER. */
  remove(now: Instant, { networkId, table, key }: RowName): void {
    const network = this.#parts.networks.local(networkId)
    const known = network === null ? null : this.#ownRow(network, { networkId, table, key })
    if (network === null || known?.isLive !== true) {
      const facts = { networkId, table, key }
      throw tablesError('ERR_NO_SUCH_ROW', 'there is no such row', facts)
    }
    this.#input(now, () => this.#parts.rows.erase(now, network, known.row))
  }

  /** Rows to be seen now: of owners that are attached and alive. */
  *rows(filter: WatchFilter): Iterable<Row> {
    const { networkId, table } = filter
    for (const network of this.#parts.networks.locals()) {
      if (networkId !== undefined && networkId !== network.id) continue
      const stored = table === undefined ? network.rows.all() : network.rows.inTable(table)
      for (const { isLive, row } of stored) if (isLive && matches(filter, row)) yield row
    }
  }

  /** Networks that this node is attached to. */
  networks(): readonly NetworkView[] {
    const { networks, reconciler } = this.#parts
    return [...networks.locals()].map(({ id, rows, isAnswered }) => {
      const since = reconciler.differsSince(ROWS_SET_PREFIX + id)
      return {
        networkId: id,
        nodes: networks.nodeNames(id),
        rows: rows.liveCount,
        tombstones: rows.tombstones.size,
        isAnswered,
        lagMs: since === null ? 0 : this.#now - since,
      }
    })
  }

  /**
   * What is known now, as creates, then every change, until disposed. Callbacks are called when an
   * input was dealt with as a whole; they may write, watch and dispose.
   */
  watchRows(filter: WatchFilter, onChange: (change: RowChange) => void): Disposable {
    return this.#parts.context.watchers.watchRows(filter, this.rows(filter), onChange)
  }

  /** Who is attached to any network now, then every change, until disposed. */
  watchAttachments(onChange: (change: AttachmentChange) => void): Disposable {
    const { context, networks } = this.#parts
    return context.watchers.watchAttachments([...networks.attached()], onChange)
  }

  counters(): TablesCounters {
    const { context, reconciler } = this.#parts
    const { faults, applied, stale, held, refuted, bulkSyncs } = context.counts
    const { digestsSent, differed } = reconciler.counters()
    return {
      faults: { ...faults },
      applied: { ...applied },
      stale,
      held,
      heldDropped: context.held.dropped,
      refuted,
      bulkSyncs,
      digestsSent,
      digestsDiffered: differed,
    }
  }

  /** Deal with an input as a whole, then let watchers hear what came of it. */
  #input(now: Instant, input: () => void): void {
    const { context } = this.#parts
    this.#now = now
    context.watchers.hold()
    try {
      input()
      this.#settle(now)
    } finally {
      context.watchers.release()
    }
  }

  /** Start what the input gave reason to. */
  #settle(now: Instant): void {
    const { behind, bulk, reaper } = this.#parts
    for (const network of behind) {
      if (network.peers.size === 0) {
        network.syncedAt ??= now
        continue
      }
      behind.delete(network)
      network.syncedAt = null
      bulk.catchUp(now, network)
    }
    reaper.arm(now)
  }

  /** What this key has that is ours, or nobody's just now. Throws ERR_NOT_OWNER. */
  #ownRow(network: LocalNetwork, { networkId, table, key }: RowName): StoredRow | null {
    const known = network.rows.get(table, key)
    const owner = known?.row.owner
    if (owner === this.#parts.context.name) return known
    if (known?.isLive !== true || owner === undefined) return null
    const facts = { networkId, table, key, owner }
    throw tablesError('ERR_NOT_OWNER', 'the row belongs to another node', facts)
  }

  /** Whatever its Lamport time may become, and as a delete too, it must fit a packet. */
  #checkSize({ networkId, table, key, value }: RowWrite): void {
    const { context, gossip } = this.#parts
    const largest = encodeTableEvent({
      kind: 'table',
      type: 'delete',
      lTime: LAMPORT_TIME_MAX,
      nodeName: context.name,
      networkId,
      tableName: table,
      key,
      value,
      residualReapTimeSeconds: Math.max(1, Math.trunc(context.profile.tombstoneMs / 1000)),
    })
    const bytesMax = gossip.eventBytesMax
    if (largest.length <= bytesMax) return
    const facts = { networkId, table, key, bytes: largest.length, bytesMax }
    throw tablesError('ERR_ROW_TOO_LARGE', 'the row does not fit a packet', facts)
  }
}

function checkName(field: string, name: string, bytesMax: number): void {
  const bytes = utf8Bytes(name).length
  if (bytes >= 1 && bytes <= bytesMax) return
  const facts = { field, bytes, bytesMax }
  throw tablesError('ERR_NAME_LENGTH', 'a name is empty or too long', facts)
}
