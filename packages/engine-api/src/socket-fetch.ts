/** HTTP over a Unix socket, in the form of `fetch`. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { EngineFetch } from './engine-client.ts'

/**
 * Requests to the daemon that listens at `path`. Each has a connection of its own, so that nothing
 * is left open, and a daemon that restarted is found at once. Rejects with what the socket said.
 */
export function socketFetch(path: string): EngineFetch {
  return async (request) => {
    request.signal.throwIfAborted()
    const body = request.body === null ? null : Buffer.from(await request.arrayBuffer())
    const { pathname, search, host } = new URL(request.url)
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath: path,
        agent: false,
        method: request.method,
        path: pathname + search,
        headers: { ...Object.fromEntries(request.headers), host },
        signal: request.signal,
      })
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => resolve(responseOf(request, incoming)))
      outgoing.end(body)
    })
  }
}

const WITHOUT_BODY: readonly number[] = [204, 205, 304]

function responseOf(request: Request, incoming: IncomingMessage): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, [value].flat().join(', '))
  }
  const status = incoming.statusCode ?? 0
  if (request.method === 'HEAD' || WITHOUT_BODY.includes(status)) {
    incoming.resume()
    return new Response(null, { status, headers })
  }
  const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>
  return new Response(body, { status, headers })
}
