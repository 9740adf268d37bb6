/** Options of neighbour discovery messages (RFC 4861 §4.6). */
import {
  assert,
  ipFromBytes,
  macFromBytes,
  setU16,
  setU32,
  setU8,
  u16,
  u32,
  u8,
  writeIp,
  writeMac,
  type Ip,
  type Mac,
} from '@weft/core'
import type { WireFault } from './header-codec.ts'

/** Option types by name; others survive as bytes. */
export const NEIGHBOUR_OPTION = {
  sourceLinkLayer: 1,
  targetLinkLayer: 2,
  prefix: 3,
  redirectedHeader: 4,
  mtu: 5,
} as const

/** Options in one message; more than any router sends, and a bound for hostile input. */
export const NEIGHBOUR_OPTIONS_MAX = 64

const UNIT_BYTES = 8

/** Flags of a prefix option. */
export const PREFIX_FLAG = { onLink: 0x80, autonomous: 0x40 } as const

/** One option. Types that are not listed, and listed ones of unusual length, survive as bytes. */
export type NeighbourOption =
  | { readonly kind: 'source-link-layer' | 'target-link-layer'; readonly mac: Mac }
  | { readonly kind: 'mtu'; readonly mtu: number; readonly reserved: number }
  | {
      readonly kind: 'prefix'
      readonly prefix: Ip
      /** Bits of the prefix that count. */
      readonly length: number
      /** 8 bits: PREFIX_FLAG and reserved ones. */
      readonly flags: number
      /** Seconds; 2^32 - 1 means for ever. */
      readonly validSeconds: number
      readonly preferredSeconds: number
      readonly reserved: number
    }
  | {
      readonly kind: 'other'
      readonly type: number
      /** The bytes behind type and length: 6, 14, 22 and so on. */
      readonly body: Uint8Array
    }

/** The fault of the options from `start` to `end`, or null. RFC 4861 §4.6: no option is empty. */
export function checkNeighbourOptions(
  bytes: Uint8Array,
  start: number,
  end: number,
): WireFault | null {
  let at = start
  for (let count = 0; at < end; count++) {
    if (count === NEIGHBOUR_OPTIONS_MAX) return 'too-deep'
    if (at + UNIT_BYTES > end) return 'bad-option'
    const length = u8(bytes, at + 1) * UNIT_BYTES
    if (length === 0 || at + length > end) return 'bad-option'
    at += length
  }
  return null
}

/** The options of a message that was checked. */
export function readNeighbourOptions(
  bytes: Uint8Array,
  start: number,
  end: number,
): NeighbourOption[] {
  const options: NeighbourOption[] = []
  for (let at = start; at < end; at += u8(bytes, at + 1) * UNIT_BYTES) {
    options.push(readOption(bytes, at))
  }
  return options
}

function readOption(bytes: Uint8Array, at: number): NeighbourOption {
  const type = u8(bytes, at)
  const units = u8(bytes, at + 1)
  if (units === 1 && type === NEIGHBOUR_OPTION.sourceLinkLayer) {
    return { kind: 'source-link-layer', mac: macFromBytes(bytes, at + 2) }
  }
  if (units === 1 && type === NEIGHBOUR_OPTION.targetLinkLayer) {
    return { kind: 'target-link-layer', mac: macFromBytes(bytes, at + 2) }
  }
  if (units === 1 && type === NEIGHBOUR_OPTION.mtu) {
    return { kind: 'mtu', reserved: u16(bytes, at + 2), mtu: u32(bytes, at + 4) }
  }
  if (units === 4 && type === NEIGHBOUR_OPTION.prefix) return readPrefix(bytes, at)
  return { kind: 'other', type, body: bytes.slice(at + 2, at + units * UNIT_BYTES) }
}

function readPrefix(bytes: Uint8Array, at: number): NeighbourOption {
  return {
    kind: 'prefix',
    length: u8(bytes, at + 2),
    flags: u8(bytes, at + 3),
    validSeconds: u32(bytes, at + 4),
    preferredSeconds: u32(bytes, at + 8),
    reserved: u32(bytes, at + 12),
    prefix: ipFromBytes(bytes, at + 16, 6),
  }
}

function optionLength(option: NeighbourOption): number {
  if (option.kind === 'other') return 2 + option.body.length
  return option.kind === 'prefix' ? 4 * UNIT_BYTES : UNIT_BYTES
}

/** Bytes these options fill. */
export function neighbourOptionsLength(options: readonly NeighbourOption[]): number {
  let length = 0
  for (const option of options) length += optionLength(option)
  return length
}

function typeOf(option: NeighbourOption): number {
  if (option.kind === 'other') return option.type
  if (option.kind === 'prefix') return NEIGHBOUR_OPTION.prefix
  if (option.kind === 'mtu') return NEIGHBOUR_OPTION.mtu
  const source = option.kind === 'source-link-layer'
  return source ? NEIGHBOUR_OPTION.sourceLinkLayer : NEIGHBOUR_OPTION.targetLinkLayer
}

/** Write the options one behind the other. */
export function writeNeighbourOptions(
  bytes: Uint8Array,
  start: number,
  options: readonly NeighbourOption[],
): void {
  let at = start
  for (const option of options) {
    const length = optionLength(option)
    assert(length % UNIT_BYTES === 0 && length > 0, 'a neighbour option fills whole eights')
    setU8(bytes, at, typeOf(option))
    setU8(bytes, at + 1, length / UNIT_BYTES)
    writeBody(bytes, at, option)
    at += length
  }
}

function writeBody(bytes: Uint8Array, at: number, option: NeighbourOption): void {
  if (option.kind === 'other') bytes.set(option.body, at + 2)
  else if (option.kind === 'mtu') {
    setU16(bytes, at + 2, option.reserved)
    setU32(bytes, at + 4, option.mtu)
  } else if (option.kind === 'prefix') {
    setU8(bytes, at + 2, option.length)
    setU8(bytes, at + 3, option.flags)
    setU32(bytes, at + 4, option.validSeconds)
    setU32(bytes, at + 8, option.preferredSeconds)
    setU32(bytes, at + 12, option.reserved)
    writeIp(bytes, at + 16, option.prefix)
  } else writeMac(bytes, at + 2, option.mac)
}
