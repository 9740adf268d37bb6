/** Answers to ARP requests and neighbour solicitations, from static entries. */
import { IPV4_BYTES, IPV6_BYTES, MAC_BYTES, setU16, setU32, setU8, u16, u8 } from '@weft/core'
import {
  arp,
  ARP_OFFSET,
  ARP_OPERATION,
  ETHER_TYPE,
  ethernet,
  ETHERNET_OFFSET,
  icmpv6,
  IP_PROTOCOL,
  ipv6,
  IPV6_OFFSET,
  NEIGHBOUR_HOP_LIMIT,
  NEIGHBOUR_OPTION,
  NEIGHBOUR_TYPE,
  transportChecksumState,
  writeTransportChecksum,
} from '@weft/wire'
import { copyBytes } from './copy-bytes.ts'
import type { SubnetAddresses } from './subnet-addresses.ts'

const TARGET_AT = 8
const OPTION_AT = TARGET_AT + IPV6_BYTES
const ADVERTISEMENT_BYTES = OPTION_AT + 8
const VERSION_6 = 0x6000_0000
const SOLICITED_OVERRIDE = 0x6000_0000
const OVERRIDE = 0x2000_0000
/** 33:33:00:00:00:01 and ff02::1. */
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1)
const ALL_NODES_GROUP = 0xff02

const ADVERTISEMENT_FRAME_BYTES = ethernet.headerLength + ipv6.headerLength + ADVERTISEMENT_BYTES

/** Writes answers into memory of its own. */
export class NeighbourAnswers {
  readonly #target: Uint8Array
  readonly #at: number

  /** Answers are written at `at`; the longest are advertisements. */
  constructor(target: Uint8Array, at: number) {
    this.#target = target
    this.#at = at
  }

  /**
   * Answer the frame in the window. Returns the bytes of the answer; 0 when it is no question, or
   * one about an address that has no entry.
   */
  answer(bytes: Uint8Array, start: number, end: number, by: SubnetAddresses): number {
    const type = u16(bytes, start + ETHERNET_OFFSET.type)
    if (type === ETHER_TYPE.arp) return this.#answerArp(bytes, start, end, by)
    return type === ETHER_TYPE.ipv6 ? this.#answerSolicitation(bytes, start, end, by) : 0
  }

