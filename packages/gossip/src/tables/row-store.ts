/** The rows of one network, by key, by owner, and by what a digest exchange asks for. */
import type { Instant } from '@weft/core'
import { DigestIndex } from '../reconcile/digest-index.ts'
import type { DigestItem } from '../reconcile/digest-sums.ts'
import type { Row } from './table.ts'

/** Rows and tombstones of one network that a node keeps; what comes beyond is refused. */
export const ROWS_MAX = 200_000

/**
 * A row as it is kept; immutable. Live: to be seen. Suspended: its owner is not there just now.
 * Tombstone: deleted, remembered so that old news of it lose.
 */
export interface StoredRow extends DigestItem {
  readonly row: Row
  /** Its Lamport time; the digest's version. */
  readonly version: number
  /** True for those to be seen; suspended rows and tombstones are not live. */
  readonly isLive: boolean
  readonly isDeleted: boolean
  /** When a tombstone is forgotten. */
  readonly reapAt: Instant
}

/** Every operation takes the same time however many rows there are. */
export class RowStore {
  /** What digests are made from. */
  readonly index: DigestIndex<StoredRow> = new DigestIndex()
  readonly #tables = new Map<string, Map<string, StoredRow>>()
  readonly #owners = new Map<string, Set<StoredRow>>()
  readonly #tombstones = new Set<StoredRow>()
  #size = 0
  #liveCount = 0

  /** Rows of any kind. */
  get size(): number {
    return this.#size
  }

  /** Rows to be seen. */
  get liveCount(): number {
    return this.#liveCount
  }

  /** Deleted ones that are remembered, the oldest first. */
  get tombstones(): ReadonlySet<StoredRow> {
    return this.#tombstones
  }

  get(table: string, key: string): StoredRow | null {
    return this.#tables.get(table)?.get(key) ?? null
  }

  /** Rows of any kind, in no order that means anything. */
  *all(): Iterable<StoredRow> {
    for (const rows of this.#tables.values()) yield* rows.values()
  }

  /** Rows of any kind in one table. */
  inTable(table: string): Iterable<StoredRow> {
    return this.#tables.get(table)?.values() ?? []
  }

  /** Rows of any kind that a node wrote. The answer is a copy. */
  ofOwner(owner: string): readonly StoredRow[] {
    return [...(this.#owners.get(owner) ?? [])]
  }

  /** Put a row in the place of what its key had. False: there are ROWS_MAX, nothing was done. */
  put(now: Instant, stored: StoredRow): boolean {
    const { table, key, owner } = stored.row
    const rows = this.#tables.get(table) ?? new Map<string, StoredRow>()
    const former = rows.get(key)
    if (former !== undefined) this.#unlist(now, former, stored)
    else if (this.#size >= ROWS_MAX) return false
    else this.#size++
    rows.set(key, stored)
    this.#tables.set(table, rows)
    const owned = this.#owners.get(owner)
    if (owned === undefined) this.#owners.set(owner, new Set([stored]))
    else owned.add(stored)
    if (stored.isDeleted) this.#tombstones.add(stored)
    if (stored.isLive) this.#liveCount++
    this.index.put(now, stored)
    return true
  }

  /** Forget a row altogether. */
  delete(now: Instant, stored: StoredRow): void {
    const { table, key } = stored.row
    const rows = this.#tables.get(table)
    if (rows?.get(key) !== stored) return
    rows.delete(key)
    if (rows.size === 0) this.#tables.delete(table)
    this.#unlist(now, stored, null)
    this.#size--
  }

  #unlist(now: Instant, former: StoredRow, successor: StoredRow | null): void {
    const { owner } = former.row
    const owned = this.#owners.get(owner)
    owned?.delete(former)
    if (owned?.size === 0) this.#owners.delete(owner)
    if (former.isDeleted) this.#tombstones.delete(former)
    if (former.isLive) this.#liveCount--
    // The same owner's row has the same hash: the index replaces it.
    if (successor?.row.owner !== owner) this.index.delete(now, former)
  }
}
