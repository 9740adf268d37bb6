/** Brings what gossip says of this node to what it should say, however it came to differ. */
import { equalBytes, type Instant } from '@weft/core'
import type { RowWrite, Tables } from '@weft/gossip'

/** What this node has to say. */
export interface Publication {
  /** Networks that it takes part in. */
  readonly networks: ReadonlySet<string>
  /** Rows on them. */
  readonly rows: readonly RowWrite[]
}

/** Says the difference to what it said before. Make a new one for new tables. */
export class Publisher {
  readonly #attached = new Set<string>()
  readonly #rows = new Map<string, RowWrite>()

  /** Throws ERR_ROW_TOO_LARGE and what else `Tables.put` throws; the rest was said. */
  publish(tables: Tables, now: Instant, { networks, rows }: Publication): void {
    const wanted = new Map(rows.map((row) => [idOf(row), row]))
    for (const networkId of networks) {
      if (this.#attached.has(networkId)) continue
      tables.attach(now, networkId)
      this.#attached.add(networkId)
    }
    for (const [id, row] of [...this.#rows]) {
      const next = wanted.get(id)
      if (next !== undefined && equalBytes(next.value, row.value)) continue
      this.#rows.delete(id)
      if (networks.has(row.networkId)) tables.remove(now, row)
    }
    let failure: unknown = null
    for (const [id, row] of wanted) {
      if (this.#rows.has(id) || !networks.has(row.networkId)) continue
      try {
        tables.put(now, row)
        this.#rows.set(id, row)
      } catch (error) {
        failure ??= error
      }
    }
    for (const networkId of [...this.#attached]) {
      if (networks.has(networkId)) continue
      // Rows on it are deleted with it.
      this.#attached.delete(networkId)
      tables.detach(now, networkId)
    }
    if (failure !== null) throw failure
  }
}

function idOf({ networkId, table, key }: RowWrite): string {
  return `${networkId} ${table} ${key}`
}
