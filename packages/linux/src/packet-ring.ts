/** Captured frames in memory shared with the kernel: no call per frame, room of our choosing. */
import { assert, u16le, u32le } from '@weft/core'
import { SENDER_BYTES, type DatagramSource, type Received } from './datagram-batch.ts'
import { PACKET, SOL } from './socket-numbers.ts'
import { mapMemory, sys, unmapMemory } from './syscalls.ts'
import { vlanTagOf } from './vlan-tag.ts'

/** Memory of one capture's ring. A socket's buffer is limited for processes without privilege. */
export const RING_BYTES = 16 << 20

/** Frames cut to more than this go through the socket's buffer: slots would be too few. */
export const RING_SNAP_BYTES_MAX = 4000

/** TPACKET_V2 (if_packet.h): slots of one size, each handed over by itself. */
const TPACKET_V2 = 1

/** `struct tpacket2_hdr`, then `struct sockaddr_ll`, rounded up (TPACKET2_HDRLEN and alignment). */
const HEADER_BYTES = 32
const OVERHEAD_BYTES = 80

/** Who owns a slot. */
const TP_STATUS_KERNEL = 0
const TP_STATUS_USER = 1

/** Blocks of pages the slots lie in; no slot crosses one. */
const BLOCK_BYTES = 1 << 16

/** Frames taken at a time. */
const BATCH_FRAMES = 64

/** Slots of which size, in how many blocks. */
export interface RingGeometry {
  readonly slotBytes: number
  readonly slots: number
}

/**
 * Give a packet socket a ring for frames of `snapBytes`. Null when the kernel gives none: the
 * capture works without, with less room.
 */
export function openRing(fd: number, snapBytes: number): RingGeometry | null {
  if (snapBytes > RING_SNAP_BYTES_MAX) return null
  let slotBytes = 256
  while (slotBytes < snapBytes + OVERHEAD_BYTES) slotBytes *= 2
  const version = sys.setsockopt(fd, SOL.PACKET, PACKET.VERSION, Int32Array.of(TPACKET_V2), 4)
  if (version < 0) return null
  const blocks = RING_BYTES / BLOCK_BYTES
  const slots = RING_BYTES / slotBytes
  // struct tpacket_req: block size, blocks, frame size, frames.
  const request = Int32Array.of(BLOCK_BYTES, blocks, slotBytes, slots)
  const made = sys.setsockopt(fd, SOL.PACKET, PACKET.RX_RING, request, 16)
  return made < 0 ? null : { slotBytes, slots }
}

/** Invariant: slots before `#next` are the kernel's; it fills them in order and hands each over. */
export class PacketRing implements DatagramSource {
  readonly #geometry: RingGeometry
  readonly #address: bigint
  readonly #memory: Uint8Array
  readonly #statuses: Int32Array
  #next = 0
  #taken = 0

  /** Map the ring of a packet socket. */
  constructor(fd: number, geometry: RingGeometry) {
    const mapped = mapMemory(fd, geometry.slotBytes * geometry.slots)
    assert(mapped !== null, 'the kernel made a ring and does not let it be mapped')
    const { address, memory } = mapped
    this.#geometry = geometry
    this.#address = address
    this.#memory = new Uint8Array(memory)
    this.#statuses = new Int32Array(memory)
  }

  /** The next frames that are there: views into the ring, good until `release`. */
  take(): Received[] {
    assert(this.#taken === 0, 'the frames taken before were not released')
    const frames: Received[] = []
    while (frames.length < BATCH_FRAMES) {
      const start = this.#slotAt(this.#next + frames.length)
      if ((Atomics.load(this.#statuses, start >> 2) & TP_STATUS_USER) === 0) break
      frames.push(this.#frameAt(start))
    }
    this.#taken = frames.length
    return frames
  }

  /** Give the slots of the frames taken last back to the kernel. */
  release(): void {
    for (; this.#taken > 0; this.#taken--) {
      Atomics.store(this.#statuses, this.#slotAt(this.#next) >> 2, TP_STATUS_KERNEL)
      this.#next = (this.#next + 1) % this.#geometry.slots
    }
  }

  /** Unmap. Nothing of this object may be used after. */
  close(): void {
    unmapMemory(this.#address, this.#memory.length)
  }

  #slotAt(index: number): number {
    return (index % this.#geometry.slots) * this.#geometry.slotBytes
  }

  /**
   * `struct tpacket2_hdr`: status 0, length 4, kept 8, offset 12, seconds 16, nanoseconds 20, VLAN
   * tag control 24, VLAN protocol 26.
   */
  #frameAt(start: number): Received {
    const memory = this.#memory
    const room = this.#geometry.slotBytes
    const from = Math.min(u16le(memory, start + 12), room)
    const length = Math.min(u32le(memory, start + 8), room - from)
    const sender = start + HEADER_BYTES
    return {
      bytes: memory.subarray(start + from, start + from + length),
      originalLength: u32le(memory, start + 4),
      sender: memory.subarray(sender, sender + SENDER_BYTES),
      seconds: u32le(memory, start + 16),
      nanoseconds: u32le(memory, start + 20),
      vlanTag: vlanTagOf(u32le(memory, start), memory, start + 24),
    }
  }
}
