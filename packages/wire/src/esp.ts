/** ESP headers (RFC 4303 §2): what stands in clear in front of what is sealed. */
import { setU32, u32 } from '@weft/core'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'

const HEADER_BYTES = 8
const SEQUENCE_AT = 4

/**
 * The 8 bytes that can be read without a key. What follows (initialisation vector, sealed text,
 * tag) has the shape that the security association of the SPI gives it.
 */
export interface EspHeader {
  /** Security parameters index, 32 bits: which association seals this. Values to 255 are IANA's. */
  readonly spi: number
  /** The low 32 bits of the sequence number. */
  readonly sequence: number
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  return windowLength(bytes, start, end) < HEADER_BYTES ? 'short' : null
}

function payloadStart(_bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES
}

function spi(bytes: Uint8Array, start: number): number {
  return u32(bytes, start)
}

function sequence(bytes: Uint8Array, start: number): number {
  return u32(bytes, start + SEQUENCE_AT)
}

function decode(bytes: Uint8Array, start: number): EspHeader {
  return { spi: spi(bytes, start), sequence: sequence(bytes, start) }
}

function lengthOf(): number {
  return HEADER_BYTES
}

function write(bytes: Uint8Array, start: number, header: EspHeader): void {
  setU32(bytes, start, header.spi)
  setU32(bytes, start + SEQUENCE_AT, header.sequence)
}

function describe(header: EspHeader): string {
  return `esp spi 0x${header.spi.toString(16).padStart(8, '0')} sequence ${header.sequence}`
}

/** ESP. Whether the SPI is known and the rest is sealed with its key is for `@weft/encryption`. */
export const esp = {
  name: 'esp',
  headerLength: HEADER_BYTES,
  check,
  payloadStart,
  spi,
  sequence,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<EspHeader> & Accessors
