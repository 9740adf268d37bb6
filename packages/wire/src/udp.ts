/** UDP headers (RFC 768). */
import { setU16, u16 } from '@weft/core'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'

/** Offset of the checksum field from the start of the header. */
export const UDP_CHECKSUM_OFFSET = 6

const HEADER_BYTES = 8

/** The 8 bytes in front of a datagram. */
export interface UdpHeader {
  readonly sourcePort: number
  readonly destinationPort: number
  /** Bytes of header and payload together, 8 to 65,535. */
  readonly length: number
  /** Zero says that there is none; see `writeTransportChecksum` and `transportChecksumState`. */
  readonly checksum: number
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  const window = windowLength(bytes, start, end)
  if (window < HEADER_BYTES) return 'short'
  const length = u16(bytes, start + 4)
  if (length < HEADER_BYTES) return 'bad-length'
  return length > window ? 'short' : null
}

function payloadStart(_bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES
}

/** Where the datagram ends by its own length field. */
function payloadEnd(bytes: Uint8Array, start: number): number {
  return start + u16(bytes, start + 4)
}

function sourcePort(bytes: Uint8Array, start: number): number {
  return u16(bytes, start)
}

function destinationPort(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + 2)
}

function checksum(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + UDP_CHECKSUM_OFFSET)
}

function decode(bytes: Uint8Array, start: number): UdpHeader {
  return {
    sourcePort: sourcePort(bytes, start),
    destinationPort: destinationPort(bytes, start),
    length: u16(bytes, start + 4),
    checksum: checksum(bytes, start),
  }
}

function lengthOf(): number {
  return HEADER_BYTES
}

function write(bytes: Uint8Array, start: number, header: UdpHeader): void {
  setU16(bytes, start, header.sourcePort)
  setU16(bytes, start + 2, header.destinationPort)
  setU16(bytes, start + 4, header.length)
  setU16(bytes, start + UDP_CHECKSUM_OFFSET, header.checksum)
}

function describe(header: UdpHeader): string {
  const payload = header.length - HEADER_BYTES
  return `udp ${header.sourcePort} > ${header.destinationPort} payload ${payload} B`
}

/** UDP. Jumbograms (length 0, RFC 2675) are refused as `bad-length`. */
export const udp = {
  name: 'udp',
  headerLength: HEADER_BYTES,
  check,
  payloadStart,
  payloadEnd,
  sourcePort,
  destinationPort,
  checksum,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<UdpHeader> & Accessors
