/** How much of requests a manager holds for one caller: calls have limits, their sum has too. */
import { Code, ConnectError } from '@connectrpc/connect'
import type { Origin } from './origin.ts'

/** Bytes of requests under way of one node, or of one host's strangers: four of the largest fit. */
export const REQUEST_BYTES_PER_CALLER_MAX = 20 << 20

/** The body of one call, counted. */
export interface MeteredBody {
  /** Throws the status of ERR_EXHAUSTED when the caller has too much under way. */
  readonly body: AsyncIterable<Uint8Array>
  /** The call is over: what it took is given back. Calling again does nothing. */
  readonly end: () => void
}

/** Counts by caller. Invariant: what calls took that are not over yet. */
export class InboundBytes {
  readonly #held = new Map<string, number>()

  /** Callers that have something under way. */
  get callers(): number {
    return this.#held.size
  }

  /** Pass a request's bytes on, and count them. */
  meter(body: AsyncIterable<Uint8Array>, origin: Origin): MeteredBody {
    const caller = callerOf(origin)
    let taken = 0
    let isOver = false
    const take = (bytes: number): void => {
      if (isOver) return
      if ((this.#held.get(caller) ?? 0) + bytes > REQUEST_BYTES_PER_CALLER_MAX) {
        const text = `more than ${REQUEST_BYTES_PER_CALLER_MAX} bytes of requests at once`
        throw new ConnectError(text, Code.ResourceExhausted)
      }
      taken += bytes
      this.#add(caller, bytes)
    }
    const end = (): void => {
      if (!isOver) this.#add(caller, -taken)
      isOver = true
    }
    return { body: counted(body, take), end }
  }

  #add(caller: string, bytes: number): void {
    const held = (this.#held.get(caller) ?? 0) + bytes
    if (held > 0) this.#held.set(caller, held)
    else this.#held.delete(caller)
  }
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  take: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of body) {
    take(bytes.length)
    yield bytes
  }
}

function callerOf({ peer, remoteIp }: Origin): string {
  return peer.kind === 'node' ? `node ${peer.facts.nodeId}` : `stranger ${remoteIp}`
}
