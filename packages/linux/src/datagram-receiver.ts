/** Receiving many datagrams by one call, each where the caller wants it. */
import { assert } from '@weft/core'
import {
  CONTROL_BYTES,
  HEADER,
  HEADER_WORDS,
  IOVEC_BYTES,
  MessageVector,
  NAME_BYTES,
} from './message-vector.ts'
import type { PinnedMemory } from './pinned-memory.ts'
import { AF, MSG, SOL, UDP } from './socket-numbers.ts'
import { pinned } from './syscalls.ts'

/** Datagrams one call may take; measured, more than 64 gain nothing. */
export const RECEIVE_SLOTS_MAX = 1024

/** Where datagrams go. */
export interface ReceiverOptions {
  readonly memory: PinnedMemory
  /** Where in the memory each datagram begins; what is before it is the caller's headroom. */
  readonly slots: readonly number[]
  /** Room from there on; coalesced datagrams take 65,535 bytes, and what is longer is cut. */
  readonly slotBytes: number
}

/**
 * A vector for recvmmsg that several sockets may use in turn. Nothing is allocated per datagram:
 * ask by slot. Invariant: what the last `receive` wrote is described until the next one.
 */
export class DatagramReceiver {
  readonly memory: PinnedMemory
  readonly #slots: Int32Array
  readonly #slotBytes: number
  readonly #vector: MessageVector
  readonly #count: number
  #used: number

  constructor({ memory, slotBytes, slots }: ReceiverOptions) {
    const count = slots.length
    assert(count > 0 && count <= RECEIVE_SLOTS_MAX, 'a receiver has 1 to 1,024 slots')
    this.memory = memory
    this.#slots = Int32Array.from(slots)
    this.#slotBytes = slotBytes
    this.#count = count
    this.#used = count
    this.#vector = new MessageVector(count, count)
    slots.forEach((slot, i) => this.#prepare(slot, i))
  }

  #prepare(slot: number, index: number): void {
    this.memory.assertInside(slot, this.#slotBytes)
    const vector = this.#vector
    const { memory } = vector
    const header = index * HEADER_WORDS
    vector.setPlace(vector.setPiece(index, this.#slotBytes), this.memory, slot)
    vector.setPlace(header + HEADER.NAME, memory, vector.names + index * NAME_BYTES)
    vector.setPlace(header + HEADER.PIECES, memory, vector.pieces + index * IOVEC_BYTES)
    vector.setLength(header + HEADER.PIECE_COUNT, 1)
    vector.setPlace(header + HEADER.CONTROL, memory, vector.controls + index * CONTROL_BYTES)
  }

  /**
   * Take what waits on a socket, at most `countMax` datagrams, without blocking. How many there
   * were, or a negative error number: EAGAIN when there was none.
   */
  receive(fd: number, countMax: number = this.#count): number {
    const { memory, words } = this.#vector
    // The kernel left the lengths of names and control messages behind.
    for (let i = 0; i < this.#used; i++) {
      words[i * HEADER_WORDS + HEADER.NAME_LENGTH] = NAME_BYTES
      words[i * HEADER_WORDS + HEADER.CONTROL_LENGTH] = CONTROL_BYTES
    }
    const count = Math.min(countMax, this.#count)
    const result = pinned.recvmmsg(fd, memory.addressAt(0), count, MSG.DONTWAIT)
    this.#used = Math.max(0, result)
    return result
  }

  /** Where the bytes of slot `index` begin in the memory. */
  startOf(index: number): number {
    return this.#slots[index] as number
  }

  /** Where they end. */
  endOf(index: number): number {
    return this.startOf(index) + this.#word(index, HEADER.LENGTH)
  }

  /** Whether they did not fit. */
  isCut(index: number): boolean {
    return (this.#word(index, HEADER.FLAGS) & MSG.TRUNC) !== 0
  }

  /**
   * How many bytes each of several datagrams has that the kernel put together (UDP_GRO), all but
   * the last; 0 for a single one.
   */
  segmentBytesOf(index: number): number {
    const control = this.#vector.controls / 4 + (index * CONTROL_BYTES) / 4
    const words = this.#vector.words
    // struct cmsghdr: length (8 bytes), level, type; then an int.
    if (this.#word(index, HEADER.CONTROL_LENGTH) < 20) return 0
    const isGro = words[control + 2] === SOL.UDP && words[control + 3] === UDP.GRO
    return isGro ? (words[control + 4] as number) : 0
  }

  /** 4 or 6, or 0 when the kernel named no IP sender. */
  familyOf(index: number): 4 | 6 | 0 {
    const family = this.#name(index) & 0xffff
    if (family === AF.INET) return 4
    return family === AF.INET6 ? 6 : 0
  }

  /** Source port; 0 for raw sockets. */
  sourcePortOf(index: number): number {
    return swap16(this.#name(index) >>> 16)
  }

  /** An IPv4 source as its bytes read in network order, signed: larger ones would be objects. */
  sourceIpOf(index: number): number {
    const word = this.#vector.words[this.#nameWord(index) + 1] as number
    return (swap16(word & 0xffff) << 16) | swap16(word >>> 16)
  }

  /** Four words of an IPv6 source from `at` on, each as `sourceIpOf` has it. */
  copySourceIp6(index: number, into: Int32Array, at: number): void {
    const from = this.#nameWord(index) + 2
    for (let i = 0; i < 4; i++) {
      const word = this.#vector.words[from + i] as number
      into[at + i] = (swap16(word & 0xffff) << 16) | swap16(word >>> 16)
    }
  }

  #word(index: number, field: number): number {
    return this.#vector.words[index * HEADER_WORDS + field] as number
  }

  #nameWord(index: number): number {
    return this.#vector.names / 4 + (index * NAME_BYTES) / 4
  }

  /** Family and port of the sender; signed, as `sourceIpOf`. */
  #name(index: number): number {
    return (this.#vector.words[this.#nameWord(index)] as number) | 0
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8)
}
