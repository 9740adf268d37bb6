/** A table with the meaning of its bytes: rows written and watched as values. */
import type { Instant } from '@weft/core'
import type { GossipFault } from '../memberlist/faults.ts'
import type { TableSchema } from '../networkdb/table-schema.ts'
import type { Road, Row } from './table.ts'
import type { Tables } from './tables.ts'

/** A change of one row, with values for bytes. */
export interface ValueChange<Value> {
  readonly type: 'create' | 'update' | 'delete'
  readonly networkId: string
  readonly key: string
  readonly owner: string
  /** What it is, or was until it was deleted. */
  readonly value: Value
  /** What it was before an update; null otherwise. */
  readonly previous: Value | null
  readonly road: Road
}

/** One table of one network, as values of its schema. */
export class TableView<Value extends object> {
  readonly #tables: Tables
  readonly #schema: TableSchema<Value>
  readonly #networkId: string
  readonly #faults: Partial<Record<GossipFault, number>> = {}

  constructor(
    tables: Tables,
    { networkId, schema }: { readonly networkId: string; readonly schema: TableSchema<Value> },
  ) {
    this.#tables = tables
    this.#networkId = networkId
    this.#schema = schema
  }

  /** Write a row of ours. Throws as `Tables.put` does, and as the schema's `encode`. */
  put(now: Instant, key: string, value: Value): void {
    this.#tables.put(now, { ...this.#name(key), value: this.#schema.encode(value) })
  }

  /** Delete a row of ours. Throws as `Tables.remove` does. */
  remove(now: Instant, key: string): void {
    this.#tables.remove(now, this.#name(key))
  }

  /**
   * What is known now, as creates, then every change. A row that does not decode is counted and not
   * there: it is created when it comes to decode, and deleted when it ceases to.
   */
  watch(onChange: (change: ValueChange<Value>) => void): Disposable {
    const filter = { networkId: this.#networkId, table: this.#schema.name }
    return this.#tables.watchRows(filter, ({ type, row, previous, road }) => {
      // What was there before was counted when it came.
      const before = previous === null ? null : this.#decode(previous, () => undefined)
      const after = type === 'delete' ? null : this.#decode(row, (fault) => this.#count(fault))
      if (after === null && before === null) return
      onChange(changeOf({ row, road, before, after }))
    })
  }

  /** Rows that watchers could not be told of, by reason. */
  faults(): Readonly<Partial<Record<GossipFault, number>>> {
    return { ...this.#faults }
  }

  #name(key: string): { networkId: string; table: string; key: string } {
    return { networkId: this.#networkId, table: this.#schema.name, key }
  }

  #decode({ value }: Row, onFault: (fault: GossipFault) => void): Decoded<Value> | null {
    const decoded = this.#schema.decode(value)
    if (typeof decoded !== 'string') return { value: decoded }
    onFault(decoded)
    return null
  }

  #count(fault: GossipFault): void {
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1
  }
}

interface Decoded<Value> {
  readonly value: Value
}

interface Change<Value> {
  readonly row: Row
  readonly road: Road
  readonly before: Decoded<Value> | null
  readonly after: Decoded<Value> | null
}

function changeOf<Value>({ row, road, before, after }: Change<Value>): ValueChange<Value> {
  const { networkId, key, owner } = row
  const about = { networkId, key, owner, road }
  if (after !== null && before !== null) {
    return { ...about, type: 'update', value: after.value, previous: before.value }
  }
  if (after !== null) return { ...about, type: 'create', value: after.value, previous: null }
  const gone = before as Decoded<Value>
  return { ...about, type: 'delete', value: gone.value, previous: null }
}
