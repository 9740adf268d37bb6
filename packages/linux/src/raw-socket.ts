/** Raw IP sockets in a namespace: ICMP without running `ping`. */
import { assert, type Ip } from '@weft/core'
import { unpackDatagrams } from './datagram-batch.ts'
import { checked, kernelFault, type KernelFault } from './errors.ts'
import { inNamespace } from './namespaces.ts'
import { watchSocket, type Watch } from './poller.ts'
import { SLOT_BYTES } from './receive-arena.ts'
import { readSockaddr, sockaddrBytes } from './sockaddr.ts'
import { AF, MSG, SO, SOCK, SOL } from './socket-numbers.ts'
import { growReceiveBuffer, setFragmentation, setOption } from './socket-options.ts'
import type { SocketPlace } from './sockets.ts'
import { sys } from './syscalls.ts'

/** Asked of the kernel for packets that wait. */
const RECEIVE_BUFFER_BYTES = 1 << 20

/** Which packets, and from where. */
export interface RawSocketOptions extends SocketPlace {
  readonly family: 4 | 6
  /** IP protocol number: 1 is ICMP, 58 ICMPv6. */
  readonly protocol: number
  /** Packets that do not fit the path are refused with EMSGSIZE. */
  readonly dontFragment?: boolean
}

/** A received packet. */
export interface RawPacket {
  /** For IPv4 with the IP header, for IPv6 without (ip(7), RFC 3542 §3). */
  readonly bytes: Uint8Array
  readonly from: Ip
  /** When the kernel saw it: seconds and nanoseconds of the epoch. */
  readonly seconds: number
  readonly nanoseconds: number
}

/** A raw socket whose packets arrive by the poll thread. */
export interface RawSocket {
  /** Send one packet without an IP header; the kernel's refusal, or null. */
  send(bytes: Uint8Array, to: Ip): KernelFault | null
  /** Settles when all packets received up to now have been handed over. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Open a raw socket. `onPacket` must not throw. Throws ERR_KERNEL: EPERM without CAP_NET_RAW. */
export function openRawSocket(
  options: RawSocketOptions,
  onPacket: (packet: RawPacket) => void,
): RawSocket {
  const { namespace } = options
  const open = (): number => openFd(options)
  const fd = namespace === undefined ? open() : inNamespace(namespace, open)
  const watch: Watch = watchSocket({
    fd,
    bytesMax: SLOT_BYTES,
    // ICMP errors that concern this socket: the packets tell the same.
    onFailure: () => undefined,
    onBatch: (batch) => {
      for (const { bytes, nanoseconds, seconds, sender } of unpackDatagrams(batch)) {
        const address = readSockaddr(sender)
        if (address !== null) onPacket({ bytes, from: address.ip, seconds, nanoseconds })
      }
    },
  })
  let closed = false
  return {
    send(bytes, to) {
      assert(!closed, 'a raw socket was used after its end')
      const address = sockaddrBytes({ ip: to, port: 0 })
      const { length } = bytes
      const sent = sys.sendto(fd, bytes, length, MSG.DONTWAIT, address, address.length)
      return sent < 0 ? kernelFault(sent) : null
    },
    flush: () => watch.flush(),
    close() {
      closed = true
      return watch.close()
    },
  }
}

function openFd({ dontFragment, family, protocol }: RawSocketOptions): number {
  const domain = family === 4 ? AF.INET : AF.INET6
  const type = SOCK.RAW | SOCK.CLOEXEC | SOCK.NONBLOCK
  const fd = checked(sys.socket(domain, type, protocol), 'open raw socket', String(protocol))
  try {
    growReceiveBuffer(fd, RECEIVE_BUFFER_BYTES)
    setOption(fd, { level: SOL.SOCKET, name: SO.TIMESTAMPNS }, 1)
    if (dontFragment === true) setFragmentation(fd, family, true)
    return fd
  } catch (error) {
    sys.close(fd)
    throw error
  }
}
