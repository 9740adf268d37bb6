/** Frames of a link, in and out, as AF_PACKET shows them: captures, and frames sent by hand. */
import { assert, u32le } from '@weft/core'
import { unpackDatagrams, type Received } from './datagram-batch.ts'
import { checked, kernelFault, type KernelFault } from './errors.ts'
import { inNamespace } from './namespaces.ts'
import { watchSocket, type Watch } from './poller.ts'
import { openRing, type RingGeometry } from './packet-ring.ts'
import { packetSockaddr, readPacketSockaddr } from './sockaddr.ts'
import { AF, MSG, PACKET, SO, SOCK, SOL } from './socket-numbers.ts'
import { growReceiveBuffer, setOption } from './socket-options.ts'
import type { SocketPlace } from './sockets.ts'
import { sys } from './syscalls.ts'
import { restoreVlanTag } from './vlan-tag.ts'

/** Asked of the kernel for frames that wait; what does not fit is counted as dropped. */
export const CAPTURE_BUFFER_BYTES = 64 << 20

/** ETH_P_ALL (linux/if_ether.h). */
const ETH_P_ALL = 3

/** What to capture. */
export interface CaptureOptions extends SocketPlace {
  /** The link, by its index in that namespace; 0 is all. */
  readonly linkIndex: number
  /** Frames are cut to this many bytes. */
  readonly snapBytes: number
  /** Leave out what this host sends. */
  readonly incomingOnly?: boolean
}

/** A captured frame, with the outer VLAN tag that the kernel takes off put back. */
export interface CapturedFrame {
  readonly linkIndex: number
  /** Sent by this host, not received. */
  readonly outgoing: boolean
  /** When the kernel saw it: seconds and nanoseconds of the epoch. */
  readonly seconds: number
  readonly nanoseconds: number
  /** From the Ethernet header, cut to `snapBytes`. With segmentation offload up to 64 KiB long. */
  readonly bytes: Uint8Array
  readonly originalLength: number
}

/** What a capture has seen and lost since it was opened. */
export interface CaptureCounters {
  /** Frames the kernel put into the socket. */
  readonly captured: number
  /** Frames for which there was no room: the capture has holes. */
  readonly dropped: number
}

/** A running capture. */
export interface Capture {
  counters(): CaptureCounters
  /**
   * Send a frame with its Ethernet header out of a link; the kernel's refusal, or null. Other
   * captures of that link see it as outgoing, this one does not.
   */
  send(frame: Uint8Array, linkIndex: number): KernelFault | null
  /** Settles when all frames captured up to now have been handed over. */
  flush(): Promise<void>
  /** Frames not handed over by now are thrown away: `flush` first to have them. */
  close(): Promise<void>
}

/**
 * Capture from now on. Frames arrive in batches by the poll thread; while the main thread does not
 * keep up they wait in the kernel's buffer, and its overflow is counted. `onFrames` must not
 * throw. Throws ERR_KERNEL: EPERM without CAP_NET_RAW, ENODEV.
 */
export function openCapture(
  options: CaptureOptions,
  onFrames: (frames: CapturedFrame[]) => void,
): Capture {
  const { namespace, snapBytes } = options
  const open = (): OpenCapture => openFd(options)
  const { fd, ring } = namespace === undefined ? open() : inNamespace(namespace, open)
  const watch = watchSocket({
    fd,
    ring,
    bytesMax: snapBytes,
    // ENETDOWN when the link goes down or away: there is nothing to capture, and it may return.
    onFailure: () => undefined,
    onBatch: (batch) => onFrames(unpackDatagrams(batch).map(frameOf)),
  })
  return new PacketCapture(fd, watch)
}

class PacketCapture implements Capture {
  readonly #fd: number
  readonly #watch: Watch
  #captured = 0
  #dropped = 0
  #closed = false

  constructor(fd: number, watch: Watch) {
    this.#fd = fd
    this.#watch = watch
  }

  counters(): CaptureCounters {
    if (!this.#closed) this.#readStatistics()
    return { captured: this.#captured, dropped: this.#dropped }
  }

  send(frame: Uint8Array, linkIndex: number): KernelFault | null {
    assert(!this.#closed, 'a capture was used after its end')
    const to = packetSockaddr(linkIndex, ETH_P_ALL)
    const sent = sys.sendto(this.#fd, frame, frame.length, MSG.DONTWAIT, to, to.length)
    return sent < 0 ? kernelFault(sent) : null
  }

  flush(): Promise<void> {
    return this.#watch.flush()
  }

  close(): Promise<void> {
    if (!this.#closed) this.#readStatistics()
    this.#closed = true
    return this.#watch.close()
  }

  /** `struct tpacket_stats`: packets (with the dropped) and drops since the last reading. */
  #readStatistics(): void {
    const value = new Uint8Array(8)
    const length = Int32Array.of(value.length)
    const result = sys.getsockopt(this.#fd, SOL.PACKET, PACKET.STATISTICS, value, length)
    checked(result, 'read capture statistics', `descriptor ${this.#fd}`)
    const dropped = u32le(value, 4)
    this.#dropped += dropped
    this.#captured += u32le(value, 0) - dropped
  }
}

function frameOf(received: Received): CapturedFrame {
  const { nanoseconds, originalLength, seconds, vlanTag } = received
  const { linkIndex, packetType } = readPacketSockaddr(received.sender)
  const bytes = restoreVlanTag(received.bytes, vlanTag)
  return {
    linkIndex,
    outgoing: packetType === PACKET.OUTGOING,
    seconds,
    nanoseconds,
    bytes,
    originalLength: originalLength + bytes.length - received.bytes.length,
  }
}

interface OpenCapture {
  readonly fd: number
  readonly ring: RingGeometry | null
}

/** Protocol 0 receives nothing: the buffer and the options are set before frames flow. */
function openFd({ incomingOnly, linkIndex, snapBytes }: CaptureOptions): OpenCapture {
  const type = SOCK.RAW | SOCK.CLOEXEC | SOCK.NONBLOCK
  const object = `link ${linkIndex}`
  const fd = checked(sys.socket(AF.PACKET, type, 0), 'open packet socket', object)
  try {
    const ring = openRing(fd, snapBytes)
    if (ring === null) growReceiveBuffer(fd, CAPTURE_BUFFER_BYTES)
    setOption(fd, { level: SOL.SOCKET, name: SO.TIMESTAMPNS }, 1)
    setOption(fd, { level: SOL.PACKET, name: PACKET.AUXDATA }, 1)
    if (incomingOnly === true) setOption(fd, { level: SOL.PACKET, name: PACKET.IGNORE_OUTGOING }, 1)
    const address = packetSockaddr(linkIndex, ETH_P_ALL)
    checked(sys.bind(fd, address, address.length), 'bind packet socket', object)
    return { fd, ring }
  } catch (error) {
    sys.close(fd)
    throw error
  }
}
