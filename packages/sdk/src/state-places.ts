/** Where a node keeps what must survive it: a directory, or memory for a node that need not. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { filesError, type Files, type Store } from '@weft/core'
import { MemoryStore } from '@weft/manager'
import { nodeFiles, openSqliteStore } from '@weft/runtime-node'

/** The places. Whoever opened them closes them. */
export interface StatePlaces {
  /** The node's own record. Open as long as the node: with a directory, it is the lock on it. */
  readonly node: Store
  /** What errors call the record. */
  readonly location: string
  /** The agent's files. */
  readonly agent: Files
  /** The cluster's objects, on a manager. */
  openCluster(): Promise<Store>
  /** Everything but the node's own record. */
  clear(): Promise<void>
  close(): Promise<void>
}

/**
 * Open the state in `directory`, made if there is none, mode 0700. Throws StoreErrors, as
 * ERR_STORE_LOCKED when another process has it, and FilesErrors.
 */
export async function openDirectory(directory: string): Promise<StatePlaces> {
  // Makes the directory, and its owner's alone.
  await nodeFiles(directory)
  const location = join(directory, 'node.db')
  const cluster = join(directory, 'cluster.db')
  const node = await openSqliteStore(location)
  const agentDirectory = join(directory, 'agent')
  return {
    node,
    location,
    agent: await nodeFiles(agentDirectory),
    openCluster: () => openSqliteStore(cluster),
    clear: async () => {
      try {
        for (const suffix of SQLITE_SUFFIXES) await rm(cluster + suffix, { force: true })
        await rm(agentDirectory, { recursive: true, force: true })
        await mkdir(agentDirectory, { mode: 0o700 })
      } catch (error) {
        const diagnostic = String(error)
        const facts = { path: directory, operation: 'remove', diagnostic }
        throw filesError('ERR_FILES_FAILED', 'the machine refused the file', facts, error)
      }
    },
    close: () => node.close(),
  }
}

/** A store's file, and what SQLite and a crash may leave beside it. */
const SQLITE_SUFFIXES = ['', '-wal', '-shm', '.new']

/** State that goes with the process. */
export function memoryPlaces(): StatePlaces {
  const node = new MemoryStore()
  const files = new Map<string, Uint8Array>()
  let cluster = new MemoryStore()
  return {
    node,
    location: 'memory',
    agent: {
      read: async (name) => files.get(name)?.slice() ?? null,
      write: async (name, bytes) => void files.set(name, bytes.slice()),
      remove: async (name) => void files.delete(name),
    },
    openCluster: async () => (cluster = cluster.reopen()),
    clear: async () => {
      files.clear()
      cluster = new MemoryStore()
    },
    close: () => node.close(),
  }
}
