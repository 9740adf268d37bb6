/** IPv4 headers with options and fragments (RFC 791). */
import { assert, ipFromBytes, setU16, setU8, u16, u32, u8, writeIp, type Ip } from '@weft/core'
import { checksumHolds, internetChecksum } from './checksum.ts'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'
import {
  checkHeaderOptions,
  headerOptionsLength,
  readHeaderOptions,
  writeHeaderOptions,
  type HeaderOption,
} from './header-options.ts'
import { nameOfProtocol } from './ip-protocol.ts'

/** Offsets from the start of the header. */
export const IPV4_OFFSET = {
  totalLength: 2,
  identification: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
  options: 20,
} as const

/** Bytes of the longest header: the length field counts to 15 words. */
export const IPV4_HEADER_BYTES_MAX = 60

const HEADER_BYTES = 20
const RESERVED = 0x8000
const DONT_FRAGMENT = 0x4000
const MORE_FRAGMENTS = 0x2000
const OFFSET_MASK = 0x1fff

/** An IPv4 header. Version, header length and checksum follow from the rest when it is written. */
export interface Ipv4Header {
  /** Differentiated services code point, 6 bits. */
  readonly dscp: number
  /** Congestion notification, 2 bits. */
  readonly ecn: number
  /** Bytes of header and payload. */
  readonly totalLength: number
  readonly identification: number
  /** The unused flag bit; kept so that nothing is lost. */
  readonly reserved: boolean
  readonly dontFragment: boolean
  readonly moreFragments: boolean
  /** Where this fragment's payload belongs, in bytes: a multiple of 8. */
  readonly fragmentOffset: number
  readonly ttl: number
  /** One of IP_PROTOCOL, or another number. */
  readonly protocol: number
  readonly source: Ip
  readonly destination: Ip
  readonly options: readonly HeaderOption[]
}

/** As `check`, but the packet may be cut off behind its header, as ICMP errors quote it. */
function checkQuoted(bytes: Uint8Array, start: number, end: number): WireFault | null {
  const window = windowLength(bytes, start, end)
  if (window < HEADER_BYTES) return 'short'
  if (u8(bytes, start) >>> 4 !== 4) return 'bad-version'
  const length = headerLengthAt(bytes, start)
  if (length < HEADER_BYTES || totalLength(bytes, start) < length) return 'bad-length'
  if (window < length) return 'short'
  if (!checksumHolds(bytes, start, start + length)) return 'bad-checksum'
  return checkHeaderOptions(bytes, start + HEADER_BYTES, start + length)
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  const fault = checkQuoted(bytes, start, end)
  if (fault !== null) return fault
  return totalLength(bytes, start) > end - start ? 'short' : null
}

function headerLengthAt(bytes: Uint8Array, start: number): number {
  return (u8(bytes, start) & 0x0f) * 4
}

function payloadStart(bytes: Uint8Array, start: number): number {
  return start + headerLengthAt(bytes, start)
}

/** Where the packet ends by its own length field; Ethernet may have padded behind it. */
function payloadEnd(bytes: Uint8Array, start: number): number {
  return start + totalLength(bytes, start)
}

function totalLength(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + IPV4_OFFSET.totalLength)
}

function protocol(bytes: Uint8Array, start: number): number {
  return u8(bytes, start + IPV4_OFFSET.protocol)
}

function ttl(bytes: Uint8Array, start: number): number {
  return u8(bytes, start + IPV4_OFFSET.ttl)
}

/** Differentiated services and congestion bits together, as tunnels copy them. */
function trafficClass(bytes: Uint8Array, start: number): number {
  return u8(bytes, start + 1)
}

/** The source address as a number. */
function sourceNumber(bytes: Uint8Array, start: number): number {
  return u32(bytes, start + IPV4_OFFSET.source)
}

/** The destination address as a number: a key for look-ups without strings. */
function destinationNumber(bytes: Uint8Array, start: number): number {
  return u32(bytes, start + IPV4_OFFSET.destination)
}

