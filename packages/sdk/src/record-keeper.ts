/** The record of a member while it changes: written down before anybody goes by it. */
import type { NodeRecord, RecordStore } from './node-record.ts'

/** Changes of one record, one after the other. */
export class RecordKeeper {
  readonly #records: RecordStore
  #current: NodeRecord
  #isClosed = false

  constructor(records: RecordStore, record: NodeRecord) {
    this.#records = records
    this.#current = record
  }

  get current(): NodeRecord {
    return this.#current
  }

  /** Resolves when it is durable. Throws StoreErrors; what was in force stays so then. */
  async change(changes: Partial<NodeRecord>): Promise<void> {
    if (this.#isClosed) return
    const before = this.#current
    // Ours before the store is asked: a change that comes meanwhile must contain this one.
    this.#current = { ...before, ...changes }
    const saved = this.#current
    try {
      await this.#records.save({ kind: 'member', record: saved })
    } catch (error) {
      if (this.#current === saved) this.#current = before
      throw error
    }
  }

  /** From here on the record says something else, and late changes must not bring it back. */
  close(): void {
    this.#isClosed = true
  }
}
