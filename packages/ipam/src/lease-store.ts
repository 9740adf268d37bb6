/** Where allocators that share an address space meet: keys, values, and conditional writes. */

/** A value under a key. */
export interface StoredRecord {
  readonly key: string
  readonly value: string
  /** Changes with every write of the key, and never repeats for it; 1 or more. */
  readonly revision: number
}

/** One condition of a commit, and what to write when all of them hold. */
export interface StoreChange {
  readonly key: string
  /** The revision the key must have; 0 when it must not exist. */
  readonly expected: number
  /** The new value; null to delete the key; not given to change nothing. */
  readonly value?: string | null
}

/** The revision of everything a commit wrote, or a key whose condition failed. */
export type CommitResult =
  | { readonly committed: true; readonly revision: number }
  | { readonly committed: false; readonly key: string }

/**
 * A linearizable store of small records. Both operations map onto one transaction of etcd or
 * SQLite. A rejected promise leaves open whether the commit took place.
 */
export interface LeaseStore {
  /** All records whose key begins with `prefix`, as of one moment. */
  list(prefix: string): Promise<readonly StoredRecord[]>
  /** All of the writes when all conditions hold, or none. */
  commit(changes: readonly StoreChange[]): Promise<CommitResult>
}