  #answerArp(bytes: Uint8Array, start: number, end: number, by: SubnetAddresses): number {
    const message = start + ethernet.headerLength
    if (arp.check(bytes, message, end) !== null) return 0
    if (arp.operation(bytes, message) !== ARP_OPERATION.request) return 0
    const mac = by.answerFor(bytes, message + ARP_OFFSET.targetIp, 4)
    if (mac === null) return 0
    const target = this.#target
    const reply = this.#at + ethernet.headerLength
    const sender = message + ARP_OFFSET.senderMac
    const targetMac = reply + ARP_OFFSET.targetMac
    copyBytes(bytes, sender, sender + MAC_BYTES, target, this.#at)
    copyBytes(mac, 0, MAC_BYTES, target, this.#at + ETHERNET_OFFSET.source)
    setU16(target, this.#at + ETHERNET_OFFSET.type, ETHER_TYPE.arp)
    copyBytes(bytes, message, message + ARP_OFFSET.operation, target, reply)
    setU16(target, reply + ARP_OFFSET.operation, ARP_OPERATION.reply)
    copyBytes(mac, 0, MAC_BYTES, target, reply + ARP_OFFSET.senderMac)
    const asked = message + ARP_OFFSET.targetIp
    copyBytes(bytes, asked, asked + IPV4_BYTES, target, reply + ARP_OFFSET.senderIp)
    // The asker's MAC and address, which stand side by side.
    copyBytes(bytes, sender, sender + MAC_BYTES + IPV4_BYTES, target, targetMac)
    return ethernet.headerLength + arp.headerLength
  }

  #answerSolicitation(bytes: Uint8Array, start: number, end: number, by: SubnetAddresses): number {
    const packet = start + ethernet.headerLength
    const message = packet + ipv6.headerLength
    if (!isSolicitation(bytes, packet, end)) return 0
    const asked = message + TARGET_AT
    const mac = by.answerFor(bytes, asked, 6)
    if (mac === null) return 0
    const target = this.#target
    const reply = this.#at + ethernet.headerLength
    const body = reply + ipv6.headerLength
    const asker = packet + IPV6_OFFSET.source
    const askerMac = start + ETHERNET_OFFSET.source
    copyBytes(bytes, askerMac, askerMac + MAC_BYTES, target, this.#at)
    copyBytes(mac, 0, MAC_BYTES, target, this.#at + ETHERNET_OFFSET.source)
    setU16(target, this.#at + ETHERNET_OFFSET.type, ETHER_TYPE.ipv6)
    setU32(target, reply, VERSION_6)
    setU16(target, reply + IPV6_OFFSET.payloadLength, ADVERTISEMENT_BYTES)
    setU8(target, reply + IPV6_OFFSET.nextHeader, IP_PROTOCOL.icmpv6)
    setU8(target, reply + IPV6_OFFSET.hopLimit, NEIGHBOUR_HOP_LIMIT)
    copyBytes(bytes, asked, asked + IPV6_BYTES, target, reply + IPV6_OFFSET.source)
    copyBytes(bytes, asker, asker + IPV6_BYTES, target, reply + IPV6_OFFSET.destination)
    setU32(target, body, NEIGHBOUR_TYPE['neighbour-advertisement'] << 24)
    setU32(target, body + 4, SOLICITED_OVERRIDE)
    copyBytes(bytes, asked, asked + IPV6_BYTES, target, body + TARGET_AT)
    setU8(target, body + OPTION_AT, NEIGHBOUR_OPTION.targetLinkLayer)
    setU8(target, body + OPTION_AT + 1, 1)
    copyBytes(mac, 0, MAC_BYTES, target, body + OPTION_AT + 2)
    if (isUnspecified(bytes, asker)) this.#addressToAll(reply, body)
    writeTransportChecksum(target, reply)
    return ADVERTISEMENT_FRAME_BYTES
  }

  /** Whoever asks without an address is told with everyone: RFC 4861 §7.2.4. */
  #addressToAll(packet: number, body: number): void {
    const target = this.#target
    const destination = packet + IPV6_OFFSET.destination
    copyBytes(ALL_NODES_MAC, 0, MAC_BYTES, target, this.#at)
    target.fill(0, destination, destination + IPV6_BYTES)
    setU16(target, destination, ALL_NODES_GROUP)
    setU8(target, destination + IPV6_BYTES - 1, 1)
    setU32(target, body + 4, OVERRIDE)
  }
}

/** A neighbour solicitation without extension headers, as valid as RFC 4861 §7.1.1 asks. */
function isSolicitation(bytes: Uint8Array, start: number, end: number): boolean {
  if (ipv6.check(bytes, start, end) !== null) return false
  const message = start + ipv6.headerLength
  const packetEnd = ipv6.payloadEnd(bytes, start)
  if (u8(bytes, start + IPV6_OFFSET.nextHeader) !== IP_PROTOCOL.icmpv6) return false
  if (icmpv6.check(bytes, message, packetEnd) !== null) return false
  return (
    u16(bytes, message) === NEIGHBOUR_TYPE['neighbour-solicitation'] << 8 &&
    ipv6.hopLimit(bytes, start) === NEIGHBOUR_HOP_LIMIT &&
    u8(bytes, message + TARGET_AT) !== 0xff &&
    transportChecksumState(bytes, start) === 'good'
  )
}

function isUnspecified(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < IPV6_BYTES; i++) if (bytes[at + i] !== 0) return false
  return true
}
