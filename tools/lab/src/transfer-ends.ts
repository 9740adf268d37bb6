/** The two ends of a TCP transfer, each in a worker thread of its own. */
import { closeFd, connectTcp, localAddress, openTcpListener } from '@weft/linux'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { TransferEnd, TransferTally, Work } from './traffic-protocol.ts'

/** What is sent over and over. A prime number of bytes, so that a slip by any block shows. */
export const PATTERN_BYTES = 1_048_573

/** Up to so many bytes are kept and digested afterwards; more are digested as they come. */
export const DIGEST_LATER_BYTES_MAX = 256 << 20

/** The same bytes in every thread: a linear congruential generator, top byte of 32 bits. */
function makePattern(): Uint8Array {
  let state = 0x2545f491
  return Uint8Array.from({ length: PATTERN_BYTES }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

let pattern: Uint8Array | undefined

/** Pieces of the pattern that make up so many bytes. */
function* pieces(bytes: number): Generator<Uint8Array> {
  pattern ??= makePattern()
  for (let left = bytes; left > 0; left -= PATTERN_BYTES) {
    yield left < PATTERN_BYTES ? pattern.subarray(0, left) : pattern
  }
}

/** Connect, send everything, say goodbye. */
export function sendTransfer(end: TransferEnd): Work {
  const { ip, namespace, port } = end
  const socket = connectTcp({ namespace, remote: { ip, port } })
  const stopped = new AbortController()
  const stop = (): void => {
    stopped.abort()
    socket.destroy()
  }
  return { done: send(socket, end, stopped.signal), stop }
}

async function send(
  socket: Socket,
  { bytes, digest }: TransferEnd,
  signal: AbortSignal,
): Promise<TransferTally> {
  await once(socket, 'connect', { signal })
  const start = performance.now()
  for (const piece of pieces(bytes)) {
    if (!socket.write(piece)) await once(socket, 'drain', { signal })
  }
  socket.end()
  socket.resume()
  await once(socket, 'close', { signal })
  const ms = performance.now() - start
  const hash = createHash('sha256')
  if (digest) for (const piece of pieces(bytes)) hash.update(piece)
  return { bytes, digest: digest ? hash.digest('hex') : null, ms }
}

/** Listen, tell the port, take one connection to its end. */
export function receiveTransfer(end: TransferEnd, ready: (port: number) => void): Work {
  const { ip, namespace, port } = end
  const fd = openTcpListener({ namespace, local: { ip, port } })
  const server = createServer({ pauseOnConnect: true })
  const stopped = new AbortController()
  const done = receive(server, end, stopped.signal)
  try {
    server.listen({ fd })
  } catch (error) {
    closeFd(fd)
    throw error
  }
  ready(localAddress(fd).port)
  let connection: Socket | undefined
  server.once('connection', (socket: Socket) => (connection = socket))
  const stop = (): void => {
    stopped.abort()
    server.close()
    connection?.destroy()
  }
  return { done, stop }
}

async function receive(
  server: ReturnType<typeof createServer>,
  { bytes, digest }: TransferEnd,
  signal: AbortSignal,
): Promise<TransferTally> {
  const [socket] = (await once(server, 'connection', { signal })) as [Socket]
  server.close()
  const sink = new Sink(digest && bytes <= DIGEST_LATER_BYTES_MAX, digest)
  const start = performance.now()
  socket.on('data', (chunk: Uint8Array) => sink.take(chunk))
  socket.resume()
  await once(socket, 'end', { signal })
  const ms = performance.now() - start
  socket.end()
  return { bytes: sink.bytes, digest: sink.digest(), ms }
}

/** Where received bytes go: kept for a later digest, digested at once, or counted only. */
class Sink {
  readonly #later: boolean
  readonly #digest: boolean
  readonly #hash = createHash('sha256')
  readonly #chunks: Uint8Array[] = []
  bytes = 0

  constructor(later: boolean, digest: boolean) {
    this.#later = later
    this.#digest = digest
  }

  take(chunk: Uint8Array): void {
    this.bytes += chunk.length
    if (this.#later) this.#chunks.push(chunk)
    else if (this.#digest) this.#hash.update(chunk)
  }

  digest(): string | null {
    for (const chunk of this.#chunks) this.#hash.update(chunk)
    return this.#digest ? this.#hash.digest('hex') : null
  }
}
