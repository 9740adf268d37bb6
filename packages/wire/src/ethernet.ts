/** Ethernet II headers (IEEE 802.3 §3.1.1) with the VLAN tags of IEEE 802.1Q. */
import {
  assert,
  MAC_BYTES,
  macFromBytes,
  setU16,
  u16,
  u8,
  writeMac,
  type Mac,
} from '@weft/core'
import { windowLength, type Accessors, type HeaderCodec, type WireFault } from './header-codec.ts'

/** EtherTypes by name; others survive as numbers. Below 0x0600 the field is a length (802.3). */
export const ETHER_TYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
} as const

/** Tags in front of one payload: 802.1ad stacks two, and nothing real stacks more than four. */
export const ETHERNET_TAGS_MAX = 4

/** Offsets of the addresses from the start of a frame, for copies and look-ups without strings. */
export const ETHERNET_OFFSET = { destination: 0, source: 6, type: 12 } as const

const HEADER_BYTES = 14
const TAG_BYTES = 4

/** One VLAN tag as it stands in the frame (IEEE 802.1Q §9.6). */
export interface VlanTag {
  /** 0x8100, or 0x88a8 for the outer tag of a provider bridge. */
  readonly etherType: number
  /** Priority code point, 0 to 7. */
  readonly priority: number
  readonly dropEligible: boolean
  /** 0 to 4095; 0 means priority only. */
  readonly vlanId: number
}

/** The header of a frame; `etherType` is the one behind all tags. */
export interface EthernetHeader {
  readonly destination: Mac
  readonly source: Mac
  /** Outermost first; empty on nearly every frame. */
  readonly tags: readonly VlanTag[]
  readonly etherType: number
}

function isTag(etherType: number): boolean {
  return etherType === ETHER_TYPE.vlan || etherType === ETHER_TYPE.serviceVlan
}

function check(bytes: Uint8Array, start: number, end: number): WireFault | null {
  const length = windowLength(bytes, start, end)
  if (length < HEADER_BYTES) return 'short'
  let at = ETHERNET_OFFSET.type
  for (let tags = 0; isTag(u16(bytes, start + at)); tags++) {
    if (tags === ETHERNET_TAGS_MAX) return 'too-deep'
    at += TAG_BYTES
    if (length < at + 2) return 'short'
  }
  return null
}

/** Where the EtherType behind all tags stands. */
function typeAt(bytes: Uint8Array, start: number): number {
  let at = start + ETHERNET_OFFSET.type
  for (let tags = 0; tags < ETHERNET_TAGS_MAX && isTag(u16(bytes, at)); tags++) at += TAG_BYTES
  return at
}

function payloadStart(bytes: Uint8Array, start: number): number {
  return typeAt(bytes, start) + 2
}

/** The EtherType behind all tags. */
function etherType(bytes: Uint8Array, start: number): number {
  return u16(bytes, typeAt(bytes, start))
}

/** True when the destination is broadcast or multicast: the group bit of its first byte. */
function isGroup(bytes: Uint8Array, start: number): boolean {
  return (u8(bytes, start) & 1) === 1
}

/** The VLAN of the outermost tag, or -1 without one. */
function vlanId(bytes: Uint8Array, start: number): number {
  const type = u16(bytes, start + ETHERNET_OFFSET.type)
  return isTag(type) ? u16(bytes, start + HEADER_BYTES) & 0xfff : -1
}

function decode(bytes: Uint8Array, start: number): EthernetHeader {
  const last = typeAt(bytes, start)
  const tags: VlanTag[] = []
  for (let at = start + ETHERNET_OFFSET.type; at < last; at += TAG_BYTES) {
    const control = u16(bytes, at + 2)
    tags.push({
      etherType: u16(bytes, at),
      priority: control >>> 13,
      dropEligible: (control & 0x1000) !== 0,
      vlanId: control & 0xfff,
    })
  }
  return {
    destination: macFromBytes(bytes, start + ETHERNET_OFFSET.destination),
    source: macFromBytes(bytes, start + ETHERNET_OFFSET.source),
    tags,
    etherType: u16(bytes, last),
  }
}

function lengthOf(header: EthernetHeader): number {
  return HEADER_BYTES + TAG_BYTES * header.tags.length
}

function write(bytes: Uint8Array, start: number, header: EthernetHeader): void {
  assert(!isTag(header.etherType), 'a VLAN tag belongs in tags, not in etherType')
  assert(header.tags.length <= ETHERNET_TAGS_MAX, 'more VLAN tags than a frame may carry')
  writeMac(bytes, start + ETHERNET_OFFSET.destination, header.destination)
  writeMac(bytes, start + ETHERNET_OFFSET.source, header.source)
  let at = start + 2 * MAC_BYTES
  for (const tag of header.tags) {
    setU16(bytes, at, tag.etherType)
    setU16(bytes, at + 2, (tag.priority << 13) | (tag.dropEligible ? 0x1000 : 0) | tag.vlanId)
    at += TAG_BYTES
  }
  setU16(bytes, at, header.etherType)
}

function nameOfType(type: number): string {
  if (type === ETHER_TYPE.ipv4) return 'ipv4'
  if (type === ETHER_TYPE.ipv6) return 'ipv6'
  if (type === ETHER_TYPE.arp) return 'arp'
  return type < 0x0600 ? `length ${type}` : `type 0x${type.toString(16).padStart(4, '0')}`
}

function describe(header: EthernetHeader): string {
  const tags = header.tags.map((tag) => `vlan ${tag.vlanId} priority ${tag.priority} `).join('')
  const { source, destination } = header
  return `ethernet ${source} > ${destination} ${tags}${nameOfType(header.etherType)}`
}

/** Ethernet II. Tags are passed through: readable, and written back as they came. */
export const ethernet = {
  name: 'ethernet',
  headerLength: HEADER_BYTES,
  check,
  payloadStart,
  etherType,
  isGroup,
  vlanId,
  decode,
  lengthOf,
  write,
  describe,
} satisfies HeaderCodec<EthernetHeader> & Accessors
