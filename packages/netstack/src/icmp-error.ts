/** ICMP errors of both families: what they say, which packet of ours they are about, our own. */
import { ipFamily, ipFromBytes, setU8, u16, u8, type Ip, type IpFamily } from '@weft/core'
import {
  icmp,
  ICMP_TYPE,
  ICMP_UNREACHABLE,
  icmpv6,
  ICMPV6_TYPE,
  IP_PROTOCOL,
  ipv4,
  IPV4_OFFSET,
  ipv6,
  IPV6_OFFSET,
  PacketBuffer,
  sealIpFrame,
  type Envelope,
} from '@weft/wire'
import type { UnreachableReason } from './stack-errors.ts'

/**
 * Most that our errors quote of a packet, in bytes: so much fits the smallest MTU (RFC 1812
 * §4.3.2.3, RFC 4443 §2.4).
 */
export const QUOTE_BYTES_MAX: { readonly [family in IpFamily]: number } = { 4: 548, 6: 1232 }

/** ICMPv6's parameter problem, and its code for a next header that nobody knows (RFC 4443 §3.4). */
const PARAMETER_PROBLEM = 4
const UNKNOWN_NEXT_HEADER = 1
const PROTOCOL_UNREACHABLE = 2
const ICMPV6_PORT_UNREACHABLE = 4

/** Of what is behind the IP header, so much tells whose packet it was (RFC 792). */
const TRANSPORT_BYTES = 8

/** What an error says. */
export interface IcmpError {
  readonly reason: UnreachableReason
  readonly mtuBytes: number | null
}

/** A packet of ours as an error quotes it. */
export interface QuotedPacket {
  readonly source: Ip
  readonly destination: Ip
  readonly kind: 'udp' | 'echo'
  /** Ports of a datagram; identifier and sequence number of an echo request. */
  readonly words: readonly [number, number]
}

const REASONS_IPV4 = new Map<number, UnreachableReason>([
  [ICMP_UNREACHABLE.network, 'network'],
  [ICMP_UNREACHABLE.host, 'host'],
  [PROTOCOL_UNREACHABLE, 'protocol'],
  [ICMP_UNREACHABLE.port, 'port'],
  [ICMP_UNREACHABLE.fragmentationNeeded, 'too-big'],
  [9, 'prohibited'],
  [10, 'prohibited'],
  [13, 'prohibited'],
])

const REASONS_IPV6 = new Map<number, UnreachableReason>([
  [0, 'network'],
  [1, 'prohibited'],
  [3, 'host'],
  [ICMPV6_PORT_UNREACHABLE, 'port'],
])

/** What the checked ICMP message at `start` says went wrong; null when it is no error. */
export function readIcmpError(
  bytes: Uint8Array,
  start: number,
  family: IpFamily,
): IcmpError | null {
  return family === 4 ? readIpv4Error(bytes, start) : readIpv6Error(bytes, start)
}

function readIpv4Error(bytes: Uint8Array, start: number): IcmpError | null {
  const type = icmp.type(bytes, start)
  if (type === ICMP_TYPE.timeExceeded) return { reason: 'time-exceeded', mtuBytes: null }
  if (type !== ICMP_TYPE.unreachable) return null
  const reason = REASONS_IPV4.get(icmp.code(bytes, start)) ?? 'other'
  return { reason, mtuBytes: reason === 'too-big' ? icmp.mtu(bytes, start) : null }
}

function readIpv6Error(bytes: Uint8Array, start: number): IcmpError | null {
  const code = icmpv6.code(bytes, start)
  switch (icmpv6.type(bytes, start)) {
    case ICMPV6_TYPE.unreachable:
      return { reason: REASONS_IPV6.get(code) ?? 'other', mtuBytes: null }
    case ICMPV6_TYPE.packetTooBig:
      return { reason: 'too-big', mtuBytes: icmpv6.mtu(bytes, start) }
    case ICMPV6_TYPE.timeExceeded:
      return { reason: 'time-exceeded', mtuBytes: null }
    case PARAMETER_PROBLEM:
      return { reason: code === UNKNOWN_NEXT_HEADER ? 'protocol' : 'other', mtuBytes: null }
    default:
      return null
  }
}

