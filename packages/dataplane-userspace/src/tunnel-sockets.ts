/** The sockets of our VTEP, opened in the underlay's namespace. */
import { formatSocketAddress, ipFamily, type SocketAddress } from '@weft/core'
import { conflictError, itemPath } from '@weft/dataplane'
import { isKernelError, openDatagramSocket, type DatagramSocket } from '@weft/linux'
import type { Host } from './host.ts'
import type { TunnelSpec } from './switch-protocol.ts'

/**
 * Source ports that flows are spread over. A kernel's VXLAN has 16,384 or more at no cost; here
 * each is a socket, and these are enough for a path to choose from.
 */
export const SOURCE_PORTS = 32

/** Asked for: bursts of coalesced datagrams while the thread is busy. */
export const RECEIVE_BUFFER_BYTES = 8 << 20

/** Asked for: what one burst may have under way. */
export const SEND_BUFFER_BYTES = 4 << 20

/** Open sockets, one to receive and others to send from. */
export interface TunnelSockets {
  readonly local: SocketAddress
  readonly spec: TunnelSpec
  close(): void
}

/** Open a VTEP. Throws ERR_CONFLICT when somebody has its port, or ERR_KERNEL. */
export function openTunnelSockets(
  { segmentation: wanted, underlay }: Pick<Host, 'segmentation' | 'underlay'>,
  local: SocketAddress,
): TunnelSockets {
  const opened: DatagramSocket[] = []
  const close = (): void => {
    for (const socket of opened.splice(0)) socket.close()
  }
  const namespace = underlay.namespace.fd
  try {
    const receiver = openDatagramSocket({
      local,
      namespace,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      coalesce: true,
    })
    opened.push(receiver)
    for (let i = 0; i < SOURCE_PORTS; i++) {
      const from = { ip: local.ip, port: 0 }
      opened.push(openSender(namespace, from))
    }
    const sendFds = opened.slice(1).map(({ fd }) => fd)
    const segmentation = wanted && opened.every((socket) => socket.segmentation === null)
    return { local, spec: { receiveFd: receiver.fd, sendFds, segmentation }, close }
  } catch (error) {
    close()
    if (!isKernelError(error, 'EADDRINUSE')) throw error
    throw conflictError(itemPath.tunnel, `another socket on ${formatSocketAddress(local)}`, error)
  }
}

/** What is too long for a path goes in fragments, as from the kernel's VXLAN. */
function openSender(namespace: number, local: SocketAddress): DatagramSocket {
  return openDatagramSocket({
    local,
    namespace,
    sendBufferBytes: SEND_BUFFER_BYTES,
    sendOnly: true,
    ...(ipFamily(local.ip) === 4 ? { dontFragment: false } : {}),
  })
}
