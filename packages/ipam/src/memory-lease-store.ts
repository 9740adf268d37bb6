/** A store in memory: for one process, and for tests. */
import type { CommitResult, LeaseStore, StoreChange, StoredRecord } from './lease-store.ts'

/** Holds records in a map; each commit is one step. */
export class MemoryLeaseStore implements LeaseStore {
  readonly #records = new Map<string, StoredRecord>()
  #revision = 0

  async list(prefix: string): Promise<readonly StoredRecord[]> {
    return [...this.#records.values()].filter(({ key }) => key.startsWith(prefix))
  }

  async commit(changes: readonly StoreChange[]): Promise<CommitResult> {
    const failed = changes.find(
      ({ key, expected }) => (this.#records.get(key)?.revision ?? 0) !== expected,
    )
    if (failed !== undefined) return { committed: false, key: failed.key }
    const revision = ++this.#revision
    for (const { key, value } of changes) {
      if (value === null) this.#records.delete(key)
      else if (value !== undefined) this.#records.set(key, { key, value, revision })
    }
    return { committed: true, revision }
  }
}
