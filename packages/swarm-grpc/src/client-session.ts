/** One client's connection on a manager: who it is, its calls, and whether it is still there. */
import {
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Peer } from './authorize.ts'
import { readPeer } from './node-certificates.ts'
import type { Origin } from './origin.ts'
import { plainIp } from './tls-rules.ts'

/** Calls at once on a node's connection; more wait at the client. A worker has about five. */
export const CALLS_PER_CONNECTION_MAX = 100

/** The same for a stranger, who joins by one call after the other. */
export const CALLS_PER_STRANGER_MAX = 16

/** Header lines of a call; those of gRPC have about ten. */
export const HEADERS_MAX = 64

/** Bytes of all header lines of a call, as RFC 9113 §6.5.2 counts them. */
export const HEADER_BYTES_MAX = 16 << 10

/**
 * How often connections are looked at. One on which nothing came since the last time is asked
 * whether it is there; one that has not answered by the next time is ended: after three at most.
 */
export const KEEPALIVE_INTERVAL_MS = 6_000

/** How long a client without a certificate may have no call, and stay at all. */
export const STRANGER_IDLE_MS_MAX = 30_000
/** Joining takes a second or two. */
export const STRANGER_STAY_MS_MAX = 300_000

/** What becomes of a connection. */
export interface ClientSessionHandler {
  onCall(session: ClientSession, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void
  onClose(session: ClientSession): void
}

/** HTTP/2 on a TLS socket whose handshake is done. */
export class ClientSession implements Origin {
  readonly peer: Peer
  readonly remoteIp: string
  readonly #socket: TLSSocket
  readonly #session: ServerHttp2Session
  #openCalls = 0
  #isAsked = false
  #bytesHeard = 0
  #checks = 0
  #idleChecks = 0

  constructor(socket: TLSSocket, handler: ClientSessionHandler) {
    this.#socket = socket
    this.peer = peerOf(socket)
    this.remoteIp = plainIp(socket.remoteAddress)
    const isNode = this.peer.kind === 'node'
    this.#session = performServerHandshake(socket, {
      maxHeaderListPairs: HEADERS_MAX,
      settings: {
        maxConcurrentStreams: isNode ? CALLS_PER_CONNECTION_MAX : CALLS_PER_STRANGER_MAX,
        maxHeaderListSize: HEADER_BYTES_MAX,
        enablePush: false,
      },
    })
    // What goes wrong with a connection ends it, and that is told by its closing.
    socket.on('error', () => undefined)
    this.#session.on('error', () => undefined)
    this.#session.on('stream', (stream, headers) => {
      this.#openCalls++
      stream.once('close', () => this.#openCalls--)
      handler.onCall(this, stream, headers)
    })
    this.#session.once('close', () => handler.onClose(this))
  }

  /** To be called every KEEPALIVE_INTERVAL_MS. */
  check(): void {
    this.#checks++
    this.#idleChecks = this.#openCalls > 0 ? 0 : this.#idleChecks + 1
    if (this.#isAsked || this.#hasOverstayed()) return this.destroy()
    const bytes = this.#socket.bytesRead
    if (bytes === this.#bytesHeard) this.#ask()
    this.#bytesHeard = bytes
  }

  /** Says goodbye; calls under way may end. */
  close(): void {
    this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
    this.#socket.destroy()
  }

  #ask(): void {
    if (this.#session.destroyed) return
    this.#isAsked = true
    this.#session.ping(() => {
      this.#isAsked = false
    })
  }

  #hasOverstayed(): boolean {
    if (this.peer.kind === 'node') return false
    const idleMs = (this.#idleChecks - 1) * KEEPALIVE_INTERVAL_MS
    const stayMs = (this.#checks - 1) * KEEPALIVE_INTERVAL_MS
    return idleMs >= STRANGER_IDLE_MS_MAX || stayMs >= STRANGER_STAY_MS_MAX
  }
}

/** Docker asks for a certificate, and verifies it if there is one. */
function peerOf(socket: TLSSocket): Peer {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { kind: 'stranger' }
  if (!socket.authorized) {
    return { kind: 'refused', problem: refusal(String(socket.authorizationError)) }
  }
  const facts = readPeer(new Uint8Array(certificate.raw))
  if (facts === null) return { kind: 'refused', problem: 'certificate is not that of a node' }
  return { kind: 'node', facts }
}

/** OpenSSL's codes in words. */
function refusal(code: string): string {
  if (code === 'CERT_HAS_EXPIRED') return 'certificate has expired, or the clock is wrong'
  if (code === 'CERT_NOT_YET_VALID') return 'certificate is not yet valid; check the clocks'
  return `certificate cannot be verified: ${code}`
}
