/** IPv6 extension headers (RFC 8200 §4): walked with a bound, read and written without loss. */
import { assert, setU16, setU32, setU8, u16, u32, u8 } from '@weft/core'
import type { WireFault } from './header-codec.ts'

/** Extension headers that `walkExtensions` steps over, by name. */
export const IPV6_EXTENSION = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destinationOptions: 60,
  mobility: 135,
  hostIdentity: 139,
  shim6: 140,
} as const

/** Extension headers in one packet: RFC 8200 orders at most seven, so eight is generous. */
export const IPV6_EXTENSIONS_MAX = 8

const STEPPED_OVER = new Set<number>(Object.values(IPV6_EXTENSION))
const FRAGMENT_BYTES = 8

/** A fragment header (RFC 8200 §4.5), or any other extension as bytes. */
export type Ipv6Extension =
  | {
      readonly kind: 'fragment'
      /** Where this fragment belongs, in bytes: a multiple of 8. */
      readonly offset: number
      readonly more: boolean
      readonly identification: number
      /** The 8 reserved bits, then the 2 reserved bits: kept so that nothing is lost. */
      readonly reserved: number
    }
  | {
      readonly kind: 'other'
      /** One of IPV6_EXTENSION but `fragment`. */
      readonly type: number
      /** The bytes behind next header and length. */
      readonly body: Uint8Array
    }

/** True when this next header value names an extension that can be stepped over. */
export function isExtension(nextHeader: number): boolean {
  return STEPPED_OVER.has(nextHeader)
}

/** Bytes of the extension of this type that begins at `at`; its first 2 bytes must be readable. */
export function extensionLength(bytes: Uint8Array, at: number, type: number): number {
  if (type === IPV6_EXTENSION.fragment) return FRAGMENT_BYTES
  // The authentication header counts in words, less two (RFC 4302 §2.2); the others in eights.
  const units = u8(bytes, at + 1)
  return type === IPV6_EXTENSION.authentication ? (units + 2) * 4 : (units + 1) * 8
}

/** The authentication header has 12 bytes before its value; the others count from 8. */
function shortest(type: number): number {
  return type === IPV6_EXTENSION.authentication ? 12 : 8
}

/** The fault of the extensions from `start`, of which the first has type `first`, or null. */
export function checkExtensions(
  bytes: Uint8Array,
  window: { readonly start: number; readonly end: number },
  first: number,
): WireFault | null {
  let at = window.start
  let type = first
  for (let count = 0; isExtension(type); count++) {
    if (count === IPV6_EXTENSIONS_MAX) return 'too-deep'
    if (at + 2 > window.end) return 'bad-length'
    const length = extensionLength(bytes, at, type)
    if (length < shortest(type) || at + length > window.end) return 'bad-length'
    if (hidesTheRest(bytes, at, type)) return null
    type = u8(bytes, at)
    at += length
  }
  return null
}

/** True for the fragment header of a later fragment: what follows is data, whatever it claims. */
export function hidesTheRest(bytes: Uint8Array, at: number, type: number): boolean {
  return type === IPV6_EXTENSION.fragment && (u16(bytes, at + 2) & 0xfff8) !== 0
}

/**
 * Step over a checked chain. Position and protocol of what follows come back in one number,
 * position * 256 + protocol, so that the hot path allocates nothing.
 */
export function walkExtensions(bytes: Uint8Array, start: number, first: number): number {
  let at = start
  let type = first
  while (isExtension(type)) {
    const length = extensionLength(bytes, at, type)
    const last = hidesTheRest(bytes, at, type)
    type = u8(bytes, at)
    at += length
    if (last) break
  }
  return at * 256 + type
}

/** One extension of a checked chain. */
export function readExtension(bytes: Uint8Array, at: number, type: number): Ipv6Extension {
  if (type !== IPV6_EXTENSION.fragment) {
    const body = bytes.slice(at + 2, at + extensionLength(bytes, at, type))
    return { kind: 'other', type, body }
  }
  const bits = u16(bytes, at + 2)
  return {
    kind: 'fragment',
    offset: bits & 0xfff8,
    more: (bits & 1) === 1,
    identification: u32(bytes, at + 4),
    reserved: (u8(bytes, at + 1) << 2) | ((bits >>> 1) & 3),
  }
}

/** The next header value that announces this extension. */
export function typeOfExtension(extension: Ipv6Extension): number {
  return extension.kind === 'fragment' ? IPV6_EXTENSION.fragment : extension.type
}

/** Bytes this extension fills. */
export function lengthOfExtension(extension: Ipv6Extension): number {
  return extension.kind === 'fragment' ? FRAGMENT_BYTES : 2 + extension.body.length
}

/** Write one extension followed by `next`; returns where it ends. */
export function writeExtension(
  bytes: Uint8Array,
  at: number,
  { extension, next }: { readonly extension: Ipv6Extension; readonly next: number },
): number {
  const length = lengthOfExtension(extension)
  setU8(bytes, at, next)
  if (extension.kind === 'fragment') {
    assert(extension.offset % 8 === 0, 'a fragment offset counts in eights')
    setU8(bytes, at + 1, extension.reserved >>> 2)
    const reserved = (extension.reserved & 3) << 1
    setU16(bytes, at + 2, extension.offset | reserved | (extension.more ? 1 : 0))
    setU32(bytes, at + 4, extension.identification)
    return at + length
  }
  assert(isExtension(extension.type), 'not an extension header that can be stepped over')
  const words = extension.type === IPV6_EXTENSION.authentication
  const fits = length % (words ? 4 : 8) === 0 && length >= shortest(extension.type)
  assert(fits, 'an extension header fills whole units')
  setU8(bytes, at + 1, words ? length / 4 - 2 : length / 8 - 1)
  bytes.set(extension.body, at + 2)
  return at + length
}
