/** Vectors for recvmmsg and sendmmsg in pinned memory, in the kernel's layout. */
import { PinnedMemory } from './pinned-memory.ts'

/** `struct mmsghdr` and `struct iovec` on 64-bit Linux. */
export const MMSGHDR_BYTES = 64
export const IOVEC_BYTES = 16

/** Room for a sender or receiver: `struct sockaddr_in6` has 28 bytes. */
export const NAME_BYTES = 32

/** Room for control messages: the only ones asked for have 18 and 20 bytes. */
export const CONTROL_BYTES = 32

/** Where the fields of `struct mmsghdr` lie, in words of 32 bits. */
export const HEADER = {
  NAME: 0,
  NAME_LENGTH: 2,
  PIECES: 4,
  PIECE_COUNT: 6,
  CONTROL: 8,
  CONTROL_LENGTH: 10,
  FLAGS: 12,
  LENGTH: 14,
} as const

/** Words of a header, and of an iovec with its length in the third. */
export const HEADER_WORDS = MMSGHDR_BYTES / 4
export const IOVEC_WORDS = IOVEC_BYTES / 4

const WORD = 2 ** 32

/**
 * Message headers, then the pieces they gather or scatter, then a control area and a name for each
 * message. Written as words, because addresses of 64 bits would cost a BigInt each.
 */
export class MessageVector {
  readonly memory: PinnedMemory
  readonly words: Uint32Array
  /** Offsets in `memory`. */
  readonly pieces: number
  readonly controls: number
  readonly names: number

  constructor(messages: number, pieces: number) {
    this.pieces = messages * MMSGHDR_BYTES
    this.controls = this.pieces + pieces * IOVEC_BYTES
    this.names = this.controls + messages * CONTROL_BYTES
    this.memory = PinnedMemory.allocate(this.names + messages * NAME_BYTES)
    this.words = new Uint32Array(this.memory.bytes.buffer)
  }

  /** Write an address of 64 bits at a word. */
  setPointer(word: number, address: number): void {
    // What is stored as 32 bits is the rest of a division by WORD.
    this.words[word] = address
    this.words[word + 1] = address / WORD
  }

  /** Write where a place of a memory lies: an address as an argument would be an object. */
  setPlace(word: number, memory: PinnedMemory, offset: number): void {
    const address = memory.address + offset
    this.words[word] = address
    this.words[word + 1] = address / WORD
  }

  /** Read an address of 64 bits. */
  pointerAt(word: number): number {
    return (this.words[word] as number) + (this.words[word + 1] as number) * WORD
  }

  /** Write a length of 64 bits at a word. */
  setLength(word: number, length: number): void {
    this.words[word] = length
    this.words[word + 1] = 0
  }

  /** Write the length of a piece; the word at which its address is to be written. */
  setPiece(index: number, length: number): number {
    const word = this.pieces / 4 + index * IOVEC_WORDS
    this.setLength(word + 2, length)
    return word
  }
}
