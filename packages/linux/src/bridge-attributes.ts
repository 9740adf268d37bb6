/** Properties of bridges and of their ports (IFLA_BR_*, IFLA_BRPORT_*, if_link.h). */
import type { AttributeReader } from './attribute-reader.ts'
import { indexTable, readTabled, writeTable, type AttributeTable } from './attribute-table.ts'
import type { MessageWriter } from './message-writer.ts'
import { IFLA_BR, IFLA_BRPORT } from './rtnetlink-numbers.ts'

/** Properties of a bridge. What is left out keeps the kernel's default. */
export interface BridgeAttributes {
  /** Until a learned entry goes, in hundredths of a second (USER_HZ). */
  readonly ageingCs?: number
  /** Spanning tree delay, in hundredths of a second (USER_HZ). */
  readonly forwardDelayCs?: number
  readonly stpState?: number
  readonly priority?: number
  readonly groupForwardMask?: number
  readonly multicastSnooping?: boolean
  readonly multicastQuerier?: boolean
  readonly vlanFiltering?: boolean
  /** 0 means none. Refused by kernels without VLAN filtering. */
  readonly vlanDefaultPvid?: number
  readonly callIptables?: boolean
  readonly callIp6tables?: boolean
  readonly callArptables?: boolean
}

/** Properties of a device as a port of a bridge. */
export interface BridgePortAttributes {
  readonly learning?: boolean
  readonly unicastFlood?: boolean
  readonly multicastFlood?: boolean
  readonly broadcastFlood?: boolean
  /** Answer ARP and neighbour solicitations that would be flooded to this port. */
  readonly neighbourSuppress?: boolean
  /** No traffic to or from other isolated ports. */
  readonly isolated?: boolean
  /** A frame may leave by the port it came in at. */
  readonly hairpin?: boolean
  readonly proxyArp?: boolean
  /** Spanning tree state: 3 is forwarding. */
  readonly state?: number
  readonly priority?: number
  readonly cost?: number
}

const BRIDGE: AttributeTable<keyof BridgeAttributes> = {
  forwardDelayCs: [IFLA_BR.FORWARD_DELAY, 'u32'],
  ageingCs: [IFLA_BR.AGEING_TIME, 'u32'],
  stpState: [IFLA_BR.STP_STATE, 'u32'],
  priority: [IFLA_BR.PRIORITY, 'u16'],
  vlanFiltering: [IFLA_BR.VLAN_FILTERING, 'bool'],
  groupForwardMask: [IFLA_BR.GROUP_FWD_MASK, 'u16'],
  multicastSnooping: [IFLA_BR.MCAST_SNOOPING, 'bool'],
  multicastQuerier: [IFLA_BR.MCAST_QUERIER, 'bool'],
  callIptables: [IFLA_BR.NF_CALL_IPTABLES, 'bool'],
  callIp6tables: [IFLA_BR.NF_CALL_IP6TABLES, 'bool'],
  callArptables: [IFLA_BR.NF_CALL_ARPTABLES, 'bool'],
  vlanDefaultPvid: [IFLA_BR.VLAN_DEFAULT_PVID, 'u16'],
}

const PORT: AttributeTable<keyof BridgePortAttributes> = {
  state: [IFLA_BRPORT.STATE, 'u8'],
  priority: [IFLA_BRPORT.PRIORITY, 'u16'],
  cost: [IFLA_BRPORT.COST, 'u32'],
  hairpin: [IFLA_BRPORT.MODE, 'bool'],
  learning: [IFLA_BRPORT.LEARNING, 'bool'],
  unicastFlood: [IFLA_BRPORT.UNICAST_FLOOD, 'bool'],
  proxyArp: [IFLA_BRPORT.PROXYARP, 'bool'],
  multicastFlood: [IFLA_BRPORT.MCAST_FLOOD, 'bool'],
  broadcastFlood: [IFLA_BRPORT.BCAST_FLOOD, 'bool'],
  neighbourSuppress: [IFLA_BRPORT.NEIGH_SUPPRESS, 'bool'],
  isolated: [IFLA_BRPORT.ISOLATED, 'bool'],
}

const BRIDGE_INDEX = indexTable(BRIDGE)
const PORT_INDEX = indexTable(PORT)

/** Write bridge properties as the contents of IFLA_INFO_DATA. */
export function writeBridge(writer: MessageWriter, bridge: BridgeAttributes): void {
  writeTable(writer, BRIDGE, bridge)
}

/** Write port properties as the contents of IFLA_INFO_SLAVE_DATA. */
export function writeBridgePort(writer: MessageWriter, port: BridgePortAttributes): void {
  writeTable(writer, PORT, port)
}

/** Read the contents of IFLA_INFO_DATA of a bridge. */
export function readBridge(attributes: AttributeReader): BridgeAttributes {
  const values: { [name: string]: boolean | number } = {}
  while (attributes.next()) readTabled(BRIDGE_INDEX, attributes, values)
  return values
}

/** Read the contents of IFLA_INFO_SLAVE_DATA of a bridge port, or of IFLA_PROTINFO. */
export function readBridgePort(attributes: AttributeReader): BridgePortAttributes {
  const values: { [name: string]: boolean | number } = {}
  while (attributes.next()) readTabled(PORT_INDEX, attributes, values)
  return values
}
