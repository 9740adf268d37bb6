/** What SQLite says, as errors of stores. */
import { storeError } from '@weft/core'

/** Primary result codes (sqlite.org/rescode.html). */
const SQLITE = { busy: 5, locked: 6, io: 10, corrupt: 11, full: 13, notADatabase: 26 } as const

/** SQLITE_IOERR_SHMSIZE: no room for the index of the log. */
const NO_ROOM_FOR_INDEX = SQLITE.io | (19 << 8)

/** What a failure of SQLite at `location` is called: StoreErrors. */
export function sqliteError(error: unknown, location: string): Error {
  const code = resultCode(error)
  const diagnostic = error instanceof Error ? error.message : String(error)
  switch (code === NO_ROOM_FOR_INDEX ? SQLITE.full : code & 0xff) {
    case SQLITE.busy:
    case SQLITE.locked:
      return storeError('ERR_STORE_LOCKED', 'another process has it open', { location }, error)
    case SQLITE.full:
      return storeError('ERR_STORE_FULL', 'no room left for the store', { location }, error)
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return corruptStore(location, diagnostic, error)
    default:
      return storeError('ERR_STORE_FAILED', 'the store failed', { location, diagnostic }, error)
  }
}

/** An ERR_STORE_CORRUPT for what is at `location`. */
export function corruptStore(location: string, problem: string, cause?: unknown): Error {
  const text = 'the store is damaged or not ours, and was left as it is'
  return storeError('ERR_STORE_CORRUPT', text, { location, problem }, cause)
}

/** The result code of an error of node:sqlite, with its extension; 0 for other errors. */
function resultCode(error: unknown): number {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'errcode') : undefined
  return typeof code === 'number' ? code : 0
}
