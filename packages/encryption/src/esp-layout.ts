/** Where things stand in an ESP packet in transport mode (RFC 4303 §2, RFC 4106 §§3 to 5). */
import { setU32, u16, u8, type CipherSuite } from '@weft/core'
import { highHalf, lowHalf } from './sequence-number.ts'

/** Bytes of the initialisation vector, in every suite. */
export const ESP_IV_BYTES = 8

/** Bytes in front of what is sealed: SPI, sequence number, initialisation vector. */
export const ESP_HEADER_BYTES = 8 + ESP_IV_BYTES

/** Bytes behind the padding that are sealed with it: its length, and the next header. */
export const ESP_TRAILER_BYTES = 2

/** The next header of a packet that says nothing and is to be dropped (RFC 4303 §2.6). */
export const ESP_DUMMY = 59

/** What ends the sealed part is aligned to this many bytes. */
export const ESP_ALIGNMENT_BYTES = 4

/** Bytes a packet grows by when it is sealed, at most: what an MTU must leave. */
export function espOverheadBytes({ tagBytes }: Pick<CipherSuite, 'tagBytes'>): number {
  return ESP_HEADER_BYTES + (ESP_ALIGNMENT_BYTES - 1) + ESP_TRAILER_BYTES + tagBytes
}

/** Bytes of padding behind a payload of this many. */
export function paddingBytes(payloadBytes: number): number {
  return -(payloadBytes + ESP_TRAILER_BYTES) & (ESP_ALIGNMENT_BYTES - 1)
}

/** Bytes of the whole packet that a payload of so many becomes. */
export function sealedBytes(payloadBytes: number, tagBytes: number): number {
  const padding = paddingBytes(payloadBytes)
  return ESP_HEADER_BYTES + payloadBytes + padding + ESP_TRAILER_BYTES + tagBytes
}

/**
 * Write the padding 1, 2, 3… of RFC 4303 §2.4 and its length. Returns where the next header is to
 * be written, the last byte of the trailer.
 */
export function writePadding(bytes: Uint8Array, start: number, padding: number): number {
  for (let i = 1; i <= padding; i++) bytes[start + i - 1] = i
  bytes[start + padding] = padding
  return start + padding + 1
}

/** Where the payload ends whose trailer ends at `end`; -1 when the padding is not as it must be. */
export function payloadEndOf(bytes: Uint8Array, start: number, end: number): number {
  const padding = u8(bytes, end - ESP_TRAILER_BYTES)
  const payloadEnd = end - ESP_TRAILER_BYTES - padding
  if (payloadEnd < start) return -1
  for (let i = 1; i <= padding; i++) if (bytes[payloadEnd + i - 1] !== i) return -1
  return payloadEnd
}

/**
 * What a suite is given beside the text, kept from packet to packet so that none allocates. The
 * nonce is salt and initialisation vector; authenticated are SPI and sequence number, the latter
 * whole when it is extended (RFC 4106 §§4 and 5, RFC 7634 §2.1).
 */
export class CipherInputs {
  readonly nonce: Uint8Array
  readonly associated: Uint8Array

  constructor({ spi, salt, extendedSequence }: AssociationLayout) {
    this.nonce = new Uint8Array(4 + ESP_IV_BYTES)
    this.associated = new Uint8Array(extendedSequence ? 12 : 8)
    setU32(this.nonce, 0, salt)
    setU32(this.associated, 0, spi)
  }

  /** Take in a packet's sequence number and the vector that stands in it at `start`. */
  load(sequence: number, bytes: Uint8Array, start: number): void {
    const { nonce, associated } = this
    for (let i = 0; i < ESP_IV_BYTES; i++) nonce[4 + i] = u8(bytes, start + i)
    if (associated.length === 12) setU32(associated, 4, highHalf(sequence))
    setU32(associated, associated.length - 4, lowHalf(sequence))
  }
}

/** What both ends of an association agree on. */
export interface AssociationLayout {
  /** Names the association in each packet. */
  readonly spi: number
  /** The first 4 bytes of each nonce. Docker's is the SPI, so it is no secret. */
  readonly salt: number
  /** True when 64 bits of the sequence number are authenticated and 32 are sent. */
  readonly extendedSequence: boolean
  /** The protocol in the packets, as IP numbers them: 17 for VXLAN. */
  readonly protocol: number
}

/**
 * 32 bits that stand at `at`, as a signed number: larger ones are objects in V8, which makes one
 * for each call that it hands them to.
 */
export function signedAt(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) << 16) | u16(bytes, at + 2)
}
