/** Writes pcapng: block by block to stream a capture, or a whole section at once. */
import { assert, setU16le, setU32le, setU8, utf8Bytes } from '@weft/core'
import {
  PCAPNG_BLOCK,
  PCAPNG_BYTE_ORDER,
  PCAPNG_OPTION,
  type PacketDirection,
  type PcapngInterface,
  type PcapngPacket,
  type PcapngSection,
} from './pcapng.ts'

/** Bytes of an option's body: its length field has 16 bits. Longer comments are cut. */
export const PCAPNG_OPTION_BYTES_MAX = 65_535

/** We write nanoseconds: 10 to the power of -9. */
const NANOSECONDS = 9
const DIRECTION_BITS: { readonly [D in PacketDirection]: number } = {
  unknown: 0,
  inbound: 1,
  outbound: 2,
}

interface Option {
  readonly code: number
  readonly body: Uint8Array
}

function padded(length: number): number {
  return (length + 3) & ~3
}

function commentOption(comment: string | null): Option[] {
  if (comment === null) return []
  return [{ code: PCAPNG_OPTION.comment, body: cutText(utf8Bytes(comment)) }]
}

/** Cut at a character's first byte, so that what is left is text still. */
function cutText(bytes: Uint8Array): Uint8Array {
  let end = Math.min(bytes.length, PCAPNG_OPTION_BYTES_MAX)
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

function optionsLength(options: readonly Option[]): number {
  let length = options.length === 0 ? 0 : 4
  for (const option of options) length += 4 + padded(option.body.length)
  return length
}

/** A block with room for `fixed` bytes and these options; `fill` writes the fixed part. */
function block(
  type: number,
  { fixed, options }: { readonly fixed: number; readonly options: readonly Option[] },
  fill: (bytes: Uint8Array, at: number) => void,
): Uint8Array {
  const bytes = new Uint8Array(12 + padded(fixed) + optionsLength(options))
  setU32le(bytes, 0, type)
  setU32le(bytes, 4, bytes.length)
  fill(bytes, 8)
  let at = 8 + padded(fixed)
  for (const { code, body } of options) {
    setU16le(bytes, at, code)
    setU16le(bytes, at + 2, body.length)
    bytes.set(body, at + 4)
    at += 4 + padded(body.length)
  }
  setU32le(bytes, bytes.length - 4, bytes.length)
  return bytes
}

/** The block that begins a section. Every capture begins with one. */
export function pcapngSectionBlock(comment: string | null = null): Uint8Array {
  const options = commentOption(comment)
  return block(PCAPNG_BLOCK.section, { fixed: 16, options }, (bytes, at) => {
    setU32le(bytes, at, PCAPNG_BYTE_ORDER)
    setU16le(bytes, at + 4, 1)
    setU16le(bytes, at + 6, 0)
    // A section length of -1 says that it ends where the next begins.
    bytes.fill(0xff, at + 8, at + 16)
  })
}

/** The block that declares the next interface of a section; timestamps are in nanoseconds. */
export function pcapngInterfaceBlock(description: PcapngInterface): Uint8Array {
  const { name, linkType, snapBytes } = description
  const options: Option[] = []
  if (name !== null) {
    options.push({ code: PCAPNG_OPTION.interfaceName, body: cutText(utf8Bytes(name)) })
  }
  options.push({ code: PCAPNG_OPTION.timestampResolution, body: Uint8Array.of(NANOSECONDS) })
  return block(PCAPNG_BLOCK.interface, { fixed: 8, options }, (bytes, at) => {
    setU16le(bytes, at, linkType)
    setU32le(bytes, at + 4, snapBytes)
  })
}

/** The block for one packet. Without a timestamp it is dated 1970. */
export function pcapngPacketBlock(packet: PcapngPacket): Uint8Array {
  const { bytes: captured, direction, timestampNs } = packet
  assert(packet.originalLength >= captured.length, 'a capture is no longer than its packet')
  const options = commentOption(packet.comment)
  if (direction !== 'unknown') {
    const flags = new Uint8Array(4)
    setU8(flags, 0, DIRECTION_BITS[direction])
    options.push({ code: PCAPNG_OPTION.packetFlags, body: flags })
  }
  const fixed = 20 + captured.length
  return block(PCAPNG_BLOCK.packet, { fixed, options }, (bytes, at) => {
    const ticks = timestampNs ?? 0n
    setU32le(bytes, at, packet.interfaceId)
    setU32le(bytes, at + 4, Number((ticks >> 32n) & 0xffff_ffffn))
    setU32le(bytes, at + 8, Number(ticks & 0xffff_ffffn))
    setU32le(bytes, at + 12, captured.length)
    setU32le(bytes, at + 16, packet.originalLength)
    bytes.set(captured, at + 20)
  })
}

/** A whole section as the bytes of a file. */
export function writePcapng(section: PcapngSection): Uint8Array {
  const blocks = [
    pcapngSectionBlock(section.comment),
    ...section.interfaces.map(pcapngInterfaceBlock),
    ...section.packets.map(pcapngPacketBlock),
  ]
  let length = 0
  for (const each of blocks) length += each.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const each of blocks) {
    bytes.set(each, at)
    at += each.length
  }
  return bytes
}
