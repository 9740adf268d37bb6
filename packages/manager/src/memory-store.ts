/** A store in memory: for clusters that live as long as their process, and for tests. */
import {
  STORE_KEY_BYTES_MAX,
  STORE_VALUE_BYTES_MAX,
  storeError,
  utf8Bytes,
  type Store,
  type StoreEntry,
  type StoreTransaction,
} from '@weft/core'

const LOCATION = 'memory'

/** Keeps entries in a map; each commit is one step. What is closed can be reopened. */
export class MemoryStore implements Store {
  readonly #entries: Map<string, StoreEntry>
  #revision: number
  #open = true

  constructor() {
    this.#entries = new Map()
    this.#revision = 0
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    this.#refuseClosed()
    return [...this.#entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((entry) => ({ ...entry, value: entry.value.slice() }))
  }

  async commit({ checks, writes }: StoreTransaction): Promise<number | null> {
    this.#refuseClosed()
    for (const { key, value } of writes) refuseOversized(key, value)
    const holds = checks.every(
      ({ key, revision }) => (this.#entries.get(key)?.revision ?? null) === revision,
    )
    if (!holds) return null
    const revision = ++this.#revision
    for (const { key, value } of writes) {
      if (value === null) this.#entries.delete(key)
      else this.#entries.set(key, { key, value: value.slice(), revision })
    }
    return revision
  }

  /** A store with the same entries that another owner opens, as after a restart. */
  reopen(): MemoryStore {
    const successor = new MemoryStore()
    for (const [key, entry] of this.#entries) successor.#entries.set(key, entry)
    successor.#revision = this.#revision
    this.#open = false
    return successor
  }

  async close(): Promise<void> {
    this.#open = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #refuseClosed(): void {
    if (this.#open) return
    throw storeError('ERR_STORE_CLOSED', 'the store is closed', { location: LOCATION })
  }
}

function refuseOversized(key: string, value: Uint8Array | null): void {
  const keyFits = key !== '' && utf8Bytes(key).length <= STORE_KEY_BYTES_MAX
  if (keyFits && (value?.length ?? 0) <= STORE_VALUE_BYTES_MAX) return
  const diagnostic = keyFits ? 'a value is too large' : 'a key is empty or too long'
  throw storeError('ERR_STORE_FAILED', 'the store refused', { location: LOCATION, diagnostic })
}
