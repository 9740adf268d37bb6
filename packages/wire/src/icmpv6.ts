/** ICMPv6 messages (RFC 4443) with neighbour discovery (RFC 4861). */
import { setU16, setU32, setU8, u16, u32, u8 } from '@weft/core'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'
import {
  checkNeighbourMessage,
  describeNeighbourMessage,
  NEIGHBOUR_TYPE,
  neighbourKind,
  neighbourMessageLength,
  readNeighbourMessage,
  writeNeighbourMessage,
  type NeighbourMessage,
} from './neighbour-message.ts'

/** ICMPv6 types by name, besides NEIGHBOUR_TYPE; others survive as numbers. */
export const ICMPV6_TYPE = {
  unreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  echoRequest: 128,
  echoReply: 129,
} as const

/** Offset of the checksum field from the start of the message. */
export const ICMPV6_CHECKSUM_OFFSET = 2

const HEADER_BYTES = 8
const OTHER_BYTES = 4

/** One ICMPv6 message with everything behind its header, apart from its checksum. */
export type Icmpv6Content =
  | {
      readonly kind: 'echo-request' | 'echo-reply'
      readonly identifier: number
      readonly sequence: number
      readonly body: Uint8Array
    }
  | {
      readonly kind: 'unreachable' | 'time-exceeded'
      readonly code: number
      readonly reserved: number
      /** The head of the packet that could not be delivered. */
      readonly quote: Uint8Array
    }
  | {
      readonly kind: 'packet-too-big'
      readonly code: number
      /** What the next hop carries, in bytes. */
      readonly mtu: number
      readonly quote: Uint8Array
    }
  | {
      readonly kind: 'other'
      readonly type: number
      readonly code: number
      /** The bytes behind the checksum. */
      readonly body: Uint8Array
    }
  | NeighbourMessage

/** The checksum covers a pseudo header, so it is a plain field: see `writeTransportChecksum`. */
export type Icmpv6Message = Icmpv6Content & { readonly checksum: number }

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  const window = windowLength(bytes, start, end)
  if (window < OTHER_BYTES) return 'short'
  const type = u8(bytes, start)
  if (window < HEADER_BYTES) return isRead(type) || neighbourKind(type) ? 'short' : null
  // Neighbour discovery has code 0 only (RFC 4861 §6, §7); with another code they are plain bytes.
  if (u8(bytes, start + 1) !== 0 || neighbourKind(type) === undefined) return null
  return checkNeighbourMessage(bytes, start, end)
}

/** The types besides neighbour discovery whose 8 bytes this file gives a meaning to. */
function isRead(type: number): boolean {
  const { packetTooBig, timeExceeded, echoRequest, echoReply } = ICMPV6_TYPE
  const isError = type === ICMPV6_TYPE.unreachable || type === packetTooBig || type === timeExceeded
  return isError || type === echoRequest || type === echoReply
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

/** The MTU of a packet-too-big message. */
function mtu(bytes: Uint8Array, start: number): number {
  return u32(bytes, start + 4)
}

/** Where the packet quoted by an error message begins. */
function quoteStart(_bytes: Uint8Array, start: number): number {
  return start + HEADER_BYTES
}

function decode(bytes: Uint8Array, start: number, end: number): Icmpv6Message {
  return { checksum: u16(bytes, start + ICMPV6_CHECKSUM_OFFSET), ...content(bytes, start, end) }
}

function content(bytes: Uint8Array, start: number, end: number): Icmpv6Content {
  const number = type(bytes, start)
  const kindCode = code(bytes, start)
  const neighbour = kindCode === 0 ? neighbourKind(number) : undefined
  if (neighbour !== undefined) return readNeighbourMessage(bytes, { start, end }, neighbour)
  const isEcho = number === ICMPV6_TYPE.echoRequest || number === ICMPV6_TYPE.echoReply
  if (isRead(number) && !(isEcho && kindCode !== 0)) return readPlain(bytes, start, end)
  return { kind: 'other', type: number, code: kindCode, body: bytes.slice(start + 4, end) }
}

function readPlain(bytes: Uint8Array, start: number, end: number): Icmpv6Content {
  const number = type(bytes, start)
  const rest = bytes.slice(start + HEADER_BYTES, end)
  if (number === ICMPV6_TYPE.echoRequest || number === ICMPV6_TYPE.echoReply) {
    const kind = number === ICMPV6_TYPE.echoRequest ? 'echo-request' : 'echo-reply'
    const [identifier, sequence] = [u16(bytes, start + 4), u16(bytes, start + 6)]
    return { kind, identifier, sequence, body: rest }
  }
  const word = u32(bytes, start + 4)
  const base = { code: code(bytes, start), quote: rest }
  if (number === ICMPV6_TYPE.packetTooBig) return { kind: 'packet-too-big', ...base, mtu: word }
  const kind = number === ICMPV6_TYPE.unreachable ? 'unreachable' : 'time-exceeded'
  return { kind, ...base, reserved: word }
}

function lengthOf(message: Icmpv6Content): number {
  if ('options' in message) return neighbourMessageLength(message)
  if (message.kind === 'other') return OTHER_BYTES + message.body.length
  return HEADER_BYTES + ('quote' in message ? message.quote : message.body).length
}

function typeOf(message: Icmpv6Content): number {
  switch (message.kind) {
    case 'other':
      return message.type
    case 'unreachable':
      return ICMPV6_TYPE.unreachable
    case 'packet-too-big':
      return ICMPV6_TYPE.packetTooBig
    case 'time-exceeded':
      return ICMPV6_TYPE.timeExceeded
    case 'echo-request':
      return ICMPV6_TYPE.echoRequest
    case 'echo-reply':
      return ICMPV6_TYPE.echoReply
    default:
      return NEIGHBOUR_TYPE[message.kind]
  }
}

function write(bytes: Uint8Array, start: number, message: Icmpv6Message): void {
  setU8(bytes, start, typeOf(message))
  setU8(bytes, start + 1, 'code' in message ? message.code : 0)
  setU16(bytes, start + ICMPV6_CHECKSUM_OFFSET, message.checksum)
  if ('options' in message) writeNeighbourMessage(bytes, start, message)
  else if (message.kind === 'other') bytes.set(message.body, start + OTHER_BYTES)
  else if ('quote' in message) {
    setU32(bytes, start + 4, message.kind === 'packet-too-big' ? message.mtu : message.reserved)
    bytes.set(message.quote, start + HEADER_BYTES)
  } else {
    setU16(bytes, start + 4, message.identifier)
    setU16(bytes, start + 6, message.sequence)
    bytes.set(message.body, start + HEADER_BYTES)
  }
}

function describe(message: Icmpv6Content): string {
  if ('options' in message) return `icmpv6 ${describeNeighbourMessage(message)}`
  if (message.kind === 'packet-too-big') return `icmpv6 packet too big, mtu ${message.mtu}`
  if (message.kind === 'other') return `icmpv6 type ${message.type} code ${message.code}`
  if ('quote' in message) return `icmpv6 ${message.kind.replace('-', ' ')} code ${message.code}`
  const { kind, identifier, sequence, body } = message
  return `icmpv6 ${kind} id ${identifier} sequence ${sequence} body ${body.length} B`
}

/** ICMPv6. A message fills its window; neighbour discovery is read with its options. */
export const icmpv6 = {
  name: 'icmpv6',
  headerLength: OTHER_BYTES,
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
} satisfies HeaderCodec<Icmpv6Message> & Accessors
