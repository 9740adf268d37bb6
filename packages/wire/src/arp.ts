/** ARP for IPv4 over Ethernet (RFC 826). */
import {
  ipFromBytes,
  macFromBytes,
  setU16,
  setU8,
  u16,
  u32,
  u8,
  writeIp,
  writeMac,
  type Ip,
  type Mac,
} from '@weft/core'
import { ETHER_TYPE } from './ethernet.ts'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'

/** ARP operations by name; others survive as numbers. */
export const ARP_OPERATION = { request: 1, reply: 2 } as const

/** Offsets from the start of the ARP message. */
export const ARP_OFFSET = {
  operation: 6,
  senderMac: 8,
  senderIp: 14,
  targetMac: 18,
  targetIp: 24,
} as const

const MESSAGE_BYTES = 28
const HARDWARE_ETHERNET = 1
const HARDWARE_BYTES = 6
const PROTOCOL_BYTES = 4

/** One ARP message. In a request the target MAC is usually all zero. */
export interface ArpMessage {
  /** One of ARP_OPERATION, or another number. */
  readonly operation: number
  readonly senderMac: Mac
  readonly senderIp: Ip
  readonly targetMac: Mac
  readonly targetIp: Ip
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  if (windowLength(bytes, start, end) < MESSAGE_BYTES) return 'short'
  if (u16(bytes, start) !== HARDWARE_ETHERNET) return 'bad-type'
  if (u16(bytes, start + 2) !== ETHER_TYPE.ipv4) return 'bad-type'
  if (u8(bytes, start + 4) !== HARDWARE_BYTES) return 'bad-length'
  return u8(bytes, start + 5) === PROTOCOL_BYTES ? null : 'bad-length'
}

function payloadStart(_bytes: Uint8Array, start: number): number {
  return start + MESSAGE_BYTES
}

function operation(bytes: Uint8Array, start: number): number {
  return u16(bytes, start + ARP_OFFSET.operation)
}

/** The target's IPv4 address as a number: a key for look-ups without strings. */
function targetIpNumber(bytes: Uint8Array, start: number): number {
  return u32(bytes, start + ARP_OFFSET.targetIp)
}

function decode(bytes: Uint8Array, start: number): ArpMessage {
  return {
    operation: operation(bytes, start),
    senderMac: macFromBytes(bytes, start + ARP_OFFSET.senderMac),
    senderIp: ipFromBytes(bytes, start + ARP_OFFSET.senderIp, 4),
    targetMac: macFromBytes(bytes, start + ARP_OFFSET.targetMac),
    targetIp: ipFromBytes(bytes, start + ARP_OFFSET.targetIp, 4),
  }
}

function lengthOf(): number {
  return MESSAGE_BYTES
}

function write(bytes: Uint8Array, start: number, message: ArpMessage): void {
  setU16(bytes, start, HARDWARE_ETHERNET)
  setU16(bytes, start + 2, ETHER_TYPE.ipv4)
  setU8(bytes, start + 4, HARDWARE_BYTES)
  setU8(bytes, start + 5, PROTOCOL_BYTES)
  setU16(bytes, start + ARP_OFFSET.operation, message.operation)
  writeMac(bytes, start + ARP_OFFSET.senderMac, message.senderMac)
  writeIp(bytes, start + ARP_OFFSET.senderIp, message.senderIp)
  writeMac(bytes, start + ARP_OFFSET.targetMac, message.targetMac)
  writeIp(bytes, start + ARP_OFFSET.targetIp, message.targetIp)
}

function describe(message: ArpMessage): string {
  const { senderIp, senderMac, targetIp } = message
  if (message.operation === ARP_OPERATION.reply) return `arp reply ${senderIp} is at ${senderMac}`
  if (message.operation !== ARP_OPERATION.request) return `arp operation ${message.operation}`
  return senderIp === targetIp
    ? `arp announcement ${senderIp} is at ${senderMac}`
    : `arp request who has ${targetIp} tell ${senderIp}`
}

/** ARP, Ethernet and IPv4 only: other address kinds are refused as `bad-type` or `bad-length`. */
export const arp = {
  name: 'arp',
  headerLength: MESSAGE_BYTES,
  check,
  payloadStart,
  operation,
  targetIpNumber,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<ArpMessage> & Accessors
