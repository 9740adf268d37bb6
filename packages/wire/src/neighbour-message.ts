/** Bodies of neighbour discovery messages (RFC 4861 §4.1 to §4.5), behind the ICMPv6 header. */
import {
  ipFromBytes,
  IPV6_BYTES,
  setU16,
  setU32,
  setU8,
  u16,
  u32,
  u8,
  writeIp,
  type Ip,
} from '@weft/core'
import type { WireFault } from './header-codec.ts'
import {
  checkNeighbourOptions,
  neighbourOptionsLength,
  readNeighbourOptions,
  writeNeighbourOptions,
  type NeighbourOption,
} from './neighbour-option.ts'

/** Flags of a router advertisement; the other bits survive. */
export const ROUTER_FLAG = { managed: 0x80, otherConfiguration: 0x40 } as const

/** One neighbour discovery message; reserved bits are kept. */
export type NeighbourMessage =
  | {
      readonly kind: 'router-solicitation'
      readonly reserved: number
      readonly options: readonly NeighbourOption[]
    }
  | {
      readonly kind: 'router-advertisement'
      readonly hopLimit: number
      /** 8 bits: ROUTER_FLAG and others. */
      readonly flags: number
      readonly lifetimeSeconds: number
      readonly reachableMs: number
      readonly retransmitMs: number
      readonly options: readonly NeighbourOption[]
    }
  | {
      readonly kind: 'neighbour-solicitation'
      readonly reserved: number
      readonly target: Ip
      readonly options: readonly NeighbourOption[]
    }
  | {
      readonly kind: 'neighbour-advertisement'
      readonly router: boolean
      readonly solicited: boolean
      readonly override: boolean
      /** 29 bits. */
      readonly reserved: number
      readonly target: Ip
      readonly options: readonly NeighbourOption[]
    }
  | {
      readonly kind: 'redirect'
      readonly reserved: number
      /** The better first hop. */
      readonly target: Ip
      /** The destination it is better for. */
      readonly destination: Ip
      readonly options: readonly NeighbourOption[]
    }

/** What a message is. */
export type NeighbourKind = NeighbourMessage['kind']

/** ICMPv6 types of the messages. */
export const NEIGHBOUR_TYPE: { readonly [Kind in NeighbourKind]: number } = {
  'router-solicitation': 133,
  'router-advertisement': 134,
  'neighbour-solicitation': 135,
  'neighbour-advertisement': 136,
  redirect: 137,
}

const KINDS = new Map<number, NeighbourKind>(
  Object.entries(NEIGHBOUR_TYPE).map(([kind, type]) => [type, kind as NeighbourKind]),
)

/** Bytes from the ICMPv6 header to the options. */
const OPTIONS_AT: { readonly [Kind in NeighbourKind]: number } = {
  'router-solicitation': 8,
  'router-advertisement': 16,
  'neighbour-solicitation': 24,
  'neighbour-advertisement': 24,
  redirect: 40,
}

const ROUTER_BIT = 0x8000_0000
const SOLICITED_BIT = 0x4000_0000
const OVERRIDE_BIT = 0x2000_0000

/** The kind that an ICMPv6 type names, or undefined. */
export function neighbourKind(type: number): NeighbourKind | undefined {
  return KINDS.get(type)
}

/** The fault of a message of this type, or null. `start` is where its ICMPv6 header begins. */
export function checkNeighbourMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): WireFault | null {
  const kind = KINDS.get(u8(bytes, start))
  if (kind === undefined) return 'bad-type'
  if (end - start < OPTIONS_AT[kind]) return 'short'
  return checkNeighbourOptions(bytes, start + OPTIONS_AT[kind], end)
}

/** The message of this kind, after it was checked. */
export function readNeighbourMessage(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  kind: NeighbourKind,
): NeighbourMessage {
  const options = readNeighbourOptions(bytes, start + OPTIONS_AT[kind], end)
  const reserved = u32(bytes, start + 4)
  if (kind === 'router-solicitation') return { kind, reserved, options }
  if (kind === 'router-advertisement') return readRouter(bytes, start, options)
  const target = ipFromBytes(bytes, start + 8, 6)
  if (kind === 'neighbour-solicitation') return { kind, reserved, target, options }
  if (kind === 'redirect') {
    const destination = ipFromBytes(bytes, start + 8 + IPV6_BYTES, 6)
    return { kind, reserved, target, destination, options }
  }
  return {
    kind,
    router: (reserved & ROUTER_BIT) !== 0,
    solicited: (reserved & SOLICITED_BIT) !== 0,
    override: (reserved & OVERRIDE_BIT) !== 0,
    reserved: reserved & 0x1fff_ffff,
    target,
    options,
  }
}

function readRouter(
  bytes: Uint8Array,
  start: number,
  options: readonly NeighbourOption[],
): NeighbourMessage {
  return {
    kind: 'router-advertisement',
    hopLimit: u8(bytes, start + 4),
    flags: u8(bytes, start + 5),
    lifetimeSeconds: u16(bytes, start + 6),
    reachableMs: u32(bytes, start + 8),
    retransmitMs: u32(bytes, start + 12),
    options,
  }
}

/** Bytes of the message with its ICMPv6 header. */
export function neighbourMessageLength(message: NeighbourMessage): number {
  return OPTIONS_AT[message.kind] + neighbourOptionsLength(message.options)
}

/** Write everything behind type, code and checksum. */
export function writeNeighbourMessage(
  bytes: Uint8Array,
  start: number,
  message: NeighbourMessage,
): void {
  if (message.kind === 'router-advertisement') writeRouter(bytes, start, message)
  else setU32(bytes, start + 4, reservedBits(message))
  if ('target' in message) writeIp(bytes, start + 8, message.target)
  if (message.kind === 'redirect') writeIp(bytes, start + 8 + IPV6_BYTES, message.destination)
  writeNeighbourOptions(bytes, start + OPTIONS_AT[message.kind], message.options)
}

type RouterAdvertisement = Extract<NeighbourMessage, { kind: 'router-advertisement' }>

function reservedBits(message: Exclude<NeighbourMessage, RouterAdvertisement>): number {
  if (message.kind !== 'neighbour-advertisement') return message.reserved
  const flags =
    (message.router ? ROUTER_BIT : 0) |
    (message.solicited ? SOLICITED_BIT : 0) |
    (message.override ? OVERRIDE_BIT : 0)
  return (flags | message.reserved) >>> 0
}

function writeRouter(bytes: Uint8Array, start: number, message: RouterAdvertisement): void {
  setU8(bytes, start + 4, message.hopLimit)
  setU8(bytes, start + 5, message.flags)
  setU16(bytes, start + 6, message.lifetimeSeconds)
  setU32(bytes, start + 8, message.reachableMs)
  setU32(bytes, start + 12, message.retransmitMs)
}

/** One line for people. */
export function describeNeighbourMessage(message: NeighbourMessage): string {
  const macs = message.options.flatMap((option) => ('mac' in option ? [` ${option.mac}`] : []))
  const mac = macs.join('')
  if (message.kind === 'neighbour-solicitation') return `who has ${message.target} tell${mac}`
  if (message.kind === 'neighbour-advertisement') return `${message.target} is at${mac}`
  if (message.kind === 'redirect') return `redirect ${message.destination} to ${message.target}`
  return `${message.kind.replace('-', ' ')}${mac}`
}
