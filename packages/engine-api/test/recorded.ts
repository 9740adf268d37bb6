/** What real engines answered (vectors/docker-20.10.24-api.md), by name. */
import { readFileSync } from 'node:fs'
import type { NetworkJson } from '../src/objects/network-json.ts'
import type { NodeJson } from '../src/objects/node-json.ts'
import type { SwarmJson } from '../src/objects/swarm-json.ts'

/** One request and its answer. */
export interface Recorded {
  readonly name: string
  readonly engine: 'manager' | 'worker'
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly answer: unknown
}

const file = new URL('../vectors/docker-20.10.24-api.json', import.meta.url)
const all = JSON.parse(readFileSync(file, 'utf8')) as readonly Recorded[]

/** By name; a name that is not there is a mistake of the test. */
export function recorded(name: string): Recorded {
  const found = all.find((one) => one.name === name)
  if (found === undefined) throw new Error(`nothing is recorded under ${name}`)
  return found
}

/** The answer alone. */
export function answerOf<Answer>(name: string): Answer {
  return recorded(name).answer as Answer
}

/** The same request, to somebody else. */
export function requestOf({ method, path, body }: Recorded): Request {
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
  const headers: Record<string, string> =
    text === null ? {} : { 'content-type': 'application/json' }
  return new Request(`http://docker${path}`, { method, body: text, headers })
}

export const RECORDED_SWARM = answerOf<SwarmJson>('swarm')
export const RECORDED_NODES = answerOf<readonly NodeJson[]>('nodes')
/** Without those of Docker's own that are not of the swarm. */
export const RECORDED_NETWORKS = answerOf<readonly NetworkJson[]>('networks').filter(
  ({ Scope }) => Scope === 'swarm',
)
