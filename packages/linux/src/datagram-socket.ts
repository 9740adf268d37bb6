/** UDP and raw IP sockets for packet loops: descriptors for a receiver and a sender. */
import type { SocketAddress } from '@weft/core'
import { ipFamily, setU16le, setU32le, type Ip } from '@weft/core'
import { errno } from './errno.ts'
import { checked, kernelFault, type KernelFault } from './errors.ts'
import { inNamespace } from './namespaces.ts'
import { PinnedMemory } from './pinned-memory.ts'
import { sockaddrBytes } from './sockaddr.ts'
import { AF, SO, SOCK, SOL, UDP } from './socket-numbers.ts'
import {
  growReceiveBuffer,
  growSendBuffer,
  setFragmentation,
  trySetOption,
} from './socket-options.ts'
import { localAddress, openUdpSocket, type BindOptions, type SocketPlace } from './sockets.ts'
import { sys } from './syscalls.ts'

/** How a socket of a packet loop behaves. */
export interface DatagramTuning {
  /** Asked for; without privilege the kernel may give less. Left alone when left out. */
  readonly receiveBufferBytes?: number
  readonly sendBufferBytes?: number
  /**
   * True: what does not fit the path is refused with EMSGSIZE. False: it is sent in fragments, and
   * may be fragmented on its way, as the kernel's own VXLAN allows. Left out: the system's default.
   */
  readonly dontFragment?: boolean
  /** Never receives anything: a source port to send from. */
  readonly sendOnly?: boolean
}

/** A UDP socket of a packet loop. */
export interface DatagramOptions extends BindOptions, DatagramTuning {
  /** Take datagrams that the kernel put together (UDP_GRO): less work each, 64 KiB slots. */
  readonly coalesce?: boolean
}

/** A raw IP socket of a packet loop. */
export interface RawDatagramOptions extends SocketPlace, DatagramTuning {
  /** IP protocol number: 50 is ESP. */
  readonly protocol: number
  /** Address to send from, and for which packets are taken. */
  readonly local: Ip
}

/** An open socket: `DatagramReceiver` and `DatagramSender` take it from here. */
export interface DatagramSocket extends Disposable {
  /** Non-blocking. */
  readonly fd: number
  /** With the port that was picked; port 0 for raw sockets. */
  readonly address: SocketAddress
  /** Null when several datagrams may leave as one message; why not otherwise. */
  readonly segmentation: KernelFault | null
  /** Null when several may arrive as one; why not otherwise. */
  readonly coalescing: KernelFault | null
  /** Idempotent. */
  close(): void
}

/** Open and bind. Throws ERR_KERNEL: EADDRINUSE, EADDRNOTAVAIL, …. */
export function openDatagramSocket(options: DatagramOptions): DatagramSocket {
  const fd = openUdpSocket(options)
  return finish(fd, () => {
    tune(fd, options.local.ip, options)
    const off = trySetOption(fd, { level: SOL.UDP, name: UDP.SEGMENT }, 0)
    const on = options.coalesce === true
      ? trySetOption(fd, { level: SOL.UDP, name: UDP.GRO }, 1)
      : -errno.EOPNOTSUPP
    return {
      address: localAddress(fd),
      segmentation: off < 0 ? kernelFault(off) : null,
      coalescing: on < 0 ? kernelFault(on) : null,
    }
  })
}

/**
 * Open and bind a raw socket. IPv4 packets arrive with their IP header, IPv6 packets without
 * (ip(7), RFC 3542 §3); both leave without. Throws ERR_KERNEL: EPERM without CAP_NET_RAW.
 */
export function openRawDatagramSocket(options: RawDatagramOptions): DatagramSocket {
  const { local, namespace, protocol } = options
  const domain = ipFamily(local) === 4 ? AF.INET : AF.INET6
  const type = SOCK.RAW | SOCK.CLOEXEC | SOCK.NONBLOCK
  const open = (): number =>
    checked(sys.socket(domain, type, protocol), 'open raw socket', String(protocol))
  const fd = namespace === undefined ? open() : inNamespace(namespace, open)
  return finish(fd, () => {
    tune(fd, local, options)
    const address = sockaddrBytes({ ip: local, port: 0 })
    checked(sys.bind(fd, address, address.length), 'bind raw socket', local)
    const fault = kernelFault(errno.EOPNOTSUPP)
    return { address: { ip: local, port: 0 }, segmentation: fault, coalescing: fault }
  })
}

function tune(fd: number, ip: Ip, tuning: DatagramTuning): void {
  const { dontFragment, receiveBufferBytes, sendBufferBytes, sendOnly } = tuning
  if (receiveBufferBytes !== undefined) growReceiveBuffer(fd, receiveBufferBytes)
  if (sendBufferBytes !== undefined) growSendBuffer(fd, sendBufferBytes)
  if (dontFragment !== undefined) setFragmentation(fd, ipFamily(ip), dontFragment)
  if (sendOnly === true) refuseAll(fd)
}

/**
 * A filter of one instruction that keeps no byte (BPF_RET, linux/filter.h). Program and instruction
 * share one memory, which the call holds: another would be free to go before the kernel reads it.
 */
function refuseAll(fd: number): void {
  const memory = PinnedMemory.allocate(FPROG_BYTES + 8)
  const { address, bytes } = memory
  const instruction = address + FPROG_BYTES
  // struct sock_fprog: a count, then a pointer.
  setU16le(bytes, 0, 1)
  setU32le(bytes, 8, instruction % 2 ** 32)
  setU32le(bytes, 12, Math.floor(instruction / 2 ** 32))
  setU16le(bytes, FPROG_BYTES, 6)
  const result = sys.setsockopt(fd, SOL.SOCKET, SO.ATTACH_FILTER, bytes, FPROG_BYTES)
  checked(result, 'attach filter', `descriptor ${fd}`)
}

const FPROG_BYTES = 16

/** The socket, or the descriptor closed when a step throws. */
function finish(
  fd: number,
  steps: () => Omit<DatagramSocket, 'fd' | 'close' | typeof Symbol.dispose>,
): DatagramSocket {
  let open = true
  const close = (): void => {
    if (open) sys.close(fd)
    open = false
  }
  try {
    return { fd, ...steps(), close, [Symbol.dispose]: close }
  } catch (error) {
    close()
    throw error
  }
}
