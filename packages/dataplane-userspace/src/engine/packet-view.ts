/** A window of bytes with what offloads say about it: the one object that packets travel in. */

/** The flag of a virtio-net header (virtio 1.2 §5.1.6) that leaves a checksum to be finished. */
export const NEEDS_CHECKSUM = 1

/** What a frame is to be cut into: the `gso_type` of a virtio-net header. */
export const GSO_TYPE = { none: 0, tcp4: 1, udpFragments: 3, tcp6: 4, udp: 5 } as const

/** Added to a TCP type when the first segment carries CWR (RFC 3168 §6.1.2). */
export const GSO_ECN = 0x80

/**
 * What a port takes beside whole frames when they are delivered to it; 0 for whole frames only. The
 * others need `checksum`.
 */
export const PORT_OFFLOAD = { checksum: 1, tcp4: 2, tcp6: 4, udp: 8 } as const

/**
 * One mutable object, used again for each packet: bytes from `start` to `end` of an array. Of a
 * frame at a port the fields below `segmentBytes` are its virtio-net header; of datagrams at the
 * underlay they mean nothing.
 */
export class PacketView {
  bytes: Uint8Array
  start = 0
  end = 0
  /**
   * At the underlay: 0 for one datagram, else the window holds several of this many bytes, of which
   * the last may be shorter (UDP_SEGMENT, UDP_GRO). At a port: bytes of payload in each segment
   * that the frame stands for (`gso_size`).
   */
  segmentBytes = 0
  /** UDP source port of the datagrams; from the flow's hash, so that paths are spread over. */
  sourcePort = 0
  /** NEEDS_CHECKSUM, or 0. */
  flags = 0
  /** One of GSO_TYPE, with GSO_ECN. */
  gsoType = 0
  /** Bytes of all headers in front of the payload that is cut; a hint. */
  headerBytes = 0
  /** Where the sum begins, from `start`. */
  checksumStart = 0
  /** Where the checksum stands, from `checksumStart`. */
  checksumOffset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** The window, for one whole frame or datagram without anything left to be done. */
  setPlain(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.segmentBytes = 0
    this.clearOffloads()
  }

  /** Nothing is left to be done about this frame. */
  clearOffloads(): void {
    this.flags = 0
    this.gsoType = GSO_TYPE.none
    this.headerBytes = 0
    this.checksumStart = 0
    this.checksumOffset = 0
  }
}
