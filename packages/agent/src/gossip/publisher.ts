/** Brings what gossip says of this node to what it should say, however it came to differ. */
import type { Instant } from '@weft/core'
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
  /** Rows are the same if they are the same object. */
  readonly #rows = new Set<RowWrite>()

  /** Throws ERR_ROW_TOO_LARGE and what else `Tables.put` throws; the rest was said. */
  publish(tables: Tables, now: Instant, { networks, rows }: Publication): void {
    const wanted = new Set(rows)
    for (const networkId of networks) {
      if (this.#attached.has(networkId)) continue
      tables.attach(now, networkId)
      this.#attached.add(networkId)
    }
    for (const row of this.#rows) {
      if (wanted.has(row)) continue
      this.#rows.delete(row)
      if (networks.has(row.networkId)) tables.remove(now, row)
    }
    const failures: unknown[] = []
    for (const row of wanted) {
      if (this.#rows.has(row) || !networks.has(row.networkId)) continue
      try {
        tables.put(now, row)
        this.#rows.add(row)
      } catch (error) {
        failures.push(error)
      }
    }
    for (const networkId of this.#attached) {
      if (networks.has(networkId)) continue
      // Rows on it are deleted with it.
      this.#attached.delete(networkId)
      tables.detach(now, networkId)
    }
    if (failures.length > 0) throw failures[0]
  }
}
