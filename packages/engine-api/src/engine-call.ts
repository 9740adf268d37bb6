/** One request to an engine and its answer: JSON or an error by code, within bounds. */
import { defineErrors, WeftError } from '@weft/core'
import { swarmError, type SwarmErrorCode } from '@weft/swarm/errors'
import { boundedText } from './bounded-text.ts'
import type {
  EngineCallOptions,
  EngineFetch,
  EngineRequest,
  EngineResponse,
  Filters,
} from './engine-client.ts'

/** Bytes of an answer that is read whole: 10,000 networks with 100 endpoints each fit. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024

/** The API's version that the client speaks. */
const API_VERSION = '1.41'
/** Sockets have no host; HTTP wants one. */
const ORIGIN = 'http://weft'
/** Segments that a URL would resolve away. */
const LOST_SEGMENT = /\/\.{0,2}(\/|$)/
const CODE = /^ERR_[A-Z0-9_]{1,60}$/

/** Errors of the client's own; all others are the server's, or ERR_UNAVAILABLE of @weft/swarm. */
export type EngineClientErrors = {
  /** What answered is not such a server: `problem` says why, `status` is HTTP's. */
  ERR_ENGINE_ANSWER: { readonly path: string; readonly status: number; readonly problem: string }
}

/** Makes errors of the client. */
export const engineClientError = defineErrors<EngineClientErrors>()

/** What goes out. */
export interface EngineCall extends EngineCallOptions {
  readonly method: EngineRequest['method']
  /** Begins with a slash, without the version. */
  readonly path: string
  readonly query?: Readonly<Record<string, QueryValue>> | undefined
  readonly body?: unknown
}

/** `false`, empty and undefined are left out; filters become Docker's JSON. */
export type QueryValue = string | number | boolean | Filters | undefined

/** An answer that is no error. Throws what the server said, or ERR_UNAVAILABLE. */
export async function callEngine(fetch: EngineFetch, call: EngineCall): Promise<EngineResponse> {
  const response = await reached(call, send(fetch, call))
  if (response.ok) return response
  throw errorOf(call.path, response.status, await reached(call, readText(call.path, response)))
}

/** The body of an answer as JSON; its shape is the server's promise. */
export async function callForJson<Answer>(fetch: EngineFetch, call: EngineCall): Promise<Answer> {
  const response = await callEngine(fetch, call)
  const { status } = response
  const answer = parseJson(await reached(call, readText(call.path, response)))
  if (answer !== undefined) return answer as Answer
  const details = { path: call.path, status, problem: 'no JSON' }
  throw engineClientError('ERR_ENGINE_ANSWER', 'the answer is not from an engine', details)
}

async function send(fetch: EngineFetch, call: EngineCall): Promise<EngineResponse> {
  if (LOST_SEGMENT.test(call.path)) {
    throw swarmError('ERR_INVALID_ARGUMENT', 'neither a name nor an ID', { subject: call.path })
  }
  call.signal?.throwIfAborted()
  const url = new URL(`/v${API_VERSION}${call.path}`, ORIGIN)
  for (const [name, value] of Object.entries(call.query ?? {})) {
    const text = queryText(value)
    if (text !== '') url.searchParams.set(name, text)
  }
  const json = call.body === undefined ? null : JSON.stringify(call.body)
  return fetch(url.href, {
    method: call.method,
    body: json,
    headers: json === null ? {} : { 'content-type': 'application/json' },
    signal: call.signal ?? null,
  })
}

/** What fails on the way is nobody there, unless we called it off ourselves. */
async function reached<Value>(call: EngineCall, travelling: Promise<Value>): Promise<Value> {
  try {
    return await travelling
  } catch (cause) {
    if (cause instanceof WeftError) throw cause
    call.signal?.throwIfAborted()
    const subject = cause instanceof Error ? cause.message : String(cause)
    throw swarmError('ERR_UNAVAILABLE', 'no daemon answers', { subject }, cause)
  }
}

function queryText(value: QueryValue): string {
  if (value === undefined || value === false) return ''
  if (typeof value !== 'object') return String(value)
  return Object.keys(value).length === 0 ? '' : JSON.stringify(value)
}

async function readText(path: string, { status, body }: EngineResponse): Promise<string> {
  const text = await boundedText(body, ANSWER_BYTES_MAX)
  if (text !== null) return text
  const details = { path, status, problem: 'too long' }
  throw engineClientError('ERR_ENGINE_ANSWER', 'the answer is too long', details)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function errorOf(path: string, status: number, text: string): WeftError {
  return errorOfBody(path, status, parseJson(text))
}

/** What the server said; a server that knows no codes is Docker's, and says it by status. */
export function errorOfBody(path: string, status: number, body: unknown): WeftError {
  if (typeof body !== 'object' || body === null || !('message' in body)) {
    const details = { path, status, problem: 'no message' }
    return engineClientError('ERR_ENGINE_ANSWER', 'the answer is not from an engine', details)
  }
  const { message, code, details } = body as { message: unknown; code?: unknown; details?: unknown }
  const known = typeof code === 'string' && CODE.test(code) ? code : codeOf(status)
  const facts = typeof details === 'object' && details !== null ? details : { subject: path }
  return new WeftError(known, String(message), { ...facts })
}

function codeOf(status: number): SwarmErrorCode {
  if (status === 400) return 'ERR_INVALID_ARGUMENT'
  if (status === 403) return 'ERR_PERMISSION_DENIED'
  if (status === 404) return 'ERR_NOT_FOUND'
  if (status === 409) return 'ERR_ALREADY_EXISTS'
  if (status === 501) return 'ERR_UNIMPLEMENTED'
  return status === 503 ? 'ERR_PRECONDITION' : 'ERR_UNAVAILABLE'
}
