/** Changing the local address of a VXLAN device in place, which the kernel allows (P25). */
import { ipFamily, type Ip } from '@weft/core'
import type { MessageWriter } from '@weft/linux'

const RTM_NEWLINK = 16
const IFINFOMSG_BYTES = 16
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_VXLAN_LOCAL = { 4: 4, 6: 17 } as const

/** Write the request `ip link set <index> type vxlan local <ip>`; the family must stay. */
export function writeTunnelAddress(writer: MessageWriter, linkIndex: number, local: Ip): void {
  const body = writer.begin(RTM_NEWLINK, 0, IFINFOMSG_BYTES)
  writer.setU32(body + 4, linkIndex)
  const linkInfo = writer.open(IFLA_LINKINFO)
  writer.text(IFLA_INFO_KIND, 'vxlan')
  const attributes = writer.open(IFLA_INFO_DATA)
  writer.ip(IFLA_VXLAN_LOCAL[ipFamily(local)], local)
  writer.close(attributes)
  writer.close(linkInfo)
}
