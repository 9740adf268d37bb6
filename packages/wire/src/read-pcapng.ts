/** Reads pcapng of any writer: both byte orders, several sections, unknown blocks passed over. */
import { u16, u16le, u32, u32le, u8, utf8Text } from '@weft/core'
import type { WireFault } from './header-codec.ts'
import {
  PCAPNG_BLOCK,
  PCAPNG_BYTE_ORDER,
  PCAPNG_OPTION,
  type PacketDirection,
  type PcapngInterface,
  type PcapngPacket,
  type PcapngSection,
} from './pcapng.ts'

/** What was read. A fault ends the reading; what stood before it is there. */
export interface PcapngReading {
  readonly sections: readonly PcapngSection[]
  readonly fault: WireFault | null
  /** Where the block with the fault begins; the length of the bytes without one. */
  readonly end: number
}

type Read = (bytes: Uint8Array, at: number) => number

/** One block: its body stands from `start` to `end`. */
interface Block {
  readonly type: number
  readonly start: number
  readonly end: number
}

/** Nanoseconds since 1970 = ticks * multiplier / divisor + offset. */
interface TickRate {
  readonly multiplier: bigint
  readonly divisor: bigint
  readonly offsetNs: bigint
}

interface OpenSection {
  comment: string | null
  readonly littleEndian: boolean
  readonly interfaces: PcapngInterface[]
  readonly rates: TickRate[]
  readonly packets: PcapngPacket[]
}

const BLOCK_BYTES_MIN = 12
const NANOSECONDS_PER_SECOND = 1_000_000_000n
const DIRECTIONS: readonly PacketDirection[] = ['unknown', 'inbound', 'outbound', 'unknown']

/** Read a capture. Never throws; packets share memory with `bytes`. */
export function readPcapng(bytes: Uint8Array): PcapngReading {
  const sections: OpenSection[] = []
  let fault: WireFault | null = null
  let at = 0
  while (at < bytes.length) {
    const block = readBlock(bytes, at, sections.at(-1))
    fault = typeof block === 'string' ? block : takeBlock(bytes, block, sections)
    if (fault !== null || typeof block === 'string') break
    at = block.end + 4
  }
  return { sections: sections.map(closed), fault, end: at }
}

function closed({ comment, interfaces, packets }: OpenSection): PcapngSection {
  return { comment, interfaces, packets }
}

function isLittleEndian(bytes: Uint8Array, at: number): boolean | null {
  if (u32le(bytes, at) === PCAPNG_BYTE_ORDER) return true
  return u32(bytes, at) === PCAPNG_BYTE_ORDER ? false : null
}

function readBlock(
  bytes: Uint8Array,
  at: number,
  section: OpenSection | undefined,
): Block | WireFault {
  if (at + BLOCK_BYTES_MIN > bytes.length) return 'short'
  // The type of a section block reads the same in both orders; its order follows its length.
  const begins = u32le(bytes, at) === PCAPNG_BLOCK.section
  if (!begins && section === undefined) return 'bad-type'
  const little = begins ? isLittleEndian(bytes, at + 8) : section?.littleEndian
  if (little === null || little === undefined) return 'bad-type'
  const read = little ? u32le : u32
  const length = read(bytes, at + 4)
  if (length < BLOCK_BYTES_MIN || length % 4 !== 0) return 'bad-length'
  if (at + length > bytes.length) return 'short'
  if (read(bytes, at + length - 4) !== length) return 'bad-length'
  return { type: read(bytes, at), start: at + 8, end: at + length - 4 }
}

function takeBlock(bytes: Uint8Array, block: Block, sections: OpenSection[]): WireFault | null {
  if (block.type === PCAPNG_BLOCK.section) return takeSection(bytes, block, sections)
  const section = sections.at(-1)
  if (section === undefined) return 'bad-type'
  if (block.type === PCAPNG_BLOCK.interface) return takeInterface(bytes, block, section)
  if (block.type === PCAPNG_BLOCK.packet) return takePacket(bytes, block, section)
  if (block.type === PCAPNG_BLOCK.simplePacket) return takeSimplePacket(bytes, block, section)
  return null
}

/** Blocks begin at multiples of 4, and so do options and what follows a packet. */
function padded(at: number): number {
  return at + ((4 - (at % 4)) % 4)
}

/** Calls `take` for each option; the fault of a list that runs over its block. */
function eachOption(
  bytes: Uint8Array,
  { start, end, read16 }: { readonly start: number; readonly end: number; readonly read16: Read },
  take: (code: number, from: number, to: number) => void,
): WireFault | null {
  let at = start
  while (at + 4 <= end) {
    const code = read16(bytes, at)
    if (code === PCAPNG_OPTION.end) return null
    const to = at + 4 + read16(bytes, at + 2)
    if (to > end) return 'bad-option'
    take(code, at + 4, to)
    at = padded(to)
  }
  // Options may end without a terminator when they fill the block.
  return at === end ? null : 'bad-option'
}

