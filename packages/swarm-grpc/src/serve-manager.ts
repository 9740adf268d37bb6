/** A manager's door: SwarmKit's services over gRPC, HTTP/2 and mutual TLS. */
import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import { Code, ConnectError } from '@connectrpc/connect'
import {
  instantAfter,
  parseIp,
  type Clock,
  type Logger,
  type SocketAddress,
} from '@weft/core'
import type { ManagerServices, NodeIdentity } from '@weft/swarm'
import {
  ClientSession,
  KEEPALIVE_INTERVAL_MS,
  type ClientSessionHandler,
} from './client-session.ts'
import { answer, refuse, trailersOnly } from './http2-calls.ts'
import { InboundBytes } from './inbound-bytes.ts'
import { listenError } from './listen-errors.ts'
import { managerRoutes, type RouteOptions } from './routes.ts'
import { Strangers, type Stranger } from './strangers.ts'
import { ALPN_HTTP2, plainIp, TLS_RULES } from './tls-rules.ts'

/** Connections at once, of nodes and strangers. */
export const CONNECTIONS_MAX = 8_192

/** Connections of one node; it has one or two. With more its oldest ends: others need room too. */
export const CONNECTIONS_PER_NODE_MAX = 16

/** How long a handshake of TLS may take. */
export const HANDSHAKE_MS_MAX = 10_000

/** How long calls under way get to hear that the server stops. */
const GOODBYE_MS = 1_000
const STOPPING = 'the manager is shutting down'

/** Where to listen, and as whom. */
export interface ServeManagerOptions {
  /** Port 0 picks a free one; Docker's is 2377. */
  readonly listen: SocketAddress
  readonly identity: NodeIdentity
  readonly log: Logger
  /** Its wall time decides whether a client's certificate is still valid. */
  readonly clock: Clock
}

/** A manager that is being served. */
export interface ManagerServer extends AsyncDisposable {
  readonly local: SocketAddress
  /** A renewed certificate, or another root: for new connections. Streams go on. */
  replaceIdentity(identity: NodeIdentity): void
  /** Stop listening and end every call. Closing again does nothing. */
  close(): Promise<void>
}

/** Listen and serve. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL, ERR_BIND_FAILED. */
export async function serveManager(
  services: ManagerServices,
  options: ServeManagerOptions,
): Promise<ManagerServer> {
  const server = new GrpcServer(services, options)
  await server.listen(options.listen)
  return server
}

class GrpcServer implements ManagerServer, ClientSessionHandler {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #server: Server
  readonly #handlers: ReturnType<typeof managerRoutes>
  readonly #stop = new AbortController()
  readonly #sessions = new Set<ClientSession>()
  /** By node ID, the oldest first. */
  readonly #ofNodes = new Map<string, Set<ClientSession>>()
  readonly #strangers = new Strangers()
  readonly #inbound = new InboundBytes()
  /** Connections by where they come from and go to, until who it is has been proved. */
  readonly #unproven = new Map<string, Stranger>()
  #identity: NodeIdentity
  #timer: Disposable | null = null
  #closing: Promise<void> | null = null

