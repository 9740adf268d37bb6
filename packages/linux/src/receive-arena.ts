/** Memory for recvmmsg: many receive buffers the kernel is given by address, and kept in place. */
import { assert, setU32le, u32le } from '@weft/core'
import { SENDER_BYTES, type DatagramSource, type Received } from './datagram-batch.ts'
import { IOVEC_BYTES, MMSGHDR_BYTES } from './message-vector.ts'
import { MSG, PACKET, SOL } from './socket-numbers.ts'
import { addressOfBytes, sys } from './syscalls.ts'
import { vlanTagOf } from './vlan-tag.ts'

/** Datagrams taken by one call; more gains nothing. */
export const ARENA_SLOTS = 32

/** Room for one datagram: the largest of 65,535 bytes with an Ethernet header and to spare. */
export const SLOT_BYTES = 66_000

/** Room for control messages: a timestamp takes 32 bytes, PACKET_AUXDATA 40. */
const CONTROL_BYTES = 128

/** SO_TIMESTAMPNS doubles as the type of its control message. */
const SCM_TIMESTAMPNS = 35
const SOL_SOCKET = 1

/**
 * Invariant: `#memory` is allocated once and never moves, because it is larger than what V8 keeps
 * inside its heap, and this object holds it as long as addresses into it are handed out.
 */
export class ReceiveArena {
  readonly #memory: Uint8Array
  readonly #headers: Uint8Array
  readonly #senders: number
  readonly #controls: number
  readonly #slots: number

  constructor() {
    const iovecs = ARENA_SLOTS * MMSGHDR_BYTES
    this.#senders = iovecs + ARENA_SLOTS * IOVEC_BYTES
    this.#controls = this.#senders + ARENA_SLOTS * SENDER_BYTES
    this.#slots = this.#controls + ARENA_SLOTS * CONTROL_BYTES
    this.#memory = new Uint8Array(this.#slots + ARENA_SLOTS * SLOT_BYTES)
    this.#headers = this.#memory.subarray(0, iovecs)
    const base = addressOfBytes(this.#memory)
    const view = new DataView(this.#memory.buffer)
    for (let i = 0; i < ARENA_SLOTS; i++) {
      // struct msghdr: name 0, its length 8, iov 16, count 24, control 32, its length 40.
      const header = i * MMSGHDR_BYTES
      const iovec = iovecs + i * IOVEC_BYTES
      const pointer = (at: number, to: number): void =>
        view.setBigUint64(at, base + BigInt(to), true)
      pointer(header, this.#senders + i * SENDER_BYTES)
      pointer(header + 16, iovec)
      view.setBigUint64(header + 24, 1n, true)
      pointer(header + 32, this.#controls + i * CONTROL_BYTES)
      pointer(iovec, this.#slots + i * SLOT_BYTES)
      view.setBigUint64(iovec + 8, BigInt(SLOT_BYTES), true)
    }
  }

  /** This arena as the source of one socket; several share it, one at a time. */
  sourceOf(fd: number): DatagramSource {
    const nothing = (): void => undefined
    const take = (): Received[] | number => {
      const count = this.receive(fd)
      return count < 0 ? count : Array.from({ length: count }, (_, i) => this.at(i))
    }
    return { take, release: nothing, close: nothing }
  }

  /** Take what waits on a socket, without blocking. A count, or a negative error number. */
  receive(fd: number): number {
    const memory = this.#memory
    memory.fill(0, this.#senders, this.#controls)
    for (let i = 0; i < ARENA_SLOTS; i++) {
      const header = i * MMSGHDR_BYTES
      setU32le(memory, header + 8, SENDER_BYTES)
      setU32le(memory, header + 40, CONTROL_BYTES)
    }
    return sys.recvmmsg(fd, this.#headers, ARENA_SLOTS, MSG.DONTWAIT | MSG.TRUNC, null)
  }

  /** Datagram `index` of the last `receive`. */
  at(index: number): Received {
    assert(index >= 0 && index < ARENA_SLOTS, 'no such slot')
    const header = index * MMSGHDR_BYTES
    const originalLength = u32le(this.#memory, header + 56)
    const slot = this.#slots + index * SLOT_BYTES
    const sender = this.#senders + index * SENDER_BYTES
    const stamp = this.#controlAt(index, SOL_SOCKET, SCM_TIMESTAMPNS)
    const auxiliary = this.#controlAt(index, SOL.PACKET, PACKET.AUXDATA)
    return {
      bytes: this.#memory.subarray(slot, slot + Math.min(originalLength, SLOT_BYTES)),
      originalLength,
      sender: this.#memory.subarray(sender, sender + SENDER_BYTES),
      seconds: stamp < 0 ? 0 : u32le(this.#memory, stamp),
      nanoseconds: stamp < 0 ? 0 : u32le(this.#memory, stamp + 8),
      // struct tpacket_auxdata: status 0, VLAN tag control 16, VLAN protocol 18.
      vlanTag:
        auxiliary < 0
          ? 0
          : vlanTagOf(u32le(this.#memory, auxiliary), this.#memory, auxiliary + 16),
    }
  }

  /**
   * Where the data of a control message begins, or -1. `struct cmsghdr`: length 0 (8 bytes), level
   * 8, type 12, then at least 16 bytes in those we ask for.
   */
  #controlAt(index: number, wantedLevel: number, wantedType: number): number {
    const start = this.#controls + index * CONTROL_BYTES
    const end = start + u32le(this.#memory, index * MMSGHDR_BYTES + 40)
    for (let at = start; at + 16 <= end; ) {
      const length = u32le(this.#memory, at)
      const level = u32le(this.#memory, at + 8)
      const type = u32le(this.#memory, at + 12)
      if (level === wantedLevel && type === wantedType && length >= 32) return at + 16
      at += Math.max(16, (length + 7) & ~7)
    }
    return -1
  }
}
