/** The file of a store: made whole or not at all, examined before anything is written to it. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type * as NodeSqlite from 'node:sqlite'
import type { DatabaseSync } from 'node:sqlite'
import { storeError, u32, type StoreEntry } from '@weft/core'
import { corruptStore, sqliteError } from './sqlite-errors.ts'
import { migrate, rowChecksum, schemaVersion, SQLITE_APPLICATION_ID } from './sqlite-schema.ts'
import { codeOf } from './socket-errors.ts'

/** Loaded when the first store is opened: many programs never do. */
type Sqlite = Pick<typeof NodeSqlite, 'DatabaseSync'>

const OWNER_ONLY = 0o600

/** The header of a database file (sqlite.org/fileformat2.html §1.3). */
const HEADER = { bytes: 100, magic: 'SQLite format 3\0', applicationIdAt: 68 } as const

/**
 * Files that this process has open, by device and inode. Locks of POSIX belong to a process: it
 * would get another one for the asking, and lose the first by closing any descriptor of the file.
 */
const openHere = new Set<string>()

/** A database that nobody else has open. */
export interface SqliteFile {
  readonly connection: DatabaseSync
  close(): void
}

/**
 * Open the store at `path`, made if there is none, for this process alone. What is there is read
 * whole first, without writing, so that a damaged file stays as it is. Throws StoreErrors.
 */
export async function openSqliteFile(
  path: string,
  migrations: readonly string[],
): Promise<SqliteFile> {
  const sqlite = await import('node:sqlite')
  try {
    if ((await identify(path)) === null) await create(sqlite, path, migrations)
    const identity = (await identify(path)) ?? ''
    if (openHere.has(identity)) {
      throw storeError('ERR_STORE_LOCKED', 'this process has it open', { location: path })
    }
    openHere.add(identity)
    try {
      await examineHeader(path)
      examine(sqlite, path, migrations)
      return claim(openExclusive(sqlite, path, migrations), identity)
    } catch (error) {
      openHere.delete(identity)
      throw error
    }
  } catch (error) {
    throw codeOf(error).startsWith('ERR_STORE_') ? error : fileError(error, path)
  }
}

function claim(connection: DatabaseSync, identity: string): SqliteFile {
  const close = (): void => {
    connection.close()
    openHere.delete(identity)
  }
  return { connection, close }
}

/** A name points to a whole store or to nothing, so that an empty file is always damage. */
async function create(sqlite: Sqlite, path: string, migrations: readonly string[]): Promise<void> {
  const log = await identify(`${path}-wal`)
  if (log !== null) throw corruptStore(path, 'there is a log, and no file to it')
  const fresh = `${path}.new`
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(fresh + suffix, { force: true })
  await (await open(fresh, 'wx', OWNER_ONLY)).close()
  const connection = new sqlite.DatabaseSync(fresh)
  try {
    // Nobody knows the file yet: one write to the device at the end is enough.
    connection.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF')
    connection.exec(`PRAGMA application_id = ${SQLITE_APPLICATION_ID}`)
    migrate(connection, migrations)
    connection.exec('PRAGMA journal_mode = WAL')
  } finally {
    connection.close()
  }
  await syncPath(fresh)
  await rename(fresh, path)
  await syncPath(dirname(path))
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  await file.sync().finally(() => file.close())
}

/** Whose file it is stands in its first bytes; SQLite itself might write to it. */
async function examineHeader(path: string): Promise<void> {
  const file = await open(path, 'r')
  const header = new Uint8Array(HEADER.bytes)
  const { bytesRead } = await file.read(header).finally(() => file.close())
  const magic = String.fromCharCode(...header.subarray(0, HEADER.magic.length))
  if (bytesRead < HEADER.bytes || magic !== HEADER.magic) {
    throw corruptStore(path, 'not a database')
  }
  if (u32(header, HEADER.applicationIdAt) !== SQLITE_APPLICATION_ID) {
    throw corruptStore(path, 'a database of another program')
  }
}

/** Through a connection that may not write: one that may would tidy up the log as it closes. */
function examine(sqlite: Sqlite, path: string, migrations: readonly string[]): void {
  const connection = new sqlite.DatabaseSync(path, { readOnly: true })
  try {
    const version = schemaVersion(connection)
    const expected = migrations.length
    if (version > expected) {
      const facts = { location: path, version, expected }
      throw storeError('ERR_STORE_VERSION', 'written by a newer version', facts)
    }
    const [row] = connection.prepare('PRAGMA integrity_check(1)').all()
    const verdict = String(row?.['integrity_check'])
    if (verdict !== 'ok') throw corruptStore(path, verdict)
    if (version === expected) examineRows(connection, path)
  } finally {
    connection.close()
  }
}

function examineRows(connection: DatabaseSync, path: string): void {
  const rows = connection.prepare('SELECT key, value, revision, checksum FROM entries').iterate()
  for (const row of rows) {
    const { checksum, ...entry } = row as unknown as StoreEntry & { readonly checksum: number }
    if (rowChecksum(entry) === checksum) continue
    throw corruptStore(path, `the checksum of ${entry.key} does not fit`)
  }
}

function openExclusive(
  sqlite: Sqlite,
  path: string,
  migrations: readonly string[],
): DatabaseSync {
  const connection = new sqlite.DatabaseSync(path)
  try {
    // In this order: the lock then needs no shared memory, and is held from the first read on.
    connection.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL')
    connection.exec('BEGIN IMMEDIATE; COMMIT')
    migrate(connection, migrations)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/** Null when there is no such file. */
async function identify(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Failures of the file system itself come without SQLite's codes. */
function fileError(error: unknown, location: string): Error {
  const code = codeOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return sqliteError(error, location)
  return storeError('ERR_STORE_FULL', 'no room left for the store', { location }, error)
}