function takeSection(bytes: Uint8Array, block: Block, sections: OpenSection[]): WireFault | null {
  if (block.end - block.start < 16) return 'bad-length'
  const littleEndian = isLittleEndian(bytes, block.start) === true
  const read16 = littleEndian ? u16le : u16
  if (read16(bytes, block.start + 4) !== 1) return 'bad-version'
  const section: OpenSection = {
    comment: null,
    littleEndian,
    interfaces: [],
    rates: [],
    packets: [],
  }
  const options = { start: block.start + 16, end: block.end, read16 }
  const fault = eachOption(bytes, options, (code, from, to) => {
    if (code === PCAPNG_OPTION.comment) section.comment = utf8Text(bytes, from, to)
  })
  if (fault === null) sections.push(section)
  return fault
}

function takeInterface(bytes: Uint8Array, block: Block, section: OpenSection): WireFault | null {
  if (block.end - block.start < 8) return 'bad-length'
  const [read16, read32] = section.littleEndian ? [u16le, u32le] : [u16, u32]
  let name: string | null = null
  let resolution = 6
  let offsetSeconds = 0n
  const options = { start: block.start + 8, end: block.end, read16 }
  const fault = eachOption(bytes, options, (code, from, to) => {
    if (code === PCAPNG_OPTION.interfaceName) name = utf8Text(bytes, from, to)
    else if (code === PCAPNG_OPTION.timestampResolution && to - from === 1) {
      resolution = u8(bytes, from)
    } else if (code === PCAPNG_OPTION.timestampOffset && to - from === 8) {
      offsetSeconds = BigInt.asIntN(64, read64(bytes, from, section.littleEndian))
    }
  })
  if (fault !== null) return fault
  const linkType = read16(bytes, block.start)
  section.interfaces.push({ name, linkType, snapBytes: read32(bytes, block.start + 4) })
  section.rates.push(tickRate(resolution, offsetSeconds))
  return null
}

function read64(bytes: Uint8Array, at: number, littleEndian: boolean): bigint {
  const [high, low] = littleEndian
    ? [u32le(bytes, at + 4), u32le(bytes, at)]
    : [u32(bytes, at), u32(bytes, at + 4)]
  return (BigInt(high) << 32n) | BigInt(low)
}

/** The top bit of the resolution chooses powers of two over powers of ten. */
function tickRate(resolution: number, offsetSeconds: bigint): TickRate {
  const exponent = BigInt(resolution & 0x7f)
  const divisor = resolution >= 0x80 ? 2n ** exponent : 10n ** exponent
  const offsetNs = offsetSeconds * NANOSECONDS_PER_SECOND
  return { multiplier: NANOSECONDS_PER_SECOND, divisor, offsetNs }
}

function takePacket(bytes: Uint8Array, block: Block, section: OpenSection): WireFault | null {
  const { start, end } = block
  const [read16, read32] = section.littleEndian ? [u16le, u32le] : [u16, u32]
  if (end - start < 20) return 'bad-length'
  const interfaceId = read32(bytes, start)
  const rate = section.rates[interfaceId]
  if (rate === undefined) return 'bad-type'
  const dataEnd = start + 20 + read32(bytes, start + 12)
  if (dataEnd > end) return 'bad-length'
  const ticks = (BigInt(read32(bytes, start + 4)) << 32n) | BigInt(read32(bytes, start + 8))
  let comment: string | null = null
  let flags = 0
  const options = { start: padded(dataEnd), end, read16 }
  const fault = eachOption(bytes, options, (code, from, to) => {
    if (code === PCAPNG_OPTION.comment) comment = utf8Text(bytes, from, to)
    else if (code === PCAPNG_OPTION.packetFlags && to - from === 4) flags = read32(bytes, from)
  })
  if (fault !== null) return fault
  section.packets.push({
    interfaceId,
    timestampNs: (ticks * rate.multiplier) / rate.divisor + rate.offsetNs,
    bytes: bytes.subarray(start + 20, dataEnd),
    originalLength: read32(bytes, start + 16),
    direction: DIRECTIONS[flags & 3] ?? 'unknown',
    comment,
  })
  return null
}

/** A simple packet says neither when nor how much was captured: the snap length does. */
function takeSimplePacket(bytes: Uint8Array, block: Block, section: OpenSection): WireFault | null {
  const first = section.interfaces[0]
  if (first === undefined) return 'bad-type'
  if (block.end - block.start < 4) return 'bad-length'
  const originalLength = (section.littleEndian ? u32le : u32)(bytes, block.start)
  const snap = first.snapBytes === 0 ? originalLength : Math.min(first.snapBytes, originalLength)
  const dataEnd = block.start + 4 + snap
  if (dataEnd > block.end) return 'bad-length'
  section.packets.push({
    interfaceId: 0,
    timestampNs: null,
    bytes: bytes.subarray(block.start + 4, dataEnd),
    originalLength,
    direction: 'unknown',
    comment: null,
  })
  return null
}