/** The packet of this family that is quoted from `start` to `end`; null for none that we send. */
export function readQuote(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  family: IpFamily,
): QuotedPacket | null {
  const header = family === 4 ? ipv4 : ipv6
  if (header.checkQuoted(bytes, start, end) !== null) return null
  const at = header.payloadStart(bytes, start)
  if (at + TRANSPORT_BYTES > end) return null
  const kind = sentKind(header.protocol(bytes, start), u8(bytes, at))
  if (kind === null) return null
  const offset = family === 4 ? IPV4_OFFSET : IPV6_OFFSET
  const skip = kind === 'udp' ? 0 : 4
  return {
    source: ipFromBytes(bytes, start + offset.source, family),
    destination: ipFromBytes(bytes, start + offset.destination, family),
    kind,
    words: [u16(bytes, at + skip), u16(bytes, at + skip + 2)],
  }
}

function sentKind(protocol: number, first: number): QuotedPacket['kind'] | null {
  if (protocol === IP_PROTOCOL.udp) return 'udp'
  const isRequest =
    (protocol === IP_PROTOCOL.icmp && first === ICMP_TYPE.echoRequest) ||
    (protocol === IP_PROTOCOL.icmpv6 && first === ICMPV6_TYPE.echoRequest)
  return isRequest ? 'echo' : null
}

/** A packet that came, to quote. */
export interface Refused {
  readonly frame: Uint8Array
  readonly start: number
  readonly end: number
}

/** Bytes of the error about a packet, without the IP header. */
export function refusalBytes({ start, end }: Refused, family: IpFamily): number {
  return icmp.headerLength + Math.min(end - start, QUOTE_BYTES_MAX[family])
}

/** A frame that says that nothing here is for this port, or for this protocol. */
export function refusalFrame(
  envelope: Envelope,
  what: 'port' | 'protocol',
  { frame, start, end }: Refused,
): Uint8Array {
  const family = ipFamily(envelope.source)
  const quote = frame.subarray(start, Math.min(end, start + QUOTE_BYTES_MAX[family]))
  const packet = new PacketBuffer(icmp.headerLength + quote.length)
  const at = packet.extend(icmp.headerLength + quote.length)
  if (family === 4) {
    const code = what === 'port' ? ICMP_UNREACHABLE.port : PROTOCOL_UNREACHABLE
    icmp.write(packet.bytes, at, { kind: 'unreachable', code, reserved: 0, mtu: 0, quote })
    return sealIpFrame(packet, envelope, IP_PROTOCOL.icmp)
  }
  writeIpv6Refusal(packet.bytes, at, { what, quote })
  return sealIpFrame(packet, envelope, IP_PROTOCOL.icmpv6)
}

function writeIpv6Refusal(
  bytes: Uint8Array,
  at: number,
  { quote, what }: { readonly quote: Uint8Array; readonly what: 'port' | 'protocol' },
): void {
  const plain = { checksum: 0, reserved: 0, quote }
  const code = ICMPV6_PORT_UNREACHABLE
  if (what === 'port') return icmpv6.write(bytes, at, { kind: 'unreachable', code, ...plain })
  const body = new Uint8Array(4 + quote.length)
  // It points at the field that nobody understood: the next header of the fixed header.
  setU8(body, 3, IPV6_OFFSET.nextHeader)
  body.set(quote, 4)
  const problem = { kind: 'other', type: PARAMETER_PROBLEM, code: UNKNOWN_NEXT_HEADER } as const
  icmpv6.write(bytes, at, { ...problem, checksum: 0, body })
}
