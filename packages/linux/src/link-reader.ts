/** What the kernel says of a link: RTM_NEWLINK and RTM_DELLINK messages as plain values. */
import { u16le, u32le, type Mac } from '@weft/core'
import type { AttributeReader } from './attribute-reader.ts'
import {
  readBridge,
  readBridgePort,
  type BridgeAttributes,
  type BridgePortAttributes,
} from './bridge-attributes.ts'
import type { MessageReader } from './messages.ts'
import { IFF, IFINFOMSG_BYTES, IFLA, IFLA_INFO } from './rtnetlink-numbers.ts'
import { readVxlan, type VxlanAttributes } from './vxlan-attributes.ts'

/** Counters of a link (`struct rtnl_link_stats64`), exact up to 2^53. */
export interface LinkCounters {
  readonly receivedPackets: number
  readonly transmittedPackets: number
  readonly receivedBytes: number
  readonly transmittedBytes: number
  readonly receiveErrors: number
  readonly transmitErrors: number
  readonly receiveDropped: number
  readonly transmitDropped: number
  readonly multicast: number
}

/** Operational states in the order of RFC 2863, as IFLA_OPERSTATE numbers them. */
const OPERATIONAL = [
  'unknown',
  'not-present',
  'down',
  'lower-layer-down',
  'testing',
  'dormant',
  'up',
] as const

/** RFC 2863's ifOperStatus; a number when the kernel has learned a new one. */
export type OperationalState = (typeof OPERATIONAL)[number] | number

/** A link as the kernel describes it. */
export interface Link {
  readonly index: number
  readonly name: string
  /** ARPHRD number: 1 is Ethernet, 772 loopback. */
  readonly hardwareType: number
  /** IFF_… bits. */
  readonly flags: number
  /** Administratively up. */
  readonly up: boolean
  /** The carrier is there. */
  readonly lowerUp: boolean
  readonly operationalState: OperationalState
  readonly mtuBytes: number
  /** Null when there is none or it is not of 6 bytes. */
  readonly mac: Mac | null
  /** The ownership mark, or null. */
  readonly alias: string | null
  readonly masterIndex: number | null
  /** Lower device or veth peer, in the namespace `linkNetnsId` when that is not null. */
  readonly parentIndex: number | null
  readonly linkNetnsId: number | null
  /** The kernel's name of the kind (`vxlan`), or null for hardware. */
  readonly kind: string | null
  readonly vxlan: VxlanAttributes | null
  readonly bridge: BridgeAttributes | null
  /** The kind of its master (`bridge`), or null. */
  readonly portKind: string | null
  readonly bridgePort: BridgePortAttributes | null
  readonly counters: LinkCounters | null
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The link of a message; null when the message is too short for `struct ifinfomsg`. */
export function readLink(message: MessageReader): Link | null {
  if (message.length < IFINFOMSG_BYTES) return null
  const flags = u32le(message.bytes, message.from + 8)
  const link: Writable<Link> = {
    index: u32le(message.bytes, message.from + 4),
    name: '',
    hardwareType: u16le(message.bytes, message.from + 2),
    flags,
    up: (flags & IFF.UP) !== 0,
    lowerUp: (flags & IFF.LOWER_UP) !== 0,
    operationalState: 'unknown',
    mtuBytes: 0,
    mac: null,
    alias: null,
    masterIndex: null,
    parentIndex: null,
    linkNetnsId: null,
    kind: null,
    vxlan: null,
    bridge: null,
    portKind: null,
    bridgePort: null,
    counters: null,
  }
  const attributes = message.attributes(IFINFOMSG_BYTES)
  while (attributes.next()) readAttribute(link, attributes)
  return link
}

function readAttribute(link: Writable<Link>, attribute: AttributeReader): void {
  switch (attribute.type) {
    case IFLA.IFNAME:
      link.name = attribute.text()
      break
    case IFLA.ADDRESS:
      link.mac = attribute.mac()
      break
    case IFLA.MTU:
      link.mtuBytes = attribute.u32() ?? 0
      break
    case IFLA.LINK:
      link.parentIndex = attribute.u32()
      break
    case IFLA.MASTER:
      link.masterIndex = attribute.u32()
      break
    case IFLA.OPERSTATE:
      link.operationalState = operationalState(attribute.u8() ?? 0)
      break
    case IFLA.IFALIAS:
      link.alias = attribute.text()
      break
    case IFLA.LINK_NETNSID:
      link.linkNetnsId = attribute.s32()
      break
    case IFLA.STATS64:
      link.counters = readCounters(attribute)
      break
    case IFLA.LINKINFO:
      readLinkInfo(link, attribute.nested())
      break
    default:
  }
}

function operationalState(number: number): OperationalState {
  return OPERATIONAL[number] ?? number
}

/** The kernel writes a kind before its data; data of a kind we do not know is passed over. */
function readLinkInfo(link: Writable<Link>, attributes: AttributeReader): void {
  while (attributes.next()) {
    const { type } = attributes
    if (type === IFLA_INFO.KIND) link.kind = attributes.text()
    else if (type === IFLA_INFO.SLAVE_KIND) link.portKind = attributes.text()
    else if (type === IFLA_INFO.DATA && link.kind === 'vxlan') {
      link.vxlan = readVxlan(attributes.nested())
    } else if (type === IFLA_INFO.DATA && link.kind === 'bridge') {
      link.bridge = readBridge(attributes.nested())
    } else if (type === IFLA_INFO.SLAVE_DATA && link.portKind === 'bridge') {
      link.bridgePort = readBridgePort(attributes.nested())
    }
  }
}

/** `struct rtnl_link_stats64`: 64-bit counters in this order. */
function readCounters(attribute: AttributeReader): LinkCounters | null {
  const at = (index: number): number => attribute.u64(8 * index) ?? 0
  if (attribute.length < 9 * 8) return null
  return {
    receivedPackets: at(0),
    transmittedPackets: at(1),
    receivedBytes: at(2),
    transmittedBytes: at(3),
    receiveErrors: at(4),
    transmitErrors: at(5),
    receiveDropped: at(6),
    transmitDropped: at(7),
    multicast: at(8),
  }
}
