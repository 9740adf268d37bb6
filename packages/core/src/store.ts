/** Durable state as a port: keys in order, changed by conditional transactions. */
import { defineErrors } from './errors.ts'

/** Bytes in one key, UTF-8. Keys are paths like `node/x9f…`. */
export const STORE_KEY_BYTES_MAX = 512

/** Bytes in one value. */
export const STORE_VALUE_BYTES_MAX = 1 << 20

/** A key with what it holds, and the revision of the transaction that wrote it. */
export interface StoreEntry {
  readonly key: string
  readonly value: Uint8Array
  readonly revision: number
}

/** What must hold for a transaction to count: this key was last written at `revision`. */
export interface StoreCheck {
  readonly key: string
  /** Null: the key must not exist. */
  readonly revision: number | null
}

/** One change; `value` null deletes. */
export interface StoreWrite {
  readonly key: string
  readonly value: Uint8Array | null
}

/** Checks and writes that count together or not at all. */
export interface StoreTransaction {
  readonly checks: readonly StoreCheck[]
  readonly writes: readonly StoreWrite[]
}

/** Why a store could not do what it was asked for. */
export type StoreErrors = {
  /** No room left: nothing of the transaction was written. */
  ERR_STORE_FULL: { readonly location: string }
  /** What is there is damaged, or is no store of ours; it was left as it is. */
  ERR_STORE_CORRUPT: { readonly location: string; readonly problem: string }
  /** Written by another version of the program. */
  ERR_STORE_VERSION: {
    readonly location: string
    readonly version: number
    readonly expected: number
  }
  /** Another process has it open. */
  ERR_STORE_LOCKED: { readonly location: string }
  ERR_STORE_CLOSED: { readonly location: string }
  /** The machine refused; `diagnostic` is its own words. */
  ERR_STORE_FAILED: { readonly location: string; readonly diagnostic: string }
}

/** Makes errors of stores. */
export const storeError = defineErrors<StoreErrors>()

/** A map from keys to bytes that survives its process. Several owners may share one (etcd). */
export interface Store extends AsyncDisposable {
  /** Every entry whose key begins with `prefix`, by key. */
  list(prefix: string): Promise<readonly StoreEntry[]>
  /**
   * All or nothing. Resolves with the new revision when all of it is durable, with null when a
   * check failed and nothing was written. Throws StoreErrors; then nothing was written either.
   */
  commit(transaction: StoreTransaction): Promise<number | null>
  /** Closing again does nothing. */
  close(): Promise<void>
}
