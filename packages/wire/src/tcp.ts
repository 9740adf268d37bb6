/** TCP headers with their options (RFC 9293 §3.1, RFC 7323, RFC 2018). */
import { assert, setU16, setU32, setU8, u16, u32, u8 } from '@weft/core'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'
import {
  checkHeaderOptions,
  headerOptionsLength,
  readHeaderOptions,
  writeHeaderOptions,
  type HeaderOption,
} from './header-options.ts'

/** Bits of the flags, as they stand in the 12 bits behind the data offset. */
export const TCP_FLAG = {
  fin: 0x001,
  syn: 0x002,
  rst: 0x004,
  psh: 0x008,
  ack: 0x010,
  urg: 0x020,
  ece: 0x040,
  cwr: 0x080,
  ae: 0x100,
} as const

/** Option kinds by name; others survive as bytes. */
export const TCP_OPTION = { mss: 2, windowScale: 3, sackPermitted: 4, timestamps: 8 } as const

/** Offset of the checksum field from the start of the header. */
export const TCP_CHECKSUM_OFFSET = 16
/** Bytes of the longest header: the data offset counts to 15 words. */
export const TCP_HEADER_BYTES_MAX = 60

const HEADER_BYTES = 20

/** One option of a TCP header. */
export type TcpOption =
  | { readonly kind: 'mss'; readonly bytes: number }
  | { readonly kind: 'window-scale'; readonly shift: number }
  | { readonly kind: 'sack-permitted' }
  | { readonly kind: 'timestamps'; readonly value: number; readonly echo: number }
  | ({ readonly kind: 'other' } & HeaderOption)

/** A TCP header. The data offset follows from the options when it is written. */
export interface TcpHeader {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgement: number
  /** 12 bits: the flags of TCP_FLAG and the three reserved bits above them. */
  readonly flags: number
  readonly window: number
  readonly checksum: number
  readonly urgent: number
  readonly options: readonly TcpOption[]
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  const window = windowLength(bytes, start, end)
  if (window < HEADER_BYTES) return 'short'
  const header = headerLengthAt(bytes, start)
  if (header < HEADER_BYTES) return 'bad-length'
  if (header > window) return 'short'
  return checkHeaderOptions(bytes, start + HEADER_BYTES, start + header)
}

function headerLengthAt(bytes: Uint8Array, start: number): number {
  return (u8(bytes, start + 12) >>> 4) * 4
}

function payloadStart(bytes: Uint8Array, start: number): number {
  return start + headerLengthAt(bytes, start)
}

function sourcePort(bytes: Uint8Array, start: number): number {
  return u16(bytes, start)
}

function destinationPort(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + 2)
}

/** The 12 bits behind the data offset: see TCP_FLAG. */
function flags(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + 12) & 0xfff
}

function readOption(option: HeaderOption): TcpOption {
  const { type, body } = option
  if (type === TCP_OPTION.mss && body.length === 2) return { kind: 'mss', bytes: u16(body, 0) }
  if (type === TCP_OPTION.windowScale && body.length === 1) {
    return { kind: 'window-scale', shift: u8(body, 0) }
  }
  if (type === TCP_OPTION.sackPermitted && body.length === 0) return { kind: 'sack-permitted' }
  if (type === TCP_OPTION.timestamps && body.length === 8) {
    return { kind: 'timestamps', value: u32(body, 0), echo: u32(body, 4) }
  }
  return { kind: 'other', type, body }
}

function plainOption(option: TcpOption): HeaderOption {
  if (option.kind === 'other') return option
  if (option.kind === 'sack-permitted') {
    return { type: TCP_OPTION.sackPermitted, body: new Uint8Array(0) }
  }
  if (option.kind === 'window-scale') {
    return { type: TCP_OPTION.windowScale, body: Uint8Array.of(option.shift) }
  }
  const body = new Uint8Array(option.kind === 'mss' ? 2 : 8)
  if (option.kind === 'mss') setU16(body, 0, option.bytes)
  else {
    setU32(body, 0, option.value)
    setU32(body, 4, option.echo)
  }
  return { type: option.kind === 'mss' ? TCP_OPTION.mss : TCP_OPTION.timestamps, body }
}

function decode(bytes: Uint8Array, start: number): TcpHeader {
  const options = readHeaderOptions(bytes, start + HEADER_BYTES, payloadStart(bytes, start))
  return {
    sourcePort: sourcePort(bytes, start),
    destinationPort: destinationPort(bytes, start),
    sequence: u32(bytes, start + 4),
    acknowledgement: u32(bytes, start + 8),
    flags: flags(bytes, start),
    window: u16(bytes, start + 14),
    checksum: u16(bytes, start + TCP_CHECKSUM_OFFSET),
    urgent: u16(bytes, start + 18),
    options: options.map(readOption),
  }
}

function lengthOf(header: TcpHeader): number {
  return HEADER_BYTES + headerOptionsLength(header.options.map(plainOption))
}

function write(bytes: Uint8Array, start: number, header: TcpHeader): void {
  const length = lengthOf(header)
  assert(length <= TCP_HEADER_BYTES_MAX, 'more options than a TCP header has room for')
  setU16(bytes, start, header.sourcePort)
  setU16(bytes, start + 2, header.destinationPort)
  setU32(bytes, start + 4, header.sequence)
  setU32(bytes, start + 8, header.acknowledgement)
  setU8(bytes, start + 12, ((length / 4) << 4) | (header.flags >>> 8))
  setU8(bytes, start + 13, header.flags)
  setU16(bytes, start + 14, header.window)
  setU16(bytes, start + TCP_CHECKSUM_OFFSET, header.checksum)
  setU16(bytes, start + 18, header.urgent)
  writeHeaderOptions(bytes, start + HEADER_BYTES, header.options.map(plainOption))
}

function describe(header: TcpHeader): string {
  const names = Object.entries(TCP_FLAG).filter(([, bit]) => (header.flags & bit) !== 0)
  const flags = names.map(([name]) => name).join(',')
  const { sourcePort, destinationPort, sequence, window } = header
  return `tcp ${sourcePort} > ${destinationPort} ${flags} sequence ${sequence} window ${window}`
}

/** TCP headers; the stream behind them is not this package's business. */
export const tcp = {
  name: 'tcp',
  headerLength: HEADER_BYTES,
  check,
  payloadStart,
  sourcePort,
  destinationPort,
  flags,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<TcpHeader> & Accessors
