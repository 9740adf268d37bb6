/** IPv6 headers with their chain of extension headers (RFC 8200). */
import {
  assert,
  ipFromBytes,
  setU16,
  setU32,
  setU8,
  u16,
  u32,
  u8,
  writeIp,
  type Ip,
} from '@weft/core'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'
import { nameOfProtocol } from './ip-protocol.ts'
import {
  checkExtensions,
  extensionLength,
  IPV6_EXTENSION,
  isExtension,
  lengthOfExtension,
  readExtension,
  typeOfExtension,
  walkExtensions,
  writeExtension,
  type Ipv6Extension,
} from './ipv6-extensions.ts'

/** Offsets from the start of the header. */
export const IPV6_OFFSET = {
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
} as const

const HEADER_BYTES = 40

/** An IPv6 header together with its extension headers. */
export interface Ipv6Header {
  /** 8 bits: differentiated services and congestion. */
  readonly trafficClass: number
  /** 20 bits. */
  readonly flowLabel: number
  /** Bytes behind the fixed header: extensions and payload. */
  readonly payloadLength: number
  readonly hopLimit: number
  readonly source: Ip
  readonly destination: Ip
  readonly extensions: readonly Ipv6Extension[]
  /** What stands behind the extensions: one of IP_PROTOCOL, or another number. */
  readonly protocol: number
}

/** As `check`, but the packet may be cut off behind its headers, as ICMPv6 errors quote it. */
function checkQuoted(bytes: Uint8Array, start: number, end: number): WireFault | null {
  if (windowLength(bytes, start, end) < HEADER_BYTES) return 'short'
  if (u8(bytes, start) >>> 4 !== 6) return 'bad-version'
  const first = u8(bytes, start + IPV6_OFFSET.nextHeader)
  if (!isExtension(first)) return null
  const window = { start: start + HEADER_BYTES, end: Math.min(end, payloadEnd(bytes, start)) }
  return checkExtensions(bytes, window, first)
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  // Length before extensions: a packet that was cut off is `short`, whatever its chain looks like.
  if (windowLength(bytes, start, end) < HEADER_BYTES) return 'short'
  if (u8(bytes, start) >>> 4 !== 6) return 'bad-version'
  return payloadEnd(bytes, start) > end ? 'short' : checkQuoted(bytes, start, end)
}

/** Where the payload behind all extension headers begins. */
function payloadStart(bytes: Uint8Array, start: number): number {
  const first = u8(bytes, start + IPV6_OFFSET.nextHeader)
  if (!isExtension(first)) return start + HEADER_BYTES
  return Math.floor(walkExtensions(bytes, start + HEADER_BYTES, first) / 256)
}

/** Where the packet ends by its own length field; Ethernet may have padded behind it. */
function payloadEnd(bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES + u16(bytes, start + IPV6_OFFSET.payloadLength)
}

/** The protocol behind all extension headers. */
function protocol(bytes: Uint8Array, start: number): number {
  const first = u8(bytes, start + IPV6_OFFSET.nextHeader)
  if (!isExtension(first)) return first
  return walkExtensions(bytes, start + HEADER_BYTES, first) % 256
}

function hopLimit(bytes: Uint8Array, start: number): number {
  return u8(bytes, start + IPV6_OFFSET.hopLimit)
}

/** Differentiated services and congestion bits together, as tunnels copy them. */
function trafficClass(bytes: Uint8Array, start: number): number {
  return (u16(bytes, start) >>> 4) & 0xff
}

/** True when a fragment header cuts the packet: that of an atomic fragment (RFC 6946) does not. */
function isFragment(bytes: Uint8Array, start: number): boolean {
  const last = payloadStart(bytes, start)
  let type = u8(bytes, start + IPV6_OFFSET.nextHeader)
  for (let at = start + HEADER_BYTES; at < last; ) {
    if (type === IPV6_EXTENSION.fragment && (u16(bytes, at + 2) & 0xfff9) !== 0) return true
    const length = extensionLength(bytes, at, type)
    type = u8(bytes, at)
    at += length
  }
  return false
}

function decode(bytes: Uint8Array, start: number): Ipv6Header {
  const extensions: Ipv6Extension[] = []
  const last = payloadStart(bytes, start)
  let type = u8(bytes, start + IPV6_OFFSET.nextHeader)
  for (let at = start + HEADER_BYTES; at < last; ) {
    extensions.push(readExtension(bytes, at, type))
    const length = extensionLength(bytes, at, type)
    type = u8(bytes, at)
    at += length
  }
  return {
    trafficClass: trafficClass(bytes, start),
    flowLabel: u32(bytes, start) & 0xfffff,
    payloadLength: u16(bytes, start + IPV6_OFFSET.payloadLength),
    hopLimit: hopLimit(bytes, start),
    source: ipFromBytes(bytes, start + IPV6_OFFSET.source, 6),
    destination: ipFromBytes(bytes, start + IPV6_OFFSET.destination, 6),
    extensions,
    protocol: type,
  }
}

function lengthOf(header: Ipv6Header): number {
  let length = HEADER_BYTES
  for (const extension of header.extensions) length += lengthOfExtension(extension)
  return length
}

function write(bytes: Uint8Array, start: number, header: Ipv6Header): void {
  const { extensions, protocol } = header
  const [first] = extensions
  const last = extensions.at(-1)
  const opaque = last?.kind === 'fragment' && last.offset > 0
  assert(opaque || !isExtension(protocol), 'an extension header belongs in extensions')
  const word = ((6 << 28) | (header.trafficClass << 20) | header.flowLabel) >>> 0
  setU32(bytes, start, word)
  setU16(bytes, start + IPV6_OFFSET.payloadLength, header.payloadLength)
  const next = first === undefined ? protocol : typeOfExtension(first)
  setU8(bytes, start + IPV6_OFFSET.nextHeader, next)
  setU8(bytes, start + IPV6_OFFSET.hopLimit, header.hopLimit)
  writeIp(bytes, start + IPV6_OFFSET.source, header.source)
  writeIp(bytes, start + IPV6_OFFSET.destination, header.destination)
  let at = start + HEADER_BYTES
  for (const [index, extension] of extensions.entries()) {
    const following = extensions[index + 1]
    const next = following === undefined ? protocol : typeOfExtension(following)
    at = writeExtension(bytes, at, { extension, next })
  }
}

function describeExtension(extension: Ipv6Extension): string {
  if (extension.kind === 'other') return ` extension ${extension.type}`
  return ` fragment at ${extension.offset}${extension.more ? ', more' : ', last'}`
}

function describe(header: Ipv6Header): string {
  const { source, destination, payloadLength, hopLimit } = header
  const extensions = header.extensions.map(describeExtension).join('')
  const route = `${source} > ${destination} ${nameOfProtocol(header.protocol)}`
  return `ipv6 ${route} hops ${hopLimit} payload ${payloadLength}${extensions}`
}

/** IPv6. Extension headers are walked to the transport; chains beyond the limit are `too-deep`. */
export const ipv6 = {
  name: 'ipv6',
  headerLength: HEADER_BYTES,
  check,
  checkQuoted,
  payloadStart,
  payloadEnd,
  protocol,
  hopLimit,
  trafficClass,
  isFragment,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<Ipv6Header> & Accessors
