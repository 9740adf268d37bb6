/** Messages being collected for sendmmsg: which datagrams each holds, and where they lie. */
import type { Destinations } from './destinations.ts'
import {
  CONTROL_BYTES,
  HEADER,
  HEADER_WORDS,
  IOVEC_BYTES,
  IOVEC_WORDS,
  MessageVector,
  MMSGHDR_BYTES,
} from './message-vector.ts'
import { SOL, UDP } from './socket-numbers.ts'

/** Datagrams of one message (UDP_MAX_SEGMENTS of Linux before 6.9). */
export const SEGMENTS_MAX = 64

/** Their bytes together: an IP packet has 65,535, and some are headers. */
export const SEGMENTED_BYTES_MAX = 65_000

/** Pieces for each message, on average: small datagrams are one each. */
const PIECES_PER_MESSAGE = 16

/** `struct cmsghdr` of UDP_SEGMENT: a length with 16 bits of value, rounded up in the message. */
const CONTROL_LENGTH = 18
const CONTROL_SPACE = 24

/**
 * A list of messages that can be appended to. Invariant: every datagram of a message but the last
 * has its segment length, and none lies in two pieces.
 */
export class OutgoingMessages {
  readonly vector: MessageVector
  /** Messages so far. */
  count = 0
  readonly #messagesMax: number
  readonly #piecesMax: number
  readonly #segments: Int32Array
  readonly #lengths: Int32Array
  readonly #segmentBytes: Int32Array
  readonly #destinations: Int32Array
  readonly #firstPieces: Int32Array
  #pieceCount = 0

  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax
    this.#piecesMax = messagesMax * PIECES_PER_MESSAGE
    this.vector = new MessageVector(messagesMax, this.#piecesMax)
    this.#segments = new Int32Array(messagesMax)
    this.#lengths = new Int32Array(messagesMax)
    this.#segmentBytes = new Int32Array(messagesMax)
    this.#destinations = new Int32Array(messagesMax)
    this.#firstPieces = new Int32Array(messagesMax)
    for (let i = 0; i < messagesMax; i++) this.#prepareControl(i)
  }

  /** What stays as it is: where the control message lies, and all of it but the value. */
  #prepareControl(index: number): void {
    const { controls, memory, words } = this.vector
    const at = controls + index * CONTROL_BYTES
    const header = index * HEADER_WORDS
    this.vector.setPlace(header + HEADER.CONTROL, memory, at)
    words.set([CONTROL_LENGTH, 0, SOL.UDP, UDP.SEGMENT], at / 4)
  }

  /** No message or no piece can be added. */
  get isFull(): boolean {
    return this.count === this.#messagesMax || this.#pieceCount === this.#piecesMax
  }

  /** Forget all. */
  clear(): void {
    this.count = 0
    this.#pieceCount = 0
  }

  /** Begin a message to a destination of this table. */
  begin(destination: number, table: Destinations): void {
    const index = this.count++
    const header = index * HEADER_WORDS
    const { vector } = this
    this.#destinations[index] = destination
    this.#firstPieces[index] = this.#pieceCount
    this.#segments[index] = 0
    this.#lengths[index] = 0
    this.#segmentBytes[index] = 0
    const place = table.offsetOf(destination)
    vector.setPlace(header + HEADER.NAME, table.memoryOf(destination), place)
    vector.words[header + HEADER.NAME_LENGTH] = table.lengthOf(destination)
    const piece = vector.pieces + this.#pieceCount * IOVEC_BYTES
    vector.setPlace(header + HEADER.PIECES, vector.memory, piece)
    vector.setLength(header + HEADER.PIECE_COUNT, 0)
    vector.setLength(header + HEADER.CONTROL_LENGTH, 0)
  }

  /** Whether the last message may take `length` more bytes, in datagrams of `segment` bytes. */
  takes(destination: number, segment: number, length: number): boolean {
    const index = this.count - 1
    if (index < 0 || this.#destinations[index] !== destination) return false
    const own = this.#segmentBytes[index] as number
    const before = this.#lengths[index] as number
    // A shorter datagram ends a message; it may come as the only one of its piece.
    const fits = segment === own || (segment < own && length === segment)
    const segments = (this.#segments[index] as number) + Math.ceil(length / own)
    return (
      fits &&
      before % own === 0 &&
      segments <= SEGMENTS_MAX &&
      before + length <= SEGMENTED_BYTES_MAX
    )
  }

  /**
   * Append bytes to the last message: datagrams of `segment` bytes, the last with what remains.
   * Returns the word of the vector at which their address is to be written.
   */
  append(length: number, segment: number): number {
    const index = this.count - 1
    const header = index * HEADER_WORDS
    const { controls, words } = this.vector
    if (this.#segments[index] === 0) this.#segmentBytes[index] = segment
    const own = this.#segmentBytes[index] as number
    const segments = (this.#segments[index] as number) + Math.ceil(length / own)
    this.#segments[index] = segments
    this.#lengths[index] = (this.#lengths[index] as number) + length
    words[header + HEADER.PIECE_COUNT] = (words[header + HEADER.PIECE_COUNT] as number) + 1
    if (segments > 1) {
      words[header + HEADER.CONTROL_LENGTH] = CONTROL_SPACE
      words[(controls + index * CONTROL_BYTES + 16) / 4] = own
    }
    return this.vector.setPiece(this.#pieceCount++, length)
  }

  /** Where the header of a message lies, for the kernel. */
  headerOf(index: number): number {
    return this.vector.memory.addressAt(index * MMSGHDR_BYTES)
  }

  /** How many datagrams a message holds. */
  segmentsOf(index: number): number {
    return this.#segments[index] as number
  }

  /** The number of its destination. */
  destinationOf(index: number): number {
    return this.#destinations[index] as number
  }

  /** Append the datagrams of a message of another list to this one, each as its own message. */
  addEachOf(other: OutgoingMessages, index: number, table: Destinations): void {
    const { words } = other.vector
    const header = index * HEADER_WORDS
    const segment = other.#segmentBytes[index] as number
    const first = other.#firstPieces[index] as number
    const count = words[header + HEADER.PIECE_COUNT] as number
    for (let piece = first; piece < first + count; piece++) {
      const word = other.vector.pieces / 4 + piece * IOVEC_WORDS
      const address = other.vector.pointerAt(word)
      const length = words[word + 2] as number
      for (let at = 0; at < length; at += segment) {
        this.begin(other.destinationOf(index), table)
        const place = this.append(Math.min(segment, length - at), segment)
        this.vector.setPointer(place, address + at)
      }
    }
  }
}
