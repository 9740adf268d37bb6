/** The socket: in the place of a dead one's, never of a live one's, for root and a group. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenAt } from '../src/unix-socket.ts'

let directory = ''
let path = ''
const servers: Server[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weftd-socket-'))
  path = join(directory, 'run', 'weft.sock')
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  rmSync(directory, { recursive: true, force: true })
})

function server(): Server {
  const made = createServer()
  servers.push(made)
  return made
}

test('0660, in a directory that is made', async () => {
  await listenAt(server(), path, null)
  const { mode } = statSync(path)
  expect(mode & 0o777).toBe(0o660)
})

test('for the group that is named, which must be there', async () => {
  const groups = readFileSync('/etc/group', 'utf8')
  const [, name = '', gid = ''] = /^([^:]+):[^:]*:([1-9]\d*):/m.exec(groups) ?? []
  if (process.getuid?.() === 0) {
    await listenAt(server(), path, name)
    expect(statSync(path).gid).toBe(Number(gid))
  }
  await expect(listenAt(server(), path, 'nobody-has-this')).rejects.toMatchObject({
    code: 'ERR_SOCKET',
    details: { diagnostic: 'there is no group nobody-has-this' },
  })
})

test('a live one is left alone, a dead one is replaced', async () => {
  await listenAt(server(), path, null)
  await expect(listenAt(server(), path, null)).rejects.toMatchObject({
    code: 'ERR_SOCKET_IN_USE',
    details: { path },
  })
  const [live] = servers
  const closed = Promise.withResolvers<void>()
  live?.close(() => closed.resolve())
  await closed.promise
  await leaveDeadSocket(path)
  await listenAt(server(), path, null)
  await expect(listenAt(server(), path, null)).rejects.toMatchObject({ code: 'ERR_SOCKET_IN_USE' })
})

test('what is no socket stays', async () => {
  const file = join(directory, 'file')
  writeFileSync(file, 'precious')
  await expect(listenAt(server(), file, null)).rejects.toMatchObject({ code: 'ERR_SOCKET' })
  expect(readFileSync(file, 'utf8')).toBe('precious')
  const below = listenAt(server(), join(file, 'weft.sock'), null)
  await expect(below).rejects.toMatchObject({ code: 'ERR_SOCKET' })
  const long = listenAt(server(), join(directory, 'x'.repeat(120)), null)
  await expect(long).rejects.toMatchObject({ code: 'ERR_SOCKET' })
})

/** A process that listens and is killed leaves the file. */
async function leaveDeadSocket(at: string): Promise<void> {
  const code = `require('node:net').createServer().listen(process.argv[1], () => {
    process.kill(process.pid, 'SIGKILL')
  })`
  const child = spawn(process.execPath, ['-e', code, at])
  await new Promise((resolve) => child.once('exit', resolve))
}
