/** Streams on this machine's network, by node:net. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import {
  assert,
  ipFamily,
  PORT_MAX,
  type ByteStream,
  type Ip,
  type SocketAddress,
  type StreamHandler,
  type StreamListener,
  type Streams,
} from '@weft/core'
import { NodeStream, type NodeStreamOptions } from './node-stream.ts'
import { bindError, codeOf, remoteOf } from './socket-errors.ts'

/**
 * Opens a listening TCP socket by other means and returns its descriptor, which is adopted and
 * closed. This is how a socket comes to live in another network namespace. An error with a `code`
 * like EADDRINUSE is understood.
 */
export type OpenListener = (local: SocketAddress) => number

/** Begins a TCP connection by other means, from an address of the host. */
export type OpenConnection = (from: Ip, to: SocketAddress) => Socket

/** How sockets are made. */
export interface NodeStreamsOptions {
  /** False lets the process end while sockets are open. */
  readonly keepAlive: boolean
  /**
   * How long a closed stream may take to deliver what was written. Then it is reset, or a reader
   * that stopped reading would keep the bytes here for ever.
   */
  readonly lingerMs: number
  /** Null: node:net opens sockets in the process's own namespace. */
  readonly openListener: OpenListener | null
  readonly openConnection: OpenConnection | null
}

/** What became of streams so far. */
export interface NodeStreamsCounters {
  readonly accepted: number
  readonly connected: number
  /** Streams that broke, by the operating system's code, like ECONNREFUSED or ECONNRESET. */
  readonly failed: Readonly<Record<string, number>>
}

/**
 * Connections of one listener that were closed and still deliver what was written. Beyond it the
 * oldest is reset: whoever reads nothing would otherwise leave us with any number of them.
 */
export const LINGERING_MAX = 128

/** TCP of this machine. Listeners on IPv6 are IPv6 only, so `::` does not take IPv4 ports. */
export class NodeStreams implements Streams {
  readonly #options: NodeStreamsOptions
  readonly #failed = new Map<string, number>()
  #accepted = 0
  #connected = 0

  constructor(options: NodeStreamsOptions) {
    this.#options = options
  }

  counters(): NodeStreamsCounters {
    const failed = Object.fromEntries(this.#failed)
    return { accepted: this.#accepted, connected: this.#connected, failed }
  }

  /** Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL, ERR_BIND_FAILED. */
  async listen(
    local: SocketAddress,
    accept: (stream: ByteStream) => StreamHandler,
  ): Promise<StreamListener> {
    const { port } = local
    assert(Number.isInteger(port) && port >= 0 && port <= PORT_MAX, 'a port is 0 to 65,535')
    const server = createServer(SOCKET_OPTIONS)
    const open = new Set<NodeStream>()
    const lingering = new Set<NodeStream>()
    server.on('connection', (socket) => this.#accept(socket, { open, lingering, accept }))
    try {
      await this.#bind(server, local)
    } catch (error) {
      throw bindError(error, local)
    }
    if (!this.#options.keepAlive) server.unref()
    server.on('error', (error) => this.#fail(codeOf(error)))
    return listenerOf(server, local, open)
  }

  connect(from: Ip, to: SocketAddress, handler: StreamHandler): ByteStream {
    this.#connected++
    const stream = this.#stream(this.#connection(from, to), to, () => undefined)
    stream.attach(handler)
    return stream
  }

  #stream(
    socket: Socket | null,
    remote: SocketAddress,
    onLinger: NodeStreamOptions['onLinger'],
  ): NodeStream {
    const { lingerMs } = this.#options
    const onFailure = (code: string): void => this.#fail(code)
    return new NodeStream(socket, { remote, lingerMs, onFailure, onLinger })
  }

  /** A socket that connects, or null where not even that can be had. */
  #connection(from: Ip, to: SocketAddress): Socket | null {
    try {
      const socket = (this.#options.openConnection ?? openConnection)(from, to)
      // Whoever opened it need not know what streams promise.
      socket.setNoDelay(true)
      socket.allowHalfOpen = true
      if (!this.#options.keepAlive) socket.unref()
      return socket
    } catch (error) {
      this.#fail(codeOf(error))
      return null
    }
  }

  #bind(server: Server, local: SocketAddress): Promise<void> {
    const { openListener } = this.#options
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.once('listening', () => {
        server.off('error', reject)
        resolve()
      })
      // Exclusive: under node:cluster the primary would otherwise bind, in its own namespace.
      const how = { exclusive: true, ipv6Only: ipFamily(local.ip) === 6 }
      if (openListener !== null) server.listen({ ...how, fd: openListener(local) })
      else server.listen({ ...how, host: local.ip, port: local.port })
    })
  }

  #accept(socket: Socket, { open, lingering, accept }: Acceptance): void {
    const { remoteAddress, remotePort } = socket
    // Reset before anybody looked: there is no address any more.
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy()
      return
    }
    this.#accepted++
    if (!this.#options.keepAlive) socket.unref()
    const onLinger = (closed: NodeStream): void => {
      lingering.add(closed)
      if (lingering.size <= LINGERING_MAX) return
      const [oldest] = lingering
      oldest?.cut()
    }
    const stream = this.#stream(socket, remoteOf(remoteAddress, remotePort), onLinger)
    open.add(stream)
    socket.once('close', () => {
      open.delete(stream)
      lingering.delete(stream)
    })
    stream.attach(accept(stream))
  }

  #fail(code: string): void {
    this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1)
  }
}

/** The connections of one listener, and who takes them. */
interface Acceptance {
  readonly open: Set<NodeStream>
  /** Those of them that were closed, the first one first. */
  readonly lingering: Set<NodeStream>
  readonly accept: (stream: ByteStream) => StreamHandler
}

/** Half-open: the other side may end and still be answered. Without Nagle: answers are short. */
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true } as const

function openConnection(from: Ip, to: SocketAddress): Socket {
  const target = { host: to.ip, port: to.port, family: ipFamily(to.ip), autoSelectFamily: false }
  const local = isWildcard(from) ? {} : { localAddress: from }
  return connect({ ...SOCKET_OPTIONS, ...target, ...local })
}

function isWildcard(ip: Ip): boolean {
  return ip === '0.0.0.0' || ip === '::'
}

function listenerOf(
  server: Server,
  local: SocketAddress,
  open: ReadonlySet<NodeStream>,
): StreamListener {
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => {
    closing ??= new Promise<void>((resolve) => {
      server.close(() => {
        resolve()
      })
      for (const stream of open) stream.finish()
    })
    return closing
  }
  // Null and a path belong to other kinds of sockets, and to one that does not listen.
  const { port } = server.address() as AddressInfo
  return { local: { ip: local.ip, port }, close, [Symbol.asyncDispose]: close }
}
