/** The tables of a store, their versions, and the checksum of a row. */
import { crc32 } from 'node:zlib'
import type { DatabaseSync } from 'node:sqlite'
import type { StoreEntry } from '@weft/core'

/** `application_id` in the header of our files: WEFT in ASCII. */
export const SQLITE_APPLICATION_ID = 0x5745_4654

/**
 * What brings a store from each version to the next; the first makes an empty one. A released
 * entry never changes: a new version is a new entry.
 */
export const SQLITE_MIGRATIONS: readonly string[] = [
  `CREATE TABLE entries (
     key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, checksum INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE latest (revision INTEGER NOT NULL) STRICT;
   INSERT INTO latest VALUES (0)`,
]

/** CRC-32 over a row, since SQLite keeps none: a flipped bit in a value would pass for a value. */
export function rowChecksum({ key, value, revision }: StoreEntry): number {
  return crc32(value, crc32(`${revision} ${key}`))
}

/** Bring a store to the newest version, in one transaction. */
export function migrate(connection: DatabaseSync, migrations: readonly string[]): void {
  const from = schemaVersion(connection)
  if (from === migrations.length) return
  connection.exec('BEGIN IMMEDIATE')
  for (const statements of migrations.slice(from)) connection.exec(statements)
  connection.exec(`PRAGMA user_version = ${migrations.length}`)
  connection.exec('COMMIT')
}

/** Which version of the tables a store has. */
export function schemaVersion(connection: DatabaseSync): number {
  return Number(connection.prepare('PRAGMA user_version').get()?.['user_version'])
}
