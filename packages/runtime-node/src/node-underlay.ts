/** Datagrams on this machine's network, by node:dgram. */
import { createSocket, type Socket } from 'node:dgram'
import {
  assert,
  ipFamily,
  PORT_MAX,
  type DatagramListener,
  type DatagramSocket,
  type SocketAddress,
  type Underlay,
} from '@weft/core'
import { bindError, codeOf, remoteOf } from './socket-errors.ts'

/**
 * Opens and binds a UDP socket by other means and returns its descriptor, which the underlay
 * adopts and closes. This is how a socket comes to live in another network namespace. An error
 * with a `code` like EADDRINUSE is understood.
 */
export type OpenSocket = (local: SocketAddress) => number

/** How sockets are made. */
export interface NodeUnderlayOptions {
  /** False lets the process end while sockets are open. */
  readonly keepAlive: boolean
  /** Null: node:dgram opens sockets in the process's own namespace. */
  readonly openSocket: OpenSocket | null
}

/** What became of datagrams, over all sockets so far. */
export interface NodeUnderlayCounters {
  readonly sent: number
  readonly received: number
  /** By the operating system's code, like EMSGSIZE or ENETUNREACH. */
  readonly dropped: Readonly<Record<string, number>>
}

/** The network of this machine. IPv6 sockets are IPv6 only, so `::` does not take IPv4 ports. */
export class NodeUnderlay implements Underlay {
  readonly #options: NodeUnderlayOptions
  readonly #dropped = new Map<string, number>()
  #sent = 0
  #received = 0

  constructor(options: NodeUnderlayOptions) {
    this.#options = options
  }

  counters(): NodeUnderlayCounters {
    const dropped = Object.fromEntries(this.#dropped)
    return { sent: this.#sent, received: this.#received, dropped }
  }

  /** Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL, ERR_BIND_FAILED. */
  async bind(local: SocketAddress, onDatagram: DatagramListener): Promise<DatagramSocket> {
    const { port } = local
    assert(Number.isInteger(port) && port >= 0 && port <= PORT_MAX, 'a port is 0 to 65,535')
    const socket = newSocket(local)
    try {
      await this.#listen(socket, local)
    } catch (error) {
      socket.close()
      throw bindError(error, local)
    }
    if (!this.#options.keepAlive) socket.unref()
    socket.on('error', (error) => this.#drop(codeOf(error)))
    socket.on('message', (message, remote) => {
      this.#received++
      // A Uint8Array proper: a Buffer's `slice` would share memory where the callee expects a copy.
      const bytes = new Uint8Array(message.buffer, message.byteOffset, message.length)
      onDatagram(bytes, remoteOf(remote.address, remote.port))
    })
    return this.#open(socket, { ip: local.ip, port: socket.address().port })
  }

  #listen(socket: Socket, local: SocketAddress): Promise<void> {
    const { openSocket } = this.#options
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      // Adopting a descriptor announces `listening` before `bind` returns: listen first.
      socket.once('listening', () => {
        socket.off('error', reject)
        resolve()
      })
      // Exclusive: under node:cluster the primary would otherwise bind, in its own namespace.
      if (openSocket !== null) socket.bind({ fd: openSocket(local), exclusive: true })
      else socket.bind({ address: local.ip, port: local.port, exclusive: true })
    })
  }

  #open(socket: Socket, local: SocketAddress): DatagramSocket {
    let closing: Promise<void> | null = null
    const close = (): Promise<void> => {
      closing ??= new Promise<void>((resolve) => void socket.close(resolve))
      return closing
    }
    return {
      local,
      send: (bytes, to) => {
        if (closing === null) this.#send(socket, local, { bytes, to })
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  }

  #send(
    socket: Socket,
    local: SocketAddress,
    datagram: { readonly bytes: Uint8Array; readonly to: SocketAddress },
  ): void {
    const { ip, port } = datagram.to
    if (ipFamily(ip) !== ipFamily(local.ip)) return this.#drop('EAFNOSUPPORT')
    if (port < 1 || port > PORT_MAX) return this.#drop('EINVAL')
    // Sending is asynchronous: the caller's buffer is its own again as soon as this returns.
    socket.send(datagram.bytes.slice(), port, ip, (error) => {
      if (error === null) this.#sent++
      else this.#drop(codeOf(error))
    })
  }

  #drop(code: string): void {
    this.#dropped.set(code, (this.#dropped.get(code) ?? 0) + 1)
  }
}

function newSocket({ ip }: SocketAddress): Socket {
  const family = ipFamily(ip)
  return createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    // Addresses are addresses already: no resolver, and no thread pool, on the way.
    lookup: (hostname, _options, callback) => callback(null, hostname, family),
  })
}
