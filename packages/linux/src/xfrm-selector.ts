/** Which packets a policy is about, and marks and limits: what states and policies share. */
import {
  addressOf,
  cidrOf,
  ipFamily,
  ipFromBytes,
  prefixLength,
  setU16,
  setU16le,
  setU32le,
  setU8,
  u16,
  u16le,
  u8,
  writeIp,
  type Cidr,
  type InterfaceAddress,
  type Ip,
  type IpFamily,
} from '@weft/core'
import type { AttributeReader } from './attribute-reader.ts'
import type { MessageWriter } from './message-writer.ts'
import { AF } from './socket-numbers.ts'
import { LIMIT, SELECTOR, SELECTOR_BYTES, XFRMA } from './xfrm-numbers.ts'

/** Packets by addresses, protocol and ports; what is left out may be anything. */
export interface XfrmSelector {
  readonly source: Cidr
  readonly destination: Cidr
  /** IP protocol number: 17 is UDP. */
  readonly protocol?: number
  readonly sourcePort?: number
  readonly destinationPort?: number
}

/** Packets whose mark, under the mask, is the value. */
export interface XfrmMark {
  readonly value: number
  readonly mask: number
}

/** When a state ends: at a soft limit the kernel tells, at a hard one it stops. */
export interface XfrmLimits {
  readonly softPackets?: number
  readonly hardPackets?: number
  readonly softBytes?: number
  readonly hardBytes?: number
  /** Since the state was added. */
  readonly softSeconds?: number
  readonly hardSeconds?: number
}

/** The family of an address as these structures have it. */
export function xfrmFamily(ip: Ip): number {
  return ipFamily(ip) === 4 ? AF.INET : AF.INET6
}

/** The family behind such a number; null for others. */
export function familyOfXfrm(number: number): IpFamily | null {
  if (number === AF.INET) return 4
  return number === AF.INET6 ? 6 : null
}

/** Write a selector at the start of a structure. */
export function writeSelector(bytes: Uint8Array, selector: XfrmSelector): void {
  const { destination, destinationPort, protocol, source, sourcePort } = selector
  writeIp(bytes, SELECTOR.DESTINATION, addressOf(destination))
  writeIp(bytes, SELECTOR.SOURCE, addressOf(source))
  writePort(bytes, SELECTOR.DESTINATION_PORT, destinationPort)
  writePort(bytes, SELECTOR.SOURCE_PORT, sourcePort)
  setU16le(bytes, SELECTOR.FAMILY, xfrmFamily(addressOf(destination)))
  setU8(bytes, SELECTOR.DESTINATION_PREFIX, prefixLength(destination))
  setU8(bytes, SELECTOR.SOURCE_PREFIX, prefixLength(source))
  setU8(bytes, SELECTOR.PROTOCOL, protocol ?? 0)
}

/** A port and the bits of it that count. */
function writePort(bytes: Uint8Array, at: number, port: number | undefined): void {
  if (port === undefined) return
  setU16(bytes, at, port)
  setU16(bytes, at + 2, 0xffff)
}

/** The selector at an offset; null when it is of no family this code knows, or makes no sense. */
export function readSelector(bytes: Uint8Array, at: number): XfrmSelector | null {
  if (at + SELECTOR_BYTES > bytes.length) return null
  const family = familyOfXfrm(u16le(bytes, at + SELECTOR.FAMILY))
  if (family === null) return null
  const prefix = (from: number, length: number): Cidr | null => {
    const bits = u8(bytes, at + length)
    if (bits > (family === 4 ? 32 : 128)) return null
    // The kernel keeps host bits that somebody gave it, and does not look at them.
    return cidrOf(`${ipFromBytes(bytes, at + from, family)}/${bits}` as InterfaceAddress)
  }
  const source = prefix(SELECTOR.SOURCE, SELECTOR.SOURCE_PREFIX)
  const destination = prefix(SELECTOR.DESTINATION, SELECTOR.DESTINATION_PREFIX)
  if (source === null || destination === null) return null
  const protocol = u8(bytes, at + SELECTOR.PROTOCOL)
  const port = (from: number): number | null =>
    u16(bytes, at + from + 2) === 0 ? null : u16(bytes, at + from)
  const sourcePort = port(SELECTOR.SOURCE_PORT)
  const destinationPort = port(SELECTOR.DESTINATION_PORT)
  return {
    source,
    destination,
    ...(protocol === 0 ? {} : { protocol }),
    ...(sourcePort === null ? {} : { sourcePort }),
    ...(destinationPort === null ? {} : { destinationPort }),
  }
}

/** An attribute with a mark, when there is one. */
export function writeXfrmMark(writer: MessageWriter, mark: XfrmMark | undefined): void {
  if (mark === undefined) return
  const bytes = new Uint8Array(8)
  setU32le(bytes, 0, mark.value)
  setU32le(bytes, 4, mark.mask)
  writer.bytes(XFRMA.MARK, bytes)
}

/** The mark of an attribute that holds one. */
export function readXfrmMark(attribute: AttributeReader): XfrmMark | null {
  const mark = attribute.u64()
  if (mark === null) return null
  return { value: attribute.u32() ?? 0, mask: Math.floor(mark / 2 ** 32) }
}

const NO_LIMIT = 0xffff_ffff

/** Write limits at an offset; of those left out there is none. */
export function writeLimits(bytes: Uint8Array, at: number, limits: XfrmLimits): void {
  const { hardBytes, hardPackets, hardSeconds, softBytes, softPackets, softSeconds } = limits
  writeLimit(bytes, at + LIMIT.SOFT_BYTES, softBytes)
  writeLimit(bytes, at + LIMIT.HARD_BYTES, hardBytes)
  writeLimit(bytes, at + LIMIT.SOFT_PACKETS, softPackets)
  writeLimit(bytes, at + LIMIT.HARD_PACKETS, hardPackets)
  // Of time, no limit is 0.
  writeLimit(bytes, at + LIMIT.SOFT_SECONDS, softSeconds ?? 0)
  writeLimit(bytes, at + LIMIT.HARD_SECONDS, hardSeconds ?? 0)
}

function writeLimit(bytes: Uint8Array, at: number, limit: number | undefined): void {
  setU32le(bytes, at, limit === undefined ? NO_LIMIT : limit % 2 ** 32)
  setU32le(bytes, at + 4, limit === undefined ? NO_LIMIT : Math.floor(limit / 2 ** 32))
}
