/** The daemon as a process: starts, answers, ends in order, and says why it cannot. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sys } from '@weft/linux'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EXIT } from '../src/index.ts'
import { DaemonPlace, type StartedDaemon } from './daemon-process.ts'

let directory = ''
let place = new DaemonPlace('')
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weftd-'))
  place = new DaemonPlace(directory)
})
afterEach(() => {
  place.killAll()
  rmSync(directory, { recursive: true, force: true })
})

function start(words: readonly string[] = [], env: NodeJS.ProcessEnv = {}): StartedDaemon {
  return place.start({ words: ['--dataplane', 'sim', ...words], env })
}

test('serves until a signal comes, even while somebody listens to events', async () => {
  const daemon = start()
  await daemon.ready
  const { client } = place
  expect((await client.info()).Swarm.LocalNodeState).toBe('inactive')
  const events = client.events()[Symbol.asyncIterator]()
  const next = events.next().then(
    ({ done }) => done,
    () => true,
  )
  daemon.child.kill('SIGTERM')
  expect(await daemon.ended).toBe(EXIT.ended)
  expect(await next).toBe(true)
  expect(existsSync(place.socket)).toBe(false)
  expect(daemon.lines.join()).toContain('forwarding goes on')
})

test('one daemon for a state directory, and for a socket', async () => {
  const first = start()
  await first.ready
  const elsewhere = join(directory, 'other.sock')
  const second = start(['--socket', elsewhere])
  expect(await second.ended).toBe(EXIT.failed)
  expect(existsSync(elsewhere)).toBe(false)
  expect(second.lines.join()).toContain('another process has it open')
  const third = start(['--state', join(directory, 'other')])
  expect(await third.ended).toBe(EXIT.failed)
  expect(third.lines.join()).toContain('another daemon answers there')
  first.child.kill('SIGKILL')
  await first.ended
  const fourth = start()
  await fourth.ready
  fourth.child.kill('SIGINT')
  expect(await fourth.ended).toBe(EXIT.ended)
})

test('who calls while it starts is answered when it has started', async () => {
  const daemon = start()
  // The first that gets through comes as soon as the socket is there, before the state is read.
  const call = (): Promise<unknown> => place.client.info().catch(() => null)
  const info = await vi.waitUntil(call, { timeout: 10_000, interval: 1 })
  expect(info).toMatchObject({ Swarm: { LocalNodeState: 'inactive' } })
  await daemon.ready
})

test('a signal during the start ends it too', async () => {
  const daemon = start()
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = setInterval(() => {
    if (existsSync(join(directory, 'state'))) resolve()
  }, 1)
  await promise
  clearInterval(look)
  daemon.child.kill('SIGTERM')
  expect(await daemon.ended).toBe(EXIT.ended)
})

test('usage, failures and bugs have codes of their own', async () => {
  expect(await start(['--nope']).ended).toBe(EXIT.usage)
  writeFileSync(join(directory, 'state'), 'in the way')
  const failed = start()
  expect(await failed.ended).toBe(EXIT.failed)
  expect(failed.lines.join()).toContain('operation=mkdir')
  rmSync(join(directory, 'state'))
  const planted = 'process.on("SIGUSR2", () => { throw new Error("planted") })'
  const module = `data:text/javascript,${encodeURIComponent(planted)}`
  const bug = start([], { NODE_OPTIONS: `--import ${module}` })
  await bug.ready
  bug.child.kill('SIGUSR2')
  expect(await bug.ended).toBe(EXIT.bug)
  expect(bug.lines.join()).toContain('planted')
})

test('a damaged state is refused, with its path', async () => {
  const first = start()
  await first.ready
  first.child.kill('SIGTERM')
  await first.ended
  const path = join(directory, 'state', 'node.db')
  writeFileSync(path, 'garbage')
  const elsewhere = join(directory, 'other.sock')
  const second = start(['--socket', elsewhere])
  expect(await second.ended).toBe(EXIT.failed)
  expect(existsSync(elsewhere)).toBe(false)
  expect(second.lines.join()).toContain(path)
  expect(second.lines.join()).toContain('not a database')
  expect(second.lines.join()).toContain('bring back a copy of it')
})

test('tells the service manager', async () => {
  const path = join(directory, 'notify')
  const bytes = new TextEncoder().encode(`\u0001\u0000${path}`)
  const fd = sys.socket(1, 2, 0)
  expect(sys.bind(fd, bytes, bytes.length)).toBe(0)
  const daemon = start([], { NOTIFY_SOCKET: path })
  await daemon.ready
  const heard = new Uint8Array(64)
  const length = sys.recvfrom(fd, heard, heard.length, 0, null, null)
  sys.close(fd)
  expect(new TextDecoder().decode(heard.subarray(0, length))).toBe('READY=1\n')
})
