/** Memory that stays where it is, so that the kernel can be told addresses in it. */
import { assert } from '@weft/core'
import { addressOfBytes, pinned } from './syscalls.ts'

/** Places of one memory whose addresses are remembered; some 50 bytes each. */
export const PLACES_MAX = 16_384

/** By their bytes, so that all who name the same bytes remember their places once. */
const known = new WeakMap<Uint8Array, PinnedMemory>()

/**
 * Bytes and where they lie. Invariant: the bytes are neither on V8's heap, which moves, nor in
 * WebAssembly memory that may grow; and this object holds them as long as somebody has it. Whoever
 * gives the kernel an address for longer than one call keeps this object.
 */
export class PinnedMemory {
  readonly bytes: Uint8Array
  /** Of the first byte; a number, as addresses of a process have 47 bits. */
  readonly address: number
  /** Addresses by offset. */
  readonly #places = new Map<number, number>()

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.address = Number(addressOfBytes(bytes))
    assert(Number.isSafeInteger(this.address), 'an address has more than 53 bits')
  }

  /** New memory, zeroed. */
  static allocate(length: number): PinnedMemory {
    // V8 keeps small typed arrays inside its heap unless they come with a buffer of their own.
    return new PinnedMemory(new Uint8Array(new ArrayBuffer(length)))
  }

  /** Memory that is there already. Its buffer must never be transferred or resized. */
  static over(bytes: Uint8Array): PinnedMemory {
    const before = known.get(bytes)
    if (before !== undefined) return before
    const memory = new PinnedMemory(bytes)
    known.set(bytes, memory)
    return memory
  }

  /**
   * The address of a place, for a call. An address has more than 31 bits, which V8 keeps in an
   * object: added up for each call it would be a new one each time, remembered it is not. Packets
   * begin at few places, so that these are soon all known.
   */
  addressAt(offset: number): number {
    return this.#places.get(offset) ?? this.#remember(offset)
  }

  #remember(offset: number): number {
    if (this.#places.size === PLACES_MAX) this.#places.clear()
    const address = this.address + offset
    this.#places.set(offset, address)
    return address
  }

  /**
   * Read once from a descriptor to `offset`, without a copy on our side. Bytes read (a TAP gives
   * one frame at a time), or a negative error number.
   */
  readFrom(fd: number, offset: number, length: number): number {
    this.assertInside(offset, length)
    return pinned.read(fd, this.addressAt(offset), length)
  }

  /** Write once to a descriptor. Bytes written, or a negative error number. */
  writeTo(fd: number, offset: number, length: number): number {
    this.assertInside(offset, length)
    return pinned.write(fd, this.addressAt(offset), length)
  }

  /** The kernel would read and write beyond the end without a word. */
  assertInside(offset: number, length: number): void {
    const inside = offset >= 0 && length >= 0 && offset + length <= this.bytes.length
    assert(inside, 'bytes for the kernel lie outside their memory')
  }
}
