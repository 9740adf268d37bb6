/** A node of ours as a program that takes the commands of `tools/lab/memberlist-go`. */
import { assert, formatSocketAddress, parseIp, type Instant, type SocketAddress } from '@weft/core'
import {
  dockerProfile,
  KeyRing,
  lanProfile,
  Membership,
  openShell,
  type MembershipProfile,
  type Shell,
} from '@weft/gossip'
import { eventually, type MemberlistTiming } from '@weft/lab'
import { nodeRuntime, type NodeRuntime } from '@weft/runtime-node'
import { createInterface } from 'node:readline'
import { Application, base64 } from './application.ts'

/** As MemberlistOptions of the lab, bytes in base64. */
interface Options {
  readonly name: string
  readonly bind: string
  readonly port: number
  readonly keys: readonly string[]
  readonly compress: boolean
  readonly meta: string
  readonly state: string
  readonly timing: MemberlistTiming
}

/** A line of standard input. */
interface Command {
  readonly id: number
  readonly do: string
  readonly address?: string
  readonly to?: string
  readonly how?: 'packet' | 'stream' | 'gossip'
  readonly bytes?: string
}

const LEAVE_WITHIN_MS = 10_000

const unbase64 = (text = ''): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
const tagOf = (key: Uint8Array): string => Buffer.from(key).toString('hex')

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

/** `1.2.3.4:5` or `[::1]:5`. */
function parseAddress(text: string): SocketAddress {
  const at = text.lastIndexOf(':')
  return { ip: parseIp(text.slice(0, at).replace(/^\[(.*)\]$/, '$1')), port: +text.slice(at + 1) }
}

/** What a command acts on. */
interface Running {
  readonly shell: Shell<Membership>
  readonly application: Application
  readonly ring: KeyRing
}

/** Does what is said; the promise is of what is worth waiting for. */
function perform(now: Instant, command: Command, running: Running): Promise<object> | null {
  const { shell, application, ring } = running
  const bytes = unbase64(command.bytes)
  switch (command.do) {
    case 'join': {
      const address = parseAddress(command.address ?? '')
      shell.core.join(now, address)
      return application.joined(address).then(() => ({}))
    }
    case 'leave':
      shell.core.leave(now)
      return hasLeft(shell.core)
    case 'meta':
      shell.core.setMeta(now, bytes)
      return null
    case 'send':
      send(now, command, running)
      return null
    case 'install-key':
      ring.install({ tag: tagOf(bytes), bytes })
      return null
    case 'use-key':
      ring.use(tagOf(bytes))
      return null
    case 'remove-key':
      ring.remove(tagOf(bytes))
      return null
    case 'members':
      return Promise.resolve({ members: membersOf(shell.core) })
    default:
      throw new Error(`unknown command: ${command.do}`)
  }
}

function send(now: Instant, command: Command, { shell, application }: Running): void {
  const { how = 'packet', to = '' } = command
  const bytes = unbase64(command.bytes)
  if (how === 'gossip') {
    application.broadcast(bytes)
    return
  }
  const member = shell.core.roster.get(to)
  if (member === null) throw new Error(`no such member: ${to}`)
  shell.core.send(now, member, { bytes, how })
}

async function hasLeft({ roster }: Membership): Promise<object> {
  const check = (): void => {
    if (!roster.hasLeft) throw new Error('nobody was told yet')
  }
  await eventually(check, { withinMs: LEAVE_WITHIN_MS, what: 'leaving' })
  return {}
}

/** Whom it sees; what it refused so far is told before. */
function membersOf(core: Membership): readonly object[] {
  for (const [fault, count] of Object.entries(core.counters().faults)) {
    say({ event: 'complaint', error: `${count} times ${fault}` })
  }
  const all = [...core.roster.all()]
  const active = all.filter(({ state }) => state === 'alive' || state === 'suspect')
  return active.map(({ name, address, meta }) => ({
    name,
    address: formatSocketAddress(address),
    meta: base64(meta),
  }))
}

/** What is not timing is as Docker has it, or as we have it on a LAN. */
function profileNamed(name: string | undefined): MembershipProfile {
  assert(name === 'docker' || name === 'lan', 'a profile is docker or lan')
  return name === 'docker' ? dockerProfile() : lanProfile()
}

async function run(
  runtime: NodeRuntime,
  options: Options,
  profile: MembershipProfile,
): Promise<void> {
  const application = new Application(unbase64(options.state), say)
  const keys = options.keys.map(unbase64).map((bytes) => ({ tag: tagOf(bytes), bytes }))
  const ring = new KeyRing(keys)
  const about = {
    name: options.name,
    meta: unbase64(options.meta),
    label: '',
    keys: ring,
    profile: { ...profile, ...options.timing, compress: options.compress },
    known: [],
  }
  const local = { ip: parseIp(options.bind), port: options.port }
  await using shell = await openShell(local, runtime, (now, advertise) => {
    const environment = { ports: runtime, delegate: application }
    return new Membership(now, { ...about, advertise }, environment)
  })
  say({ event: 'ready', name: options.name, address: formatSocketAddress(shell.local) })
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line) as Command
    void obey(runtime.clock.now(), command, { shell, application, ring })
  }
}

/** Commands are begun in order; their answers come when they come. */
async function obey(now: Instant, command: Command, running: Running): Promise<void> {
  const done = { event: 'done', id: command.id }
  try {
    const answer = perform(now, command, running)
    running.shell.pump()
    say({ ...done, ...(await answer) })
  } catch (error) {
    say({ ...done, error: String(error) })
  }
}

const [profileName, , told = ''] = process.argv.slice(2)
await run(nodeRuntime(), JSON.parse(told) as Options, profileNamed(profileName))
