/** A packet under construction, built inside out: headers are prepended without moving bytes. */
import { assert } from '@weft/core'

/**
 * Bytes kept free in front of a payload. The deepest stack in use is Ethernet with a tag, IPv6,
 * UDP, VXLAN (74 bytes); ESP adds 24; the rest is room to grow.
 */
export const PACKET_HEADROOM_BYTES = 128

/**
 * Bytes from `start` to `end` of a larger buffer are the packet; `start` moves down as headers are
 * prepended. What a prepend uncovers is whatever was there before: the header must fill it all.
 */
export class PacketBuffer {
  /** The whole buffer. Codecs take it with `start` and `end`. */
  readonly bytes: Uint8Array
  #start = PACKET_HEADROOM_BYTES
  #end = PACKET_HEADROOM_BYTES

  /** An empty packet with room for `payloadBytesMax` behind the headroom. */
  constructor(payloadBytesMax: number) {
    this.bytes = new Uint8Array(PACKET_HEADROOM_BYTES + payloadBytesMax)
  }

  /** A packet that holds a copy of `payload`. */
  static of(payload: Uint8Array): PacketBuffer {
    const packet = new PacketBuffer(payload.length)
    packet.append(payload)
    return packet
  }

  /** Where the packet begins. */
  get start(): number {
    return this.#start
  }

  /** Where it ends. */
  get end(): number {
    return this.#end
  }

  /** Bytes in the packet. */
  get length(): number {
    return this.#end - this.#start
  }

  /** Open `count` bytes in front and return where the packet begins now. */
  prepend(count: number): number {
    assert(count >= 0 && count <= this.#start, 'no headroom left in front of a packet')
    this.#start -= count
    return this.#start
  }

  /** Copy bytes to the end. */
  append(payload: Uint8Array): void {
    this.bytes.set(payload, this.extend(payload.length))
  }

  /** Open `count` bytes at the end and return where they begin. */
  extend(count: number): number {
    assert(count >= 0 && this.#end + count <= this.bytes.length, 'no room left behind a packet')
    const at = this.#end
    this.#end += count
    return at
  }

  /** Drop `count` bytes from the front: a header that was read. */
  strip(count: number): void {
    assert(count >= 0 && count <= this.length, 'a packet has fewer bytes than were stripped')
    this.#start += count
  }

  /** Empty the packet and restore its headroom. */
  reset(): void {
    this.#start = PACKET_HEADROOM_BYTES
    this.#end = PACKET_HEADROOM_BYTES
  }

  /** The packet's bytes; they share the buffer. */
  view(): Uint8Array {
    return this.bytes.subarray(this.#start, this.#end)
  }
}