/** True for every fragment of a packet that was cut, the first and the last too. */
function isFragment(bytes: Uint8Array, start: number): boolean {
  return (u16(bytes, start + IPV4_OFFSET.fragment) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0
}

function decode(bytes: Uint8Array, start: number): Ipv4Header {
  const fragment = u16(bytes, start + IPV4_OFFSET.fragment)
  return {
    dscp: u8(bytes, start + 1) >>> 2,
    ecn: u8(bytes, start + 1) & 3,
    totalLength: totalLength(bytes, start),
    identification: u16(bytes, start + IPV4_OFFSET.identification),
    reserved: (fragment & RESERVED) !== 0,
    dontFragment: (fragment & DONT_FRAGMENT) !== 0,
    moreFragments: (fragment & MORE_FRAGMENTS) !== 0,
    fragmentOffset: (fragment & OFFSET_MASK) * 8,
    ttl: ttl(bytes, start),
    protocol: protocol(bytes, start),
    source: ipFromBytes(bytes, start + IPV4_OFFSET.source, 4),
    destination: ipFromBytes(bytes, start + IPV4_OFFSET.destination, 4),
    options: readHeaderOptions(bytes, start + HEADER_BYTES, payloadStart(bytes, start)),
  }
}

function lengthOf(header: Ipv4Header): number {
  return HEADER_BYTES + headerOptionsLength(header.options)
}

function fragmentBits(header: Ipv4Header): number {
  assert(header.fragmentOffset % 8 === 0, 'a fragment offset counts in eights')
  const flags =
    (header.reserved ? RESERVED : 0) |
    (header.dontFragment ? DONT_FRAGMENT : 0) |
    (header.moreFragments ? MORE_FRAGMENTS : 0)
  return flags | (header.fragmentOffset / 8)
}

function write(bytes: Uint8Array, start: number, header: Ipv4Header): void {
  const length = lengthOf(header)
  assert(length <= IPV4_HEADER_BYTES_MAX, 'more options than an IPv4 header has room for')
  setU8(bytes, start, 0x40 | (length / 4))
  setU8(bytes, start + 1, (header.dscp << 2) | header.ecn)
  setU16(bytes, start + IPV4_OFFSET.totalLength, header.totalLength)
  setU16(bytes, start + IPV4_OFFSET.identification, header.identification)
  setU16(bytes, start + IPV4_OFFSET.fragment, fragmentBits(header))
  setU8(bytes, start + IPV4_OFFSET.ttl, header.ttl)
  setU8(bytes, start + IPV4_OFFSET.protocol, header.protocol)
  setU16(bytes, start + IPV4_OFFSET.checksum, 0)
  writeIp(bytes, start + IPV4_OFFSET.source, header.source)
  writeIp(bytes, start + IPV4_OFFSET.destination, header.destination)
  writeHeaderOptions(bytes, start + IPV4_OFFSET.options, header.options)
  updateHeaderChecksum(bytes, start)
}

/** Compute the header checksum anew, after a field was changed in place. */
function updateHeaderChecksum(bytes: Uint8Array, start: number): void {
  setU16(bytes, start + IPV4_OFFSET.checksum, 0)
  const value = internetChecksum(bytes, start, payloadStart(bytes, start))
  setU16(bytes, start + IPV4_OFFSET.checksum, value)
}

function describe(header: Ipv4Header): string {
  const { source, destination, totalLength, fragmentOffset, moreFragments } = header
  const cut = moreFragments || fragmentOffset > 0
  const fragment = cut ? ` fragment at ${fragmentOffset}${moreFragments ? ', more' : ', last'}` : ''
  const noCut = header.dontFragment ? ' df' : ''
  const route = `${source} > ${destination} ${nameOfProtocol(header.protocol)}`
  return `ipv4 ${route} ttl ${header.ttl}${noCut} length ${totalLength}${fragment}`
}

/** IPv4. The header checksum is verified by `check` and computed by `write`. */
export const ipv4 = {
  name: 'ipv4',
  headerLength: HEADER_BYTES,
  check,
  checkQuoted,
  payloadStart,
  payloadEnd,
  protocol,
  ttl,
  trafficClass,
  sourceNumber,
  destinationNumber,
  isFragment,
  decode,
  lengthOf,
  write,
  updateHeaderChecksum,
  describe,
} satisfies HeaderCodec<Ipv4Header> & Accessors
