/** Sending one UDP datagram from inside a namespace. */
import { ipFamily, type SocketAddress } from '@weft/core'
import { closeFd, openUdpSocket } from '@weft/linux'
import { createSocket } from 'node:dgram'

/** Where it comes from and goes to. */
export interface DatagramPath {
  /** A path or descriptor. */
  readonly namespace: string | number
  /** Port 0 picks a free one. */
  readonly from: SocketAddress
  readonly to: SocketAddress
}

/** Hand one datagram to the kernel. Rejects with ERR_KERNEL, or with Node's error for the send. */
export async function sendDatagram(path: DatagramPath, payload: Uint8Array): Promise<void> {
  const { from, namespace, to } = path
  const fd = openUdpSocket({ namespace, local: from })
  const socket = createSocket(ipFamily(from.ip) === 4 ? 'udp4' : 'udp6')
  try {
    socket.bind({ fd })
  } catch (error) {
    closeFd(fd)
    throw error
  }
  try {
    await new Promise<void>((resolve, reject) => {
      socket.send(payload, to.port, to.ip, (error) => (error === null ? resolve() : reject(error)))
    })
  } finally {
    socket.close()
  }
}
