/** HTTP over a Unix socket, in the form of `fetch`. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { EngineFetch, EngineRequest, EngineResponse } from './engine-client.ts'

/** Else Node finds out whether the host is an IPv6 address, which costs a short program 9 ms. */
const NOT_TLS = { servername: '' }

/**
 * Requests to the daemon that listens at `path`. Each has a connection of its own, so that nothing
 * is left open, and a daemon that restarted is found at once. Rejects with what the socket said.
 */
export function socketFetch(path: string): EngineFetch {
  return async (url, request) => {
    const { method, body, headers, signal } = request
    signal?.throwIfAborted()
    const { pathname, search, host } = new URL(url)
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath: path,
        agent: false,
        method,
        path: pathname + search,
        headers: { ...headers, host },
        ...NOT_TLS,
        ...(signal === null ? {} : { signal }),
      })
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => resolve(responseOf(request, incoming)))
      outgoing.end(body)
    })
  }
}

const WITHOUT_BODY: readonly number[] = [204, 205, 304]

function responseOf({ method }: EngineRequest, incoming: IncomingMessage): EngineResponse {
  const status = incoming.statusCode ?? 0
  const isEmpty = method === 'HEAD' || WITHOUT_BODY.includes(status)
  if (isEmpty) incoming.resume()
  const get = (name: string): string | null => {
    const value = incoming.headers[name.toLowerCase()]
    return value === undefined ? null : [value].flat().join(', ')
  }
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get },
    body: isEmpty ? null : incoming,
  }
}
