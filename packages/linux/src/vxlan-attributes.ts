/** What a VXLAN device is made with, and what the kernel says of one (IFLA_VXLAN_*, if_link.h). */
import { ipFamily, type Ip, type Vni } from '@weft/core'
import type { AttributeReader } from './attribute-reader.ts'
import { indexTable, readTabled, writeTable, type AttributeTable } from './attribute-table.ts'
import type { MessageWriter } from './message-writer.ts'
import { IFLA_VXLAN } from './rtnetlink-numbers.ts'

/** Source ports of the tunnel's datagrams, from `low` to `high` - 1. */
export interface PortRange {
  readonly low: number
  readonly high: number
}

/** Properties of a VXLAN device. What is left out keeps the kernel's default. */
export interface VxlanAttributes {
  readonly vni?: Vni
  /** UDP port of the tunnel. The kernel's own default is 8472, not IANA's 4789. */
  readonly port?: number
  /** Source address of the tunnel's datagrams. */
  readonly local?: Ip
  /** Default destination, unicast or multicast. `::` alone makes the socket an IPv6 one. */
  readonly group?: Ip
  /** The device under the tunnel. */
  readonly underlayIndex?: number
  readonly portRange?: PortRange
  readonly learning?: boolean
  /** Answer ARP and neighbour solicitations from the neighbour table. */
  readonly proxy?: boolean
  readonly routeShortCircuit?: boolean
  readonly l2miss?: boolean
  readonly l3miss?: boolean
  /** Seconds until a learned entry goes. */
  readonly ageingS?: number
  /** Most entries in the forwarding table; 0 means no limit. */
  readonly entriesMax?: number
  /** 0 means the default, 64 for multicast 1. */
  readonly ttl?: number
  readonly ttlInherit?: boolean
  /** 1 means inherit. */
  readonly tos?: number
  /** Do-not-fragment bit of IPv4: 0 unset, 1 set, 2 inherit. */
  readonly df?: number
  readonly flowLabel?: number
  readonly udpChecksum?: boolean
  readonly udpZeroChecksum6Transmit?: boolean
  readonly udpZeroChecksum6Receive?: boolean
  /** Group-based policy extension. */
  readonly gbp?: boolean
  /** Destination chosen per packet by metadata (`external`). */
  readonly collectMetadata?: boolean
}

type Tabled = Exclude<keyof VxlanAttributes, 'local' | 'group' | 'portRange'>

const TABLE: AttributeTable<Tabled> = {
  vni: [IFLA_VXLAN.ID, 'u32'],
  underlayIndex: [IFLA_VXLAN.LINK, 'u32'],
  ttl: [IFLA_VXLAN.TTL, 'u8'],
  ttlInherit: [IFLA_VXLAN.TTL_INHERIT, 'presence'],
  tos: [IFLA_VXLAN.TOS, 'u8'],
  df: [IFLA_VXLAN.DF, 'u8'],
  flowLabel: [IFLA_VXLAN.LABEL, 'u32be'],
  learning: [IFLA_VXLAN.LEARNING, 'bool'],
  proxy: [IFLA_VXLAN.PROXY, 'bool'],
  routeShortCircuit: [IFLA_VXLAN.RSC, 'bool'],
  l2miss: [IFLA_VXLAN.L2MISS, 'bool'],
  l3miss: [IFLA_VXLAN.L3MISS, 'bool'],
  ageingS: [IFLA_VXLAN.AGEING, 'u32'],
  entriesMax: [IFLA_VXLAN.LIMIT, 'u32'],
  port: [IFLA_VXLAN.PORT, 'u16be'],
  udpChecksum: [IFLA_VXLAN.UDP_CSUM, 'bool'],
  udpZeroChecksum6Transmit: [IFLA_VXLAN.UDP_ZERO_CSUM6_TX, 'bool'],
  udpZeroChecksum6Receive: [IFLA_VXLAN.UDP_ZERO_CSUM6_RX, 'bool'],
  collectMetadata: [IFLA_VXLAN.COLLECT_METADATA, 'bool'],
  gbp: [IFLA_VXLAN.GBP, 'presence'],
}

const INDEX = indexTable(TABLE)

/** Write them as the contents of IFLA_INFO_DATA. */
export function writeVxlan(writer: MessageWriter, vxlan: VxlanAttributes): void {
  writeTable(writer, TABLE, vxlan)
  const { group, local, portRange } = vxlan
  if (group !== undefined) {
    writer.ip(ipFamily(group) === 4 ? IFLA_VXLAN.GROUP : IFLA_VXLAN.GROUP6, group)
  }
  if (local !== undefined) {
    writer.ip(ipFamily(local) === 4 ? IFLA_VXLAN.LOCAL : IFLA_VXLAN.LOCAL6, local)
  }
  if (portRange !== undefined) {
    // struct ifla_vxlan_port_range: two 16-bit numbers in network order.
    const { low, high } = portRange
    writer.bytes(IFLA_VXLAN.PORT_RANGE, Uint8Array.of(low >> 8, low, high >> 8, high))
  }
}

/** Read the contents of IFLA_INFO_DATA of a VXLAN device. */
export function readVxlan(attributes: AttributeReader): VxlanAttributes {
  const values: { [name: string]: boolean | number } = {}
  const rest: { local?: Ip; group?: Ip; portRange?: PortRange } = {}
  while (attributes.next()) {
    const { type } = attributes
    if (type === IFLA_VXLAN.LOCAL || type === IFLA_VXLAN.LOCAL6) {
      const local = attributes.ip()
      if (local !== null) rest.local = local
    } else if (type === IFLA_VXLAN.GROUP || type === IFLA_VXLAN.GROUP6) {
      const group = attributes.ip()
      if (group !== null) rest.group = group
    } else if (type === IFLA_VXLAN.PORT_RANGE) {
      const [low, high] = [attributes.u16be(0), attributes.u16be(2)]
      if (low !== null && high !== null) rest.portRange = { low, high }
    } else readTabled(INDEX, attributes, values)
  }
  return { ...values, ...rest }
}
