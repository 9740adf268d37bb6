/** A store in one SQLite file: commits that are asked for together become durable together. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  storeError,
  STORE_KEY_BYTES_MAX,
  STORE_VALUE_BYTES_MAX,
  utf8Bytes,
  type Store,
  type StoreEntry,
  type StoreTransaction,
  type StoreWrite,
} from '@weft/core'
import { sqliteError } from './sqlite-errors.ts'
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts'
import { rowChecksum, SQLITE_MIGRATIONS } from './sqlite-schema.ts'

/**
 * Open the store in the file at `path`, made if there is none; its directory must exist. Throws
 * StoreErrors: a damaged file, one of another program and one of a newer version stay untouched.
 */
export async function openSqliteStore(path: string): Promise<Store> {
  return new SqliteStore(path, await openSqliteFile(path, SQLITE_MIGRATIONS))
}

/** A commit that waits for its turn. */
interface Waiting {
  readonly transaction: StoreTransaction
  readonly resolve: (revision: number | null) => void
  readonly reject: (error: Error) => void
}

/**
 * Calls into SQLite are synchronous: a commit holds the event loop while the device writes. So all
 * that were asked for in one turn share one write.
 */
class SqliteStore implements Store {
  readonly #location: string
  readonly #file: SqliteFile
  readonly #connection: DatabaseSync
  readonly #statements: Statements
  #waiting: Waiting[] = []
  /** After a failure of the device nobody knows what it holds: no more answers then. */
  #failure: Error | null = null
  #isClosed = false

  constructor(location: string, file: SqliteFile) {
    this.#location = location
    this.#file = file
    this.#connection = file.connection
    this.#statements = prepare(file.connection)
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    this.#refuseUnlessUsable()
    const rows = this.#guarded(() => this.#statements.list.all({ $prefix: prefix }))
    // SQLite's objects have no prototype.
    return (rows as unknown as StoreEntry[]).map((row) => ({ ...row }))
  }

  async commit(transaction: StoreTransaction): Promise<number | null> {
    this.#refuseUnlessUsable()
    for (const write of transaction.writes) this.#refuseOversized(write)
    const own = structuredClone(transaction)
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#commitWaiting())
      this.#waiting.push({ transaction: own, resolve, reject })
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#commitWaiting()
    this.#file.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #commitWaiting(): void {
    const batch = this.#waiting
    this.#waiting = []
    if (batch.length === 0) return
    if (this.#commitTogether(batch) === null || batch.length === 1) return
    // One that does not fit must not take the others with it.
    for (const one of batch) this.#commitTogether([one])
  }

  /** Null when all was committed and told; an error, told only to a commit that stood alone. */
  #commitTogether(batch: readonly Waiting[]): Error | null {
    try {
      const revisions = this.#guarded(() => {
        this.#connection.exec('BEGIN IMMEDIATE')
        const made = batch.map(({ transaction }) => this.#write(transaction))
        this.#connection.exec('COMMIT')
        return made
      })
      for (const [at, { resolve }] of batch.entries()) resolve(revisions[at] ?? null)
      return null
    } catch (error) {
      const failure = error as Error
      if (batch.length === 1) for (const { reject } of batch) reject(failure)
      return failure
    }
  }

  /** Checks come before writes, so that a transaction whose check fails has written nothing. */
  #write({ checks, writes }: StoreTransaction): number | null {
    const { find, put, remove, advance } = this.#statements
    for (const { key, revision } of checks) {
      if ((find.get(key)?.['revision'] ?? null) !== revision) return null
    }
    const revision = Number(advance.get()?.['revision'])
    for (const { key, value } of writes) {
      if (value === null) remove.run(key)
      else put.run(key, value, revision, rowChecksum({ key, value, revision }))
    }
    return revision
  }

  #guarded<Result>(act: () => Result): Result {
    if (this.#failure !== null) throw this.#failure
    try {
      return act()
    } catch (error) {
      const failure = sqliteError(error, this.#location)
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK')
      if (isFull(failure)) this.#emptyLog()
      else this.#failure = failure
      throw failure
    }
  }

  /** What is in the file already needs no room in the log too; later commits may fit then. */
  #emptyLog(): void {
    try {
      this.#connection.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // Then there is no room for that either, as the commit's own error says.
    }
  }

  #refuseOversized({ key, value }: StoreWrite): void {
    const isKey = key !== '' && !key.includes('\0') && utf8Bytes(key).length <= STORE_KEY_BYTES_MAX
    if (isKey && (value?.length ?? 0) <= STORE_VALUE_BYTES_MAX) return
    const diagnostic = isKey ? 'a value is too large' : 'a key is empty, too long, or holds a NUL'
    const facts = { location: this.#location, diagnostic }
    throw storeError('ERR_STORE_FAILED', 'the store refused', facts)
  }

  #refuseUnlessUsable(): void {
    if (!this.#isClosed) return
    const location = this.#location
    throw storeError('ERR_STORE_CLOSED', 'the store is closed', { location })
  }
}

interface Statements {
  readonly list: StatementSync
  readonly find: StatementSync
  readonly put: StatementSync
  readonly remove: StatementSync
  readonly advance: StatementSync
}

function prepare(connection: DatabaseSync): Statements {
  return {
    list: connection.prepare(
      `SELECT key, value, revision FROM entries
       WHERE key >= $prefix AND substr(key, 1, length($prefix)) = $prefix ORDER BY key`,
    ),
    find: connection.prepare('SELECT revision FROM entries WHERE key = ?'),
    put: connection.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)'),
    remove: connection.prepare('DELETE FROM entries WHERE key = ?'),
    advance: connection.prepare('UPDATE latest SET revision = revision + 1 RETURNING revision'),
  }
}

/** The only failure after which the store goes on: a device has room again some day. */
function isFull(error: Error): boolean {
  return Reflect.get(error, 'code') === 'ERR_STORE_FULL'
}
