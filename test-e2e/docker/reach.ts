/** Traffic between containers of engines and namespaces of ours: pings and digested transfers. */
import { eventually, runOn, startOn, tryOn, type Machine } from '@weft/lab'
import type { Ip } from '@weft/core'
import { once } from 'node:events'
import type { EngineContainer } from './docker-swarm.ts'

/** Either kind of end: something that commands run in. */
export interface End {
  readonly name: string
  readonly ip: Ip
  readonly machine: Machine
  /** The command on its machine that runs a busybox applet in it. */
  inside(words: readonly string[]): readonly [string, ...string[]]
}

/** A container of an engine. */
export function containerEnd({ engine, ip, name }: EngineContainer): End {
  const inside = (words: readonly string[]): readonly [string, ...string[]] =>
    engine.client(['exec', '--interactive', name, ...words])
  return { name, ip, machine: engine, inside }
}

/** A named namespace of a machine. */
export function namespaceEnd(machine: Machine, name: string, ip: Ip): End {
  return {
    name,
    ip,
    machine,
    inside: (words) => ['ip', 'netns', 'exec', name, 'busybox', ...words],
  }
}

const PORT = '5000'
const TRANSFER_BYTES = 8 << 20
const SETTLE_MS = 10_000

/** Ping until an answer comes; resolves to how many ms that took. */
export async function reaches(from: End, to: End | string, withinMs = SETTLE_MS): Promise<number> {
  const target = typeof to === 'string' ? to : to.ip
  const began = performance.now()
  const ping = from.inside(['ping', '-c', '1', '-W', '1', target])
  await eventually(() => runOn(from.machine, ping), {
    withinMs,
    what: `${from.name} reaches ${target}`,
  })
  return performance.now() - began
}

/** True when no ping of a few is answered. */
export async function isCutOff(from: End, to: End): Promise<boolean> {
  const ping = from.inside(['ping', '-c', '3', '-W', '1', to.ip])
  return (await tryOn(from.machine, ping)).code !== 0
}

/** Send some megabytes over TCP; throws unless their digests are the same at both ends. */
export async function transfers(from: End, to: End): Promise<void> {
  const make = `head -c ${TRANSFER_BYTES} /dev/urandom >/tmp/data; sha256sum </tmp/data`
  const digest = await runOn(from.machine, from.inside(['sh', '-c', make]))
  const listener = startOn(to.machine, to.inside(['sh', '-c', `nc -l -p ${PORT} | sha256sum`]))
  let heard = ''
  listener.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text))
  const ended = once(listener, 'close')
  const send = from.inside(['sh', '-c', `nc ${to.ip} ${PORT} </tmp/data`])
  // Until somebody listens the connection is refused, and nothing was sent.
  await eventually(() => runOn(from.machine, send), {
    withinMs: SETTLE_MS,
    what: `a transfer from ${from.name} to ${to.name}`,
  })
  listener.stdin.end()
  await ended
  if (heard.trim() !== digest) throw new Error(`${from.name} sent ${digest}, arrived ${heard}`)
}

/** What a container's resolver says of a name; empty when it knows none. */
export async function resolve(from: End, name: string): Promise<string> {
  const { stdout } = await tryOn(from.machine, from.inside(['nslookup', name]))
  return /Name:\s*\S+\nAddress: (\S+)/.exec(stdout)?.[1] ?? ''
}
