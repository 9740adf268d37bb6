/** ICMP messages for IPv4 (RFC 792, RFC 1191). */
import { setU16, setU32, setU8, u16, u32, u8 } from '@weft/core'
import { checksumHolds, internetChecksum } from './checksum.ts'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'

/** ICMP types by name; others survive as numbers. */
export const ICMP_TYPE = { echoReply: 0, unreachable: 3, echoRequest: 8, timeExceeded: 11 } as const

/** Codes of `unreachable` that an overlay meets. */
export const ICMP_UNREACHABLE = { network: 0, host: 1, port: 3, fragmentationNeeded: 4 } as const

const HEADER_BYTES = 8
const CHECKSUM_AT = 2
const REST_AT = 4

/** One ICMP message with everything behind its header. */
export type IcmpMessage =
  | {
      readonly kind: 'echo-request' | 'echo-reply'
      readonly identifier: number
      readonly sequence: number
      readonly body: Uint8Array
    }
  | {
      readonly kind: 'unreachable'
      /** One of ICMP_UNREACHABLE, or another number. */
      readonly code: number
      /** 16 bits in front of the MTU: zero, or the length of RFC 4884. */
      readonly reserved: number
      /** What the next hop carries, in bytes; only with code `fragmentationNeeded`. */
      readonly mtu: number
      /** The head of the packet that could not be delivered. */
      readonly quote: Uint8Array
    }
  | {
      readonly kind: 'time-exceeded'
      readonly code: number
      /** 32 bits: zero, or the length of RFC 4884. */
      readonly reserved: number
      readonly quote: Uint8Array
    }
  | {
      readonly kind: 'other'
      readonly type: number
      readonly code: number
      /** The 32 bits behind the checksum. */
      readonly rest: number
      readonly body: Uint8Array
    }

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  if (windowLength(bytes, start, end) < HEADER_BYTES) return 'short'
  return checksumHolds(bytes, start, end) ? null : 'bad-checksum'
}

function payloadStart(_bytes: Uint8Array, _start: number, end: number): number {
  return end
}

function type(bytes: Uint8Array, start: number): number {
  return u8(bytes, start)
}

function code(bytes: Uint8Array, start: number): number {
  return u8(bytes, start + 1)
}

/** The MTU of an `unreachable` message with code `fragmentationNeeded`. */
function mtu(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + 6)
}

/** Where the packet quoted by an error message begins. */
function quoteStart(_bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES
}

function decodeEcho(bytes: Uint8Array, start: number, end: number): IcmpMessage {
  return {
    kind: type(bytes, start) === ICMP_TYPE.echoRequest ? 'echo-request' : 'echo-reply',
    identifier: u16(bytes, start + REST_AT),
    sequence: u16(bytes, start + 6),
    body: bytes.slice(start + HEADER_BYTES, end),
  }
}

function decode(bytes: Uint8Array, start: number, end: number): IcmpMessage {
  const body = bytes.slice(start + HEADER_BYTES, end)
  const number = type(bytes, start)
  const base = { code: code(bytes, start) }
  const isEcho = number === ICMP_TYPE.echoRequest || number === ICMP_TYPE.echoReply
  if (isEcho && base.code === 0) return decodeEcho(bytes, start, end)
  if (number === ICMP_TYPE.unreachable) {
    const reserved = u16(bytes, start + REST_AT)
    return { kind: 'unreachable', ...base, reserved, mtu: mtu(bytes, start), quote: body }
  }
  const rest = u32(bytes, start + REST_AT)
  if (number === ICMP_TYPE.timeExceeded) {
    return { kind: 'time-exceeded', ...base, reserved: rest, quote: body }
  }
  return { kind: 'other', type: number, ...base, rest, body }
}

function bodyOf(message: IcmpMessage): Uint8Array {
  return 'quote' in message ? message.quote : message.body
}

function lengthOf(message: IcmpMessage): number {
  return HEADER_BYTES + bodyOf(message).length
}

function writeTypeAndRest(bytes: Uint8Array, start: number, message: IcmpMessage): void {
  setU8(bytes, start, typeOf(message))
  setU8(bytes, start + 1, 'code' in message ? message.code : 0)
  if (message.kind === 'time-exceeded') setU32(bytes, start + REST_AT, message.reserved)
  else if (message.kind === 'other') setU32(bytes, start + REST_AT, message.rest)
  else {
    const errors = message.kind === 'unreachable'
    setU16(bytes, start + REST_AT, errors ? message.reserved : message.identifier)
    setU16(bytes, start + REST_AT + 2, errors ? message.mtu : message.sequence)
  }
}

function typeOf(message: IcmpMessage): number {
  if (message.kind === 'other') return message.type
  if (message.kind === 'unreachable') return ICMP_TYPE.unreachable
  if (message.kind === 'time-exceeded') return ICMP_TYPE.timeExceeded
  return message.kind === 'echo-request' ? ICMP_TYPE.echoRequest : ICMP_TYPE.echoReply
}

function write(bytes: Uint8Array, start: number, message: IcmpMessage): void {
  writeTypeAndRest(bytes, start, message)
  bytes.set(bodyOf(message), start + HEADER_BYTES)
  setU16(bytes, start + CHECKSUM_AT, 0)
  const checksum = internetChecksum(bytes, start, start + lengthOf(message))
  setU16(bytes, start + CHECKSUM_AT, checksum)
}

function describe(message: IcmpMessage): string {
  if (message.kind === 'other') return `icmp type ${message.type} code ${message.code}`
  if (message.kind === 'unreachable') {
    return message.code === ICMP_UNREACHABLE.fragmentationNeeded
      ? `icmp fragmentation needed, mtu ${message.mtu}`
      : `icmp unreachable code ${message.code}`
  }
  if (message.kind === 'time-exceeded') return `icmp time exceeded code ${message.code}`
  const { kind, identifier, sequence, body } = message
  return `icmp ${kind} id ${identifier} sequence ${sequence} body ${body.length} B`
}

/** ICMP. A message fills its window; its checksum is verified by `check`, computed by `write`. */
export const icmp = {
  name: 'icmp',
  headerLength: HEADER_BYTES,
  check,
  payloadStart,
  type,
  code,
  mtu,
  quoteStart,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<IcmpMessage> & Accessors
