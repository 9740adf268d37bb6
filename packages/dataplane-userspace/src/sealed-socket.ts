/** The socket that carries the packets of encrypted networks, in the underlay's namespace. */
import { formatSocketAddress, ipFamily, type Ip } from '@weft/core'
import { conflictError, itemPath } from '@weft/dataplane'
import {
  isKernelError,
  openDatagramSocket,
  openRawDatagramSocket,
  type DatagramSocket,
  type DatagramTuning,
} from '@weft/linux'
import { IP_PROTOCOL } from '@weft/wire'
import type { Host } from './host.ts'
import type { SealedTunnelSpec } from './switch-protocol.ts'
import { RECEIVE_BUFFER_BYTES, SEND_BUFFER_BYTES } from './tunnel-sockets.ts'

/** An open socket. */
export interface SealedSocket {
  readonly local: Ip
  readonly spec: SealedTunnelSpec
  close(): void
}

/**
 * Open it for our VTEP's address. Throws ERR_CONFLICT when somebody has the port, or ERR_KERNEL:
 * EPERM where raw sockets are not for us.
 */
export function openSealedSocket(
  { options, segmentation: wanted, underlay }: Pick<Host, 'options' | 'segmentation' | 'underlay'>,
  local: Ip,
): SealedSocket {
  const { path, port } = options.esp
  const namespace = underlay.namespace.fd
  const socket = path === 'ip' ? openRaw(namespace, local) : openUdp(namespace, local, port)
  const segmentation = wanted && socket.segmentation === null
  const close = (): void => socket.close()
  return { local, spec: { fd: socket.fd, path, port, segmentation }, close }
}

function openRaw(namespace: number, local: Ip): DatagramSocket {
  return openRawDatagramSocket({ namespace, local, protocol: IP_PROTOCOL.esp, ...tuning(local) })
}

/** Replies go where packets came from, so that both ports are the same (RFC 3948 §2.1). */
function openUdp(namespace: number, ip: Ip, port: number): DatagramSocket {
  const local = { ip, port }
  try {
    return openDatagramSocket({ namespace, local, coalesce: true, ...tuning(ip) })
  } catch (error) {
    if (!isKernelError(error, 'EADDRINUSE')) throw error
    const owner = `another socket on ${formatSocketAddress(local)}`
    throw conflictError(itemPath.tunnel, owner, error)
  }
}

/** What is too long for a path goes in fragments, as from the kernel's VXLAN. */
function tuning(local: Ip): DatagramTuning {
  const buffers = { receiveBufferBytes: RECEIVE_BUFFER_BYTES, sendBufferBytes: SEND_BUFFER_BYTES }
  return ipFamily(local) === 4 ? { ...buffers, dontFragment: false } : buffers
}
