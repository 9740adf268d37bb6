/** HTTP/2 streams as gRPC calls: the part of an HTTP server that handlers of connect need. */
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { Code, createContextValues, type ConnectError } from '@connectrpc/connect'
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol'
import type { Logger } from '@weft/core'
import type { InboundBytes } from './inbound-bytes.ts'
import type { Origin } from './origin.ts'
import { originKey } from './routes.ts'

const GRPC_TYPES: ReadonlySet<string> = new Set(['application/grpc', 'application/grpc+proto'])

/** A stream that a client opened, and what is known of it. */
export interface Http2Call {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  readonly origin: Origin
  readonly inbound: InboundBytes
}

/**
 * Answer one call. Nothing that the client does makes it throw; when the client goes away, the
 * handler's signal is aborted and its messages are not asked for any more.
 */
export async function answer(
  call: Http2Call,
  handlers: ReadonlyMap<string, UniversalHandler>,
  log: Logger,
): Promise<void> {
  const { stream, headers } = call
  // A stream's errors are told by its closing too.
  stream.on('error', () => undefined)
  const path = headers[':path'] ?? ''
  const handler = handlers.get(path)
  try {
    if (headers[':method'] !== 'POST' || !GRPC_TYPES.has(headers['content-type'] ?? '')) {
      refuse(stream, { ':status': 415 })
    } else if (handler === undefined) {
      refuse(stream, trailersOnly(Code.Unimplemented, unknownMethod(path)))
    } else {
      await respond(stream, await handler(requestOf(call, path)))
    }
  } catch (error) {
    log.debug('a call broke off', { path, error: String(error) })
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }
}

/** A whole response in its headers, as gRPC allows where there is no message. */
export function refuse(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return
  stream.respond(headers, { endStream: true })
  // What is left of the request is read, and forgotten: closing now would overtake the answer.
  stream.resume()
}

/** Headers that carry a status alone. */
export function trailersOnly(code: ConnectError['code'], message: string): OutgoingHttpHeaders {
  return {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': String(code),
    'grpc-message': encodeURIComponent(message),
  }
}

/** The words of gRPC servers in Go. */
function unknownMethod(path: string): string {
  const [, service = '', method = ''] = path.split('/')
  return `unknown method ${method} for service ${service}`
}

function requestOf(call: Http2Call, path: string): UniversalServerRequest {
  const { stream, headers, inbound, origin } = call
  const gone = new AbortController()
  // Whoever stops reading still has an answer to give on the stream.
  const bytes = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  const { body, end } = inbound.meter(bytes, origin)
  stream.once('close', () => {
    end()
    gone.abort()
  })
  const header = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) header.append(name, one)
  }
  return {
    httpVersion: '2.0',
    method: 'POST',
    url: `https://manager${path}`,
    header,
    body,
    signal: gone.signal,
    contextValues: createContextValues().set(originKey, origin),
  }
}

async function respond(
  stream: ServerHttp2Stream,
  response: UniversalServerResponse,
): Promise<void> {
  const iterator = response.body?.[Symbol.asyncIterator]()
  try {
    let next = await iterator?.next()
    if (stream.destroyed) return
    const headers = headersOf({ ':status': response.status }, response.header)
    // Without a message the status goes with the headers.
    if (next?.done !== false) {
      refuse(stream, headersOf(headers, response.trailer))
      return
    }
    stream.respond(headers, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers(headersOf({}, response.trailer)))
    while (next?.done === false && (await write(stream, next.value))) {
      next = await iterator?.next()
    }
    stream.end()
    stream.resume()
  } finally {
    iterator?.return?.().catch(() => undefined)
  }
}

function headersOf(first: OutgoingHttpHeaders, from: Headers | undefined): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...first }
  from?.forEach((value, name) => {
    headers[name] = value
  })
  return headers
}

/** Resolves when the next message may come; with false when the client is gone. */
function write(stream: ServerHttp2Stream, bytes: Uint8Array): Promise<boolean> {
  if (stream.destroyed) return Promise.resolve(false)
  if (stream.write(bytes)) return Promise.resolve(true)
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve(!stream.destroyed)
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
