/** UDP and TCP sockets opened inside a namespace, for Node to adopt. */
import { Socket } from 'node:net'
import { formatSocketAddress, ipFamily, type SocketAddress } from '@weft/core'
import { checked } from './errors.ts'
import { inNamespace } from './namespaces.ts'
import { AF, SO, SOCK, SOL } from './socket-numbers.ts'
import { setOption } from './socket-options.ts'
import { familyOf, readSockaddr, sockaddrBytes } from './sockaddr.ts'
import { sys } from './syscalls.ts'

/** IPV6_V6ONLY (linux/in6.h): an IPv6 socket takes no IPv4. */
const IPV6_V6ONLY = 26

/** Connections that wait to be accepted. */
export const LISTEN_BACKLOG = 511

/** Where a socket is opened: a path or descriptor of a namespace; the current one when left out. */
export interface SocketPlace {
  readonly namespace?: string | number
}

/** A socket bound to an address. */
export interface BindOptions extends SocketPlace {
  /** Port 0 picks a free one; ask `localAddress` which. */
  readonly local: SocketAddress
  /** Several sockets share the port (SO_REUSEPORT). */
  readonly reusePort?: boolean
}

/**
 * A bound UDP socket as a descriptor. Node adopts it with `dgram.createSocket(…).bind({ fd })`,
 * which emits `listening` at once: attach listeners first. The caller owns it. Throws ERR_KERNEL:
 * EADDRINUSE, EADDRNOTAVAIL.
 */
export function openUdpSocket(options: BindOptions): number {
  const fd = openSocket(options, SOCK.DGRAM, options.local)
  return prepare(fd, () => bind(fd, options, 'udp'))
}

/**
 * A listening TCP socket as a descriptor; connections are queued from now on. Node adopts it with
 * `server.listen({ fd })`. The caller owns it. Throws ERR_KERNEL.
 */
export function openTcpListener(options: BindOptions): number {
  const fd = openSocket(options, SOCK.STREAM, options.local)
  return prepare(fd, () => {
    // A port stays reserved a while after its last connection; a listener may have it at once.
    setOption(fd, { level: SOL.SOCKET, name: SO.REUSEADDR }, 1)
    bind(fd, options, 'tcp')
    const object = formatSocketAddress(options.local)
    checked(sys.listen(fd, LISTEN_BACKLOG), 'listen on tcp socket', object)
  })
}

/** A connection to be made. */
export interface ConnectOptions extends SocketPlace {
  readonly remote: SocketAddress
  /** Source address; the kernel chooses when left out. */
  readonly local?: SocketAddress
}

/**
 * A TCP connection out of a namespace, being established: wait for `connect` or `error` as with
 * `net.connect`. Throws ERR_KERNEL when no socket can be had.
 */
export function connectTcp(options: ConnectOptions): Socket {
  const fd = openSocket(options, SOCK.STREAM, options.remote)
  const { local, remote } = options
  prepare(fd, () => {
    if (local !== undefined) bind(fd, { local }, 'tcp')
  })
  // Without manualStart Node would read from the socket before it is connected. `connect` on a
  // socket with a descriptor uses that descriptor, wherever the thread is by then.
  const adopted: ConstructorParameters<typeof Socket>[0] & { manualStart: boolean } = {
    fd,
    readable: true,
    writable: true,
    manualStart: true,
  }
  const socket = new Socket(adopted)
  return socket.connect({ host: remote.ip, port: remote.port, family: ipFamily(remote.ip) })
}

/** The address a socket is bound to. Throws ERR_KERNEL. */
export function localAddress(fd: number): SocketAddress {
  const bytes = new Uint8Array(128)
  const result = sys.getsockname(fd, bytes, Int32Array.of(bytes.length))
  checked(result, 'read socket address', `descriptor ${fd}`)
  const address = readSockaddr(bytes)
  if (address === null) checked(-EAFNOSUPPORT, 'read socket address', `descriptor ${fd}`)
  return address as SocketAddress
}

/** asm-generic/errno.h. */
const EAFNOSUPPORT = 97

/** Close a descriptor that nobody adopted. */
export function closeFd(fd: number): void {
  sys.close(fd)
}

function openSocket({ namespace }: SocketPlace, type: number, { ip }: SocketAddress): number {
  const open = (): number => {
    const fd = sys.socket(familyOf(ip), type | SOCK.CLOEXEC | SOCK.NONBLOCK, 0)
    return checked(fd, 'open socket', ip)
  }
  const fd = namespace === undefined ? open() : inNamespace(namespace, open)
  if (familyOf(ip) === AF.INET6) setOption(fd, { level: SOL.IPV6, name: IPV6_V6ONLY }, 1)
  return fd
}

/** Hand on the descriptor when the steps succeed, close it when one throws. */
function prepare(fd: number, steps: () => void): number {
  try {
    steps()
    return fd
  } catch (error) {
    sys.close(fd)
    throw error
  }
}

function bind(fd: number, { local, reusePort }: BindOptions, protocol: string): void {
  if (reusePort === true) setOption(fd, { level: SOL.SOCKET, name: SO.REUSEPORT }, 1)
  const address = sockaddrBytes(local)
  const result = sys.bind(fd, address, address.length)
  checked(result, `bind ${protocol} socket`, formatSocketAddress(local))
}
