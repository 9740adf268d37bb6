/** Real processes on a real network: `weftd` beside it, `weft` as a user starts it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createEngineClient, socketFetch } from '@weft/engine-api/client'
import { createNamespace, deleteNamespace, Kernel, namespacePath } from '@weft/linux'
import { afterAll, beforeAll, expect, test } from 'vitest'

const directory = mkdtempSync(join(tmpdir(), 'weft-'))
const socketPath = join(directory, 'weft.sock')
const client = createEngineClient(socketFetch(socketPath))
const children: ChildProcess[] = []
const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'weft-code') }
/** Waiting for programs to start, on a machine that does other things too. */
const PATIENCE = { timeout: 20_000, interval: 20 }

/** The daemon has a host of its own, so that its ports are nobody else's. */
const host = `weft-host-${process.pid}`

function program(app: 'weft' | 'weftd', words: readonly string[]): ChildProcess {
  const main = new URL(`../../${app}/src/main.ts`, import.meta.url).pathname
  const place = app === 'weftd' ? [`--net=${namespacePath({ name: host })}`] : []
  const argv = [...place, '--', process.execPath, '--conditions=@weft/source', main, ...words]
  const child = spawn('nsenter', argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return child
}

interface Ended {
  readonly out: string
  readonly err: string
  readonly status: number | null
}

async function ending(child: ChildProcess): Promise<Ended> {
  const printed = { out: '', err: '' }
  child.stdout?.on('data', (piece: Buffer) => (printed.out += piece.toString()))
  child.stderr?.on('data', (piece: Buffer) => (printed.err += piece.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return { ...printed, status }
}

const weft = (...words: readonly string[]): Promise<Ended> =>
  ending(program('weft', ['-H', `unix://${socketPath}`, ...words]))

/** `weft run` with a script, once the script has said that it runs. */
async function running(name: string, script: string): Promise<ChildProcess> {
  const words = ['run', '--network', 'blue', '--name', name, '--', 'sh', '-c', script]
  const child = program('weft', ['-H', `unix://${socketPath}`, ...words])
  const [first] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  expect(first.toString()).toBe('ready\n')
  return child
}

/** True while a process runs that was started with this word. */
function runs(word: string): boolean {
  const numbers = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return numbers.some((pid) => commandLine(pid).split('\0').includes(word))
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended since
  }
}

const names = async (): Promise<string[]> =>
  (await client.attachments.list()).map(({ name }) => name)

beforeAll(async () => {
  createNamespace({ name: host }, () => {
    using kernel = Kernel.open()
    kernel.links.change('lo', { up: true })
  })
  const words = ['--state', join(directory, 'state'), '--socket', socketPath]
  const more = ['--instance', `weft-${process.pid}`, '--log-format', 'json']
  const daemon = program('weftd', [...words, ...more])
  for await (const line of createInterface(daemon.stderr ?? process.stdin)) {
    if (line.includes('"ready"')) break
  }
  daemon.stderr?.resume()
  await client.swarm.init({ AdvertiseAddr: '127.0.0.1', ListenAddr: '127.0.0.1:2377' })
  await client.networks.create({ Name: 'blue', Driver: 'overlay', Attachable: true })
}, 60_000)

afterAll(async () => {
  await client.swarm.leave({ force: true }).catch(() => undefined)
  for (const child of children) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
  deleteNamespace({ name: host })
}, 60_000)

test('a command sees its own host, and the network is up before it starts', async () => {
  const script =
    'hostname; cat /etc/hosts /etc/hostname; ip -br addr; ls /sys/class/net /proc | grep -v /; ' +
    'echo $$ $HOSTNAME; pwd; exit 7'
  const hosts = readFileSync('/etc/hosts', 'utf8')
  const { out, err, status } = await weft(
    'run', '--network', 'blue', '--name', 'c1', '--ip', '10.0.0.77', '--', 'sh', '-c', script,
  )
  expect({ err, status }).toEqual({ err: '', status: 7 })
  expect(out.startsWith('c1\n127.0.0.1\tlocalhost\n')).toBe(true)
  expect(out).toContain('10.0.0.77\tc1\nc1\n')
  expect(out).toMatch(/^eth0@\S+ +UP +10\.0\.0\.77\/24 /m)
  expect(out).toMatch(/^lo +UNKNOWN +127\.0\.0\.1\/8 /m)
  expect(out).toContain(`\n1 c1\n${process.cwd()}\n`)
  expect(out.match(/^\d+$/gm)?.length).toBeLessThan(6)
  expect(out.match(/^(eth0|lo)$/gm)).toEqual(['eth0', 'lo'])
  expect(await names()).toEqual([])
  expect(readFileSync('/etc/hosts', 'utf8')).toBe(hosts)
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(' /etc/hosts ')
}, 60_000)

test('a command may have a PATH of its own, where there is no mount', async () => {
  const words = ['run', '--network', 'blue', '--name', 'path', '-e', 'PATH=/nowhere', '--']
  const { out, err, status } = await weft(...words, '/bin/sh', '-c', 'echo $PATH')
  expect({ out, err, status }).toEqual({ out: '/nowhere\n', err: '', status: 0 })
}, 60_000)

test('signals reach the command, and its status comes back', async () => {
  const script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done"
  const child = await running('trap', script)
  expect(await names()).toEqual(['trap'])
  child.kill('SIGTERM')
  expect((await ending(child)).status).toBe(9)
  expect(await names()).toEqual([])
}, 60_000)

test('a command that ignores requests to end is killed at the third', async () => {
  const child = await running('deaf', "trap '' TERM; echo ready; exec sleep 4711.5")
  await expect.poll(() => runs('4711.5'), PATIENCE).toBe(true)
  const ended = ending(child)
  const again = setInterval(() => {
    if (runs('4711.5')) child.kill('SIGTERM')
  }, 50)
  expect((await ended).status).toBe(128 + 9)
  clearInterval(again)
  expect(runs('4711.5')).toBe(false)
  expect(await names()).toEqual([])
}, 60_000)

test('nothing stays behind a weft that was killed', async () => {
  const child = await running('orphan', 'echo ready; sleep 4712.5 & exec sleep 4712.5')
  child.kill('SIGKILL')
  await expect.poll(() => runs('4712.5'), PATIENCE).toBe(false)
  await expect.poll(names, PATIENCE).toEqual([])
  expect(runs('weft-custodian')).toBe(false)
}, 60_000)

test('a namespace is attached and detached', async () => {
  const name = `weft-${process.pid}`
  const path = createNamespace({ name })
  try {
    using kernel = Kernel.open(path)
    const attached = await weft('attach', '--network', 'blue', '--name', 'c2', '--netns', path)
    expect(attached.out).toMatch(/^[0-9a-f]{64}\n$/)
    expect(kernel.links.require('eth0').up).toBe(true)
    const detached = await weft('detach', '--network', 'blue', '--name', 'c2')
    expect(detached).toEqual({ out: 'blue/c2\n', err: '', status: 0 })
    expect(kernel.links.get('eth0')).toBeNull()
  } finally {
    deleteNamespace({ name })
  }
}, 60_000)

test('a process stands for its namespace; an address that is taken is refused', async () => {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep 60'])
  children.push(holder)
  await once(holder.stdout, 'data')
  const of = (name: string): readonly string[] =>
    ['--network', 'blue', '--name', name, '--pid', String(holder.pid), '--ip', '10.0.0.99']
  const attached = await weft('attach', ...of('c4'), '--ifname', 'net0', '--json')
  expect(JSON.parse(attached.out)).toMatchObject({ ifname: 'net0', addresses: ['10.0.0.99/24'] })
  const second = await weft('attach', ...of('c5'))
  expect(second.err).toContain('Address already in use')
  expect(second.status).toBe(1)
  expect(await names()).toEqual(['c4'])
  {
    using kernel = Kernel.open(`/proc/${holder.pid}/ns/net`)
    expect(kernel.links.list().map((link) => link.name)).toEqual(['lo', 'net0'])
  }
  // Nobody detaches it: its namespace goes, and with it the endpoint.
  holder.kill('SIGKILL')
  await expect.poll(names, PATIENCE).toEqual([])
}, 60_000)

test('what is refused is refused with the words of Docker, and leaves nothing', async () => {
  await client.networks.create({ Name: 'closed', Driver: 'overlay' })
  const refused = await weft('run', '--network', 'closed', '--name', 'c3', '--', 'true')
  expect(refused.err).toContain('not manually attachable')
  expect(refused.status).toBe(125)
  expect(await names()).toEqual([])
}, 60_000)
