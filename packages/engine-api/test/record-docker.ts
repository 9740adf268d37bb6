/**
 * Writes down what two Docker engines answer: `record-docker.ts MANAGER.sock WORKER.sock OUT.json`.
 * Both are out of any swarm, reach each other at 10.99.0.1 and 10.99.0.2, and have an image
 * `busybox` (vectors/docker-20.10.24-api.md).
 */
import { writeFileSync } from 'node:fs'
import { socketFetch, type EngineRequest, type EngineResponse } from '../src/client.ts'
import { STEPS, type Step } from './record-steps.ts'

const [, , managerPath = '', workerPath = '', output = ''] = process.argv
const engines = { manager: socketFetch(managerPath), worker: socketFetch(workerPath) }
const HEADERS = ['api-version', 'content-type', 'docker-experimental', 'ostype', 'swarm']
const LINES_MS_MAX = 2_000
const SETTLE_MS = 400

const answers = new Map<string, unknown>()
const recorded: unknown[] = []
let changed = false
for (const step of STEPS) {
  const isRead = step[2].startsWith('GET')
  // Docker answers before it has allocated what it was asked for.
  if (isRead && changed) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  changed = !isRead
  const one = await run(step)
  // One of many networks is like another.
  if (!/^many\d/.test(step[0])) recorded.push(one)
}
writeFileSync(output, `${JSON.stringify(recorded, null, 1)}\n`)

/** Sends one request; `{step:Field.Other}` in it stands for what an earlier answer had there. */
async function run([name, engine, line, given]: Step): Promise<object> {
  const [method = '', path = ''] = filled(line).split(' ')
  const text = given === undefined ? null : filled(typeof given === 'string' ? given : json(given))
  const headers: Record<string, string> =
    text === null ? {} : { 'content-type': 'application/json' }
  const request = { method: method as EngineRequest['method'], body: text, headers, signal: null }
  const response = await engines[engine](`http://docker${path}`, request)
  const said = await textOf(response)
  // Times of events have more digits than JSON's numbers here.
  const answer = path.startsWith('/events') && response.ok ? said : parsed(said)
  answers.set(name, answer)
  const kept = HEADERS.flatMap((header) => {
    const value = response.headers.get(header)
    return value === null ? [] : [[header, value] as const]
  })
  const body = text === null ? {} : { body: parsed(text) }
  return {
    name,
    engine,
    method,
    path,
    ...body,
    status: response.status,
    headers: Object.fromEntries(kept),
    answer,
  }
}

function filled(text: string): string {
  const dated = text.replaceAll('{now}', String(Math.floor(Date.now() / 1000) + 1))
  return dated.replaceAll(/\{([\w ]+):([\w.]+)\}/g, (_, step: string, fields: string) => {
    let value = answers.get(step)
    for (const field of fields.split('.')) {
      if (field === 'prefix') value = String(value).slice(0, 9)
      else if (field === 'twice') value = sharedPrefix(value as { Id: string }[])
      else value = (value as Record<string, unknown> | null)?.[field]
    }
    return typeof value === 'string' ? value : json(value)
  })
}

/** The first digit of two IDs, of more than there are digits. */
function sharedPrefix(objects: readonly { readonly Id: string }[]): string {
  const digits = objects.map(({ Id }) => Id.slice(0, 1))
  return digits.find((digit, index) => digits.indexOf(digit) !== index) ?? ''
}

function json(value: unknown): string {
  return JSON.stringify(value)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Streams of events end by their `until`; nothing here lasts longer. */
async function textOf({ body }: EngineResponse): Promise<string> {
  const response = new Response(body)
  const late = setTimeout(() => void response.body?.cancel(), LINES_MS_MAX)
  try {
    return await response.text()
  } finally {
    clearTimeout(late)
  }
}
