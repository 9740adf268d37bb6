/** Frames sent out of links by hand, without a socket that stays or hears anything. */
import { checked, kernelFault, type KernelFault } from './errors.ts'
import { inNamespace } from './namespaces.ts'
import { packetSockaddr } from './sockaddr.ts'
import { AF, MSG, SOCK } from './socket-numbers.ts'
import type { SocketPlace } from './sockets.ts'
import { sys } from './syscalls.ts'

/** The kernel finds the protocol in the frame (linux/if_ether.h). */
const ETH_P_ALL = 3

/** A frame with its Ethernet header, and the link that it leaves by. */
export interface OutgoingFrame {
  readonly linkIndex: number
  readonly bytes: Uint8Array
}

/**
 * Send frames, in order, out of links of that namespace or the current one. Returns what the kernel
 * refused; the others are on their way. Throws ERR_KERNEL: EPERM without CAP_NET_RAW.
 */
export function sendFrames(
  { namespace }: SocketPlace,
  frames: readonly OutgoingFrame[],
): readonly KernelFault[] {
  if (frames.length === 0) return []
  const fd = namespace === undefined ? openFd() : inNamespace(namespace, openFd)
  try {
    return frames.flatMap(({ bytes, linkIndex }) => {
      const to = packetSockaddr(linkIndex, ETH_P_ALL)
      const sent = sys.sendto(fd, bytes, bytes.length, MSG.DONTWAIT, to, to.length)
      return sent < 0 ? [kernelFault(sent)] : []
    })
  } finally {
    sys.close(fd)
  }
}

/** Protocol 0 receives nothing. */
function openFd(): number {
  const socket = sys.socket(AF.PACKET, SOCK.RAW | SOCK.CLOEXEC | SOCK.NONBLOCK, 0)
  return checked(socket, 'open packet socket', 'to send frames')
}
