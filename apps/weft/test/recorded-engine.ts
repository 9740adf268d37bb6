/** A server that answers as a real engine once did, and this command line in front of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngineClient, socketFetch } from '@weft/engine-api/client'
import { weft, type ContainedProcesses, type Surroundings } from '../src/index.ts'

interface Recorded {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly answer: unknown
}

const VECTORS = '../../../packages/engine-api/vectors/docker-20.10.24-api.json'

/** Everything that was recorded of Docker's engine, by name. */
export const RECORDED: ReadonlyMap<string, Recorded> = new Map(
  (
    JSON.parse(readFileSync(new URL(VECTORS, import.meta.url), 'utf8')) as readonly Recorded[]
  ).map((one) => [one.name, one]),
)

/** An answer that a test makes up. */
export interface Answer {
  readonly method: string
  readonly path: string
  readonly status?: number
  readonly body?: unknown
  /** The body is sent as it is. */
  readonly isText?: boolean
}

/** A request as it came in. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Listens on a socket of its own. */
export interface RecordedEngine extends AsyncDisposable {
  readonly socketPath: string
  /** All but pings. */
  readonly received: Received[]
}

/** Answers by method and path, whatever the query; what is asked twice is answered in order. */
export async function recordedEngine(
  answers: readonly Answer[],
): Promise<RecordedEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'weft-'))
  const socketPath = join(directory, 'engine.sock')
  const left = [...answers]
  const received: Received[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://engine')
    const path = url.pathname.replace(/^\/v\d+\.\d+/, '')
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const method = request.method ?? ''
      response.setHeader('Api-Version', '1.41')
      response.setHeader('Ostype', 'linux')
      if (path === '/_ping') return response.end()
      const text = Buffer.concat(pieces).toString()
      const body: unknown = text === '' ? null : JSON.parse(text)
      received.push({ method, path, query: Object.fromEntries(url.searchParams), body })
      const fits = (one: Answer): boolean => one.method === method && one.path === path
      const index = left.findIndex(fits)
      const answer = left[index]
      if (answer !== undefined && left.filter(fits).length > 1) left.splice(index, 1)
      const message = `nobody recorded ${method} ${path}`
      response.statusCode = answer === undefined ? 418 : (answer.status ?? 200)
      response.setHeader('Content-Type', 'application/json')
      const content = answer === undefined ? { message } : answer.body
      const isText = path === '/events' || answer?.isText === true
      return response.end(bodyText(content, isText))
    })
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    rmSync(directory, { recursive: true })
  }
  return { socketPath, received, [Symbol.asyncDispose]: close }
}

/** Lines were recorded as they came; everything else is one document. */
function bodyText(content: unknown, isText: boolean): string {
  if (content === undefined) return ''
  return isText && typeof content === 'string' ? content : JSON.stringify(content)
}

/** What was recorded of Docker's engine under this name. */
export function recordedAnswer(name: string): Answer {
  const recorded = RECORDED.get(name)
  if (recorded === undefined) throw new Error(`nothing was recorded as ${name}`)
  const { method, path, status, answer } = recorded
  const body = answer === undefined ? {} : { body: answer }
  return { method, path: path.replace(/\?.*$/s, ''), status, ...body }
}

/** What a command line printed. */
export interface Printed {
  readonly out: string
  readonly err: string
  readonly status: number
}

/** Run this command line against a socket, in process. */
export async function runWeft(
  words: readonly string[],
  socketPath: string,
  changes: Partial<Surroundings> = {},
): Promise<Printed> {
  const printed = { out: '', err: '' }
  const surroundings: Surroundings = {
    out: { isTerminal: false, write: (text) => void (printed.out += text) },
    err: { isTerminal: false, write: (text) => void (printed.err += text) },
    inputIsTerminal: false,
    readLine: () => Promise.resolve(''),
    readText: () => Promise.reject(new Error('nothing to read in this test')),
    env: { WEFT_HOST: `unix://${socketPath}`, PATH: process.env['PATH'] },
    signal: new AbortController().signal,
    catchSignals: () => ({ [Symbol.dispose]: () => undefined }),
    pause: () => Promise.resolve(),
    connect: (path) => createEngineClient(socketFetch(path)),
    contained: () => Promise.reject<ContainedProcesses>(new Error('no containers in this test')),
    ...changes,
  }
  const status = await weft(words, surroundings)
  return { ...printed, status }
}
