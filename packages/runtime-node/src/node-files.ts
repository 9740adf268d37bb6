/** A directory of small files: replaced whole, by a durable rename. */
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, FILE_BYTES_MAX, filesError, type Files } from '@weft/core'
import { codeOf } from './socket-errors.ts'

/** Names of files: no slashes, and no leading dot, which our own temporary files have. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/

/** Codes by which a machine says that there is no room: on the device, in the quota. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

const OWNER_ONLY_DIRECTORY = 0o700
const OWNER_ONLY_FILE = 0o600

/**
 * Files in `directory`, which is made if need be, and is its owner's alone from then on. Calls for
 * one name take their turns, in the order they were made. Throws FilesErrors.
 */
export async function nodeFiles(directory: string): Promise<Files> {
  await attempt('mkdir', directory, async () => {
    await mkdir(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY })
    await chmod(directory, OWNER_ONLY_DIRECTORY)
  })
  return new NodeFiles(directory)
}

class NodeFiles implements Files {
  readonly #directory: string
  /** What was last asked of each name; gone when it is done. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(directory: string) {
    this.#directory = directory
  }

  read(name: string): Promise<Uint8Array | null> {
    const path = this.#path(name)
    return this.#inTurn(name, () => attempt('read', path, () => readWhole(path)))
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name)
    if (bytes.length > FILE_BYTES_MAX) return Promise.reject(tooLarge('write', path))
    // The caller may go on using its array.
    const copy = bytes.slice()
    return this.#inTurn(name, () => attempt('write', path, () => this.#replace(name, copy)))
  }

  remove(name: string): Promise<void> {
    const path = this.#path(name)
    return this.#inTurn(name, () =>
      attempt('remove', path, async () => {
        await rm(path, { force: true })
        await syncDirectory(this.#directory)
      }),
    )
  }

  /** The new bytes are on the device before the name points to them, and then the name too. */
  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    const fresh = join(this.#directory, `.${name}.new`)
    try {
      const file = await open(fresh, 'w', OWNER_ONLY_FILE)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(fresh, join(this.#directory, name))
    } catch (error) {
      await rm(fresh, { force: true })
      throw error
    }
    await syncDirectory(this.#directory)
  }

  async #inTurn<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(name) ?? Promise.resolve()
    const turn = before.then(act, act)
    this.#turns.set(name, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name)
    }
  }

  #path(name: string): string {
    assert(NAME.test(name), 'a file is named by 1 to 200 of A-Z a-z 0-9 . _ -')
    return join(this.#directory, name)
  }
}

async function readWhole(path: string): Promise<Uint8Array | null> {
  try {
    if ((await stat(path)).size > FILE_BYTES_MAX) throw tooLarge('read', path)
    const bytes = await readFile(path)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function attempt<Result>(
  operation: string,
  path: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    const diagnostic = codeOf(error)
    if (diagnostic.startsWith('ERR_FILES_')) throw error
    if (FULL.has(diagnostic)) {
      throw filesError('ERR_FILES_FULL', 'no room left for the file', { path }, error)
    }
    const facts = { path, operation, diagnostic }
    throw filesError('ERR_FILES_FAILED', 'the machine refused the file', facts, error)
  }
}

function tooLarge(operation: string, path: string): Error {
  const facts = { path, operation, diagnostic: 'EFBIG' }
  return filesError('ERR_FILES_FAILED', 'larger than a file may be', facts)
}
