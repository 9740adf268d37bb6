/** Addresses to send to, kept in the kernel's form under small numbers. */
import { assert, type SocketAddress } from '@weft/core'
import { NAME_BYTES } from './message-vector.ts'
import { PinnedMemory } from './pinned-memory.ts'
import { sockaddrBytes } from './sockaddr.ts'

/** Destinations at a time: as many as a large cluster has nodes, and more. */
export const DESTINATIONS_MAX = 65_536

/**
 * After the path to a destination refused UDP_SEGMENT, so many sends go without before it is tried
 * again: routes and MTUs change.
 */
export const SEGMENTATION_RETRY_SENDS = 1024

/** Destinations in one piece of memory; pieces are added, never moved. */
const CHUNK = 256

/** A table that several senders share. Numbers are used again after `remove`. */
export class Destinations {
  readonly #chunks: PinnedMemory[] = []
  readonly #lengths = new Uint8Array(DESTINATIONS_MAX)
  /** Sends left until segmentation is tried again. */
  readonly #plain = new Uint16Array(DESTINATIONS_MAX)
  readonly #free: number[] = []
  #count = 0

  /** Keep an address; the number stands for it from now on. For raw sockets the port is 0. */
  add(address: SocketAddress): number {
    const number = this.#free.pop() ?? this.#count++
    assert(number < DESTINATIONS_MAX, 'there are too many destinations')
    if (number >= this.#chunks.length * CHUNK) {
      this.#chunks.push(PinnedMemory.allocate(CHUNK * NAME_BYTES))
    }
    const bytes = sockaddrBytes(address)
    this.#chunk(number).bytes.set(bytes, (number % CHUNK) * NAME_BYTES)
    this.#lengths[number] = bytes.length
    this.#plain[number] = 0
    return number
  }

  /** Forget an address. Nothing may be queued for it. */
  remove(number: number): void {
    assert(this.#lengths[number] !== 0, 'no such destination')
    this.#lengths[number] = 0
    this.#free.push(number)
  }

  /** The memory that the address lies in. */
  memoryOf(number: number): PinnedMemory {
    return this.#chunk(number)
  }

  /** Where it lies there. */
  offsetOf(number: number): number {
    return (number % CHUNK) * NAME_BYTES
  }

  /** Its length; asserts that it is there. */
  lengthOf(number: number): number {
    const length = this.#lengths[number] ?? 0
    assert(length > 0, 'no such destination')
    return length
  }

  /** Whether to send with UDP_SEGMENT now; counts towards the next attempt when not. */
  takesSegments(number: number): boolean {
    const left = this.#plain[number] as number
    if (left > 0) this.#plain[number] = left - 1
    return left === 0
  }

  /** The path refused UDP_SEGMENT. */
  refuseSegments(number: number): void {
    this.#plain[number] = SEGMENTATION_RETRY_SENDS
  }

  #chunk(number: number): PinnedMemory {
    return this.#chunks[Math.floor(number / CHUNK)] as PinnedMemory
  }
}
