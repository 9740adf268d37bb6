/** The daemon's socket: one listener, in the place of a dead one's, for root and one group. */
import { chmod, chown, lstat, mkdir, readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createConnection } from 'node:net'
import { dirname } from 'node:path'
import { daemonError } from './daemon-errors.ts'

/** What `connect` and `open` to the socket need: read and write. */
const SOCKET_MODE = 0o660
const DIRECTORY_MODE = 0o755
/** Until owner and mode are set, it is its owner's alone. */
const PRIVATE_UMASK = 0o177

/** Groups that are given the socket, if nobody names one. */
const USUAL_GROUPS = ['weft', 'docker'] as const

/**
 * Listen at `path`, mode 0660, for root and `group`. A socket that nobody answers at is replaced.
 * Throws ERR_SOCKET_IN_USE, and ERR_SOCKET for whatever else is in the way.
 */
export async function listenAt(server: Server, path: string, group: string | null): Promise<void> {
  try {
    const gid = await groupId(group)
    await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
    await removeDead(path)
    await listen(server, path)
    if (gid !== null) await chown(path, process.getuid?.() ?? 0, gid)
    await chmod(path, SOCKET_MODE)
  } catch (error) {
    server.close()
    const diagnostic = codeOf(error)
    if (diagnostic.startsWith('ERR_SOCKET')) throw error
    if (diagnostic === 'EADDRINUSE') throw inUse(path)
    const facts = { path, diagnostic }
    throw daemonError('ERR_SOCKET', 'the socket cannot be made', facts, error)
  }
}

async function removeDead(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (found === null) return
  if (!found.isSocket()) {
    const facts = { path, diagnostic: 'there is a file that is no socket' }
    throw daemonError('ERR_SOCKET', 'the socket cannot be made', facts)
  }
  if (await isAnswered(path)) throw inUse(path)
  await rm(path, { force: true })
}

function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const connection = createConnection(path)
  connection.once('connect', () => resolve(true))
  connection.once('error', (error) => {
    if (['ECONNREFUSED', 'ENOENT'].includes(codeOf(error))) resolve(false)
    else reject(error)
  })
  return promise.finally(() => connection.destroy())
}

function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  const before = process.umask(PRIVATE_UMASK)
  try {
    // Makes the socket at once; only the announcement comes later.
    server.listen(path, resolve)
  } finally {
    process.umask(before)
  }
  return promise.finally(() => server.off('error', reject))
}

/** From /etc/group; a group that was asked for must be there. */
async function groupId(wanted: string | null): Promise<number | null> {
  const text = await readFile('/etc/group', 'utf8').catch(() => '')
  const groups = new Map(text.split('\n').map((line) => groupOf(line)))
  for (const name of wanted === null ? USUAL_GROUPS : [wanted]) {
    const gid = groups.get(name)
    if (gid !== undefined) return gid
  }
  if (wanted === null) return null
  const facts = { path: '/etc/group', diagnostic: `there is no group ${wanted}` }
  throw daemonError('ERR_SOCKET', 'the socket cannot be made', facts)
}

function groupOf(line: string): [name: string, gid: number] {
  const [name = '', , gid] = line.split(':')
  return [name, Number(gid)]
}

function inUse(path: string): Error {
  return daemonError('ERR_SOCKET_IN_USE', 'another daemon answers there', { path })
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null
  return typeof code === 'string' ? code : String(error)
}
