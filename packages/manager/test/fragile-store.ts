/** A store that fails when it is told to: full, or as if the machine had stopped. */
import { storeError, type Store, type StoreEntry, type StoreTransaction } from '@weft/core'
import { MemoryStore } from '../src/index.ts'

/** What happens to a commit. `lost` and `kept`: its caller never learns, and nor of any later. */
export type CommitFate = 'done' | 'full' | 'lost' | 'kept'

/** Asks for the fate of each commit, counted from 1. */
export class FragileStore implements Store {
  readonly #inner: MemoryStore
  fate: (commit: number) => CommitFate = () => 'done'
  commits = 0
  /** Writes of each transaction that took place. */
  readonly sizes: number[] = []
  #stopped = false

  constructor(inner: MemoryStore = new MemoryStore()) {
    this.#inner = inner
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  list(prefix: string): Promise<readonly StoreEntry[]> {
    return this.#stopped ? never() : this.#inner.list(prefix)
  }

  async commit(transaction: StoreTransaction): Promise<number | null> {
    if (this.#stopped) return never()
    const fate = this.fate(++this.commits)
    if (fate === 'full') {
      throw storeError('ERR_STORE_FULL', 'no room left', { location: 'memory' })
    }
    if (fate !== 'done') this.#stopped = true
    if (fate === 'lost') return never()
    const revision = await this.#inner.commit(transaction)
    if (revision !== null) this.sizes.push(transaction.writes.length)
    return fate === 'kept' ? never() : revision
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner.close()
  }

  /** The same entries after a restart, with whoever had this one cut off. */
  successor(): FragileStore {
    this.#stopped = true
    return new FragileStore(this.#inner.reopen())
  }
}

function never<Result>(): Promise<Result> {
  return new Promise(() => undefined)
}