  constructor(services: ManagerServices, options: ServeManagerOptions) {
    this.#clock = options.clock
    this.#log = options.log
    this.#identity = options.identity
    const routes: RouteOptions = {
      clusterId: () => this.#identity.clusterId,
      clock: options.clock,
      log: options.log,
      shutdownSignal: this.#stop.signal,
    }
    this.#handlers = managerRoutes(services, routes)
    this.#server = createServer(tlsOptions(options.identity))
    this.#server.maxConnections = CONNECTIONS_MAX
    this.#server.on('connection', (socket: Socket) => this.#meet(socket))
    this.#server.on('secureConnection', (socket) => this.#open(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      this.#log.debug('a handshake failed', { error: error.message })
      // Node leaves the socket open, also after HANDSHAKE_MS_MAX.
      socket.destroy()
    })
  }

  async listen({ ip, port }: SocketAddress): Promise<void> {
    try {
      this.#server.listen({ host: ip, port })
      await once(this.#server, 'listening')
    } catch (error) {
      throw listenError(error, { ip, port })
    }
    this.#server.on('error', (error) => {
      this.#log.warn('a connection could not be accepted', { error: error.message })
    })
    this.#schedule()
  }

  get local(): SocketAddress {
    const { address, port } = this.#server.address() as AddressInfo
    return { ip: parseIp(address), port }
  }

  replaceIdentity(identity: NodeIdentity): void {
    this.#server.setSecureContext(tlsOptions(identity))
    this.#identity = identity
  }

  onCall(session: ClientSession, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (this.#closing !== null) refuse(stream, trailersOnly(Code.Unavailable, STOPPING))
    else {
      const call = { stream, headers, origin: session, inbound: this.#inbound }
      void answer(call, this.#handlers, this.#log)
    }
  }

  onClose(session: ClientSession): void {
    this.#sessions.delete(session)
    if (session.peer.kind !== 'node') return
    const { nodeId } = session.peer.facts
    const own = this.#ofNodes.get(nodeId)
    if (own?.delete(session) === true && own.size === 0) this.#ofNodes.delete(nodeId)
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #shutDown(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#stop.abort(new ConnectError(STOPPING, Code.Unavailable))
    for (const session of this.#sessions) session.close()
    // Whoever does not take its answer in time is cut off; so are handshakes under way.
    const late = instantAfter(this.#clock.now(), GOODBYE_MS)
    using _timer = this.#clock.schedule(late, () => this.#cutOff())
    for (const stranger of this.#unproven.values()) stranger.destroy()
    await closed
  }

  #cutOff(): void {
    for (const session of this.#sessions) session.destroy()
  }

  /** A connection before its handshake. */
  #meet(socket: Socket): void {
    const key = connectionKey(socket)
    const stranger = { host: plainIp(socket.remoteAddress), destroy: () => socket.destroy() }
    socket.setNoDelay(true)
    this.#strangers.add(stranger)
    this.#unproven.set(key, stranger)
    socket.once('close', () => this.#forget(key, stranger))
  }

  #open(socket: TLSSocket): void {
    const session = new ClientSession(socket, this)
    this.#sessions.add(session)
    if (session.peer.kind !== 'node') return
    const key = connectionKey(socket)
    const stranger = this.#unproven.get(key)
    if (stranger !== undefined) this.#forget(key, stranger)
    this.#count(session, session.peer.facts.nodeId)
  }

  #count(session: ClientSession, nodeId: string): void {
    const own = this.#ofNodes.get(nodeId) ?? new Set()
    const [oldest] = own
    this.#ofNodes.set(nodeId, own.add(session))
    if (own.size <= CONNECTIONS_PER_NODE_MAX || oldest === undefined) return
    // Its closing comes later: a flood must not be ahead of that.
    own.delete(oldest)
    oldest.destroy()
  }

  #forget(key: string, stranger: Stranger): void {
    this.#strangers.delete(stranger)
    if (this.#unproven.get(key) === stranger) this.#unproven.delete(key)
  }

  #schedule(): void {
    const next = instantAfter(this.#clock.now(), KEEPALIVE_INTERVAL_MS)
    this.#timer = this.#clock.schedule(next, () => {
      for (const session of this.#sessions) session.check()
      this.#schedule()
    })
  }
}

function connectionKey({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress}|${remotePort}|${localAddress}`
}

/** A client without a certificate is let in, to join; what it may call is another question. */
function tlsOptions({ certificatePem, keyPem, rootPem }: NodeIdentity): TlsOptions {
  return {
    ...TLS_RULES,
    cert: certificatePem,
    key: keyPem,
    ca: rootPem,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ALPN_HTTP2,
    handshakeTimeout: HANDSHAKE_MS_MAX,
  }
}
