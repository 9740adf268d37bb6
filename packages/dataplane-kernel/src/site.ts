/** What this process knows of one network on this host: its namespace, devices and entries. */
import type { Ip, IpFamily, Mac, SocketAddress, Vni } from '@weft/core'
import type { EndpointId, NetworkId } from '@weft/dataplane'
import type { Kernel } from '@weft/linux'
import type { FormerMacs } from './announcements.ts'

/** Devices and static entries of one subnet. */
export interface SubnetSite {
  readonly vni: Vni
  /** Number in the names of its devices. */
  readonly slot: number
  readonly bridgeIndex: number
  readonly vxlanIndex: number
  /** UDP port and family of its tunnel; the device cannot change either. */
  readonly port: number
  readonly family: IpFamily
  /** What the kernel acknowledged or showed last; the next read-back decides. */
  readonly forwarding: Map<Mac, SocketAddress>
  readonly neighbours: Map<Ip, Mac>
}

/** The cable of one local endpoint, seen from our end. */
export interface EndpointSite {
  readonly hostIndex: number
  readonly hostName: string
  readonly vni: Vni
  readonly mac: Mac
}

/**
 * One network's namespace held open. Invariant: `kernel` is in the namespace that `path` named
 * when this was made; everything in the maps is there as far as the kernel last told us.
 */
export interface NetworkSite {
  readonly id: NetworkId
  readonly path: string
  readonly kernel: Kernel
  readonly subnets: Map<Vni, SubnetSite>
  readonly endpoints: Map<EndpointId, EndpointSite>
  readonly formerMacs: FormerMacs
}

/** A network's devices and entries, without the way to them. */
export type NetworkHoldings = Pick<NetworkSite, 'subnets' | 'endpoints'>

/** The subnet whose bridge or tunnel has this index; null for other devices. */
export function subnetOfLink(site: NetworkHoldings, linkIndex: number): SubnetSite | null {
  for (const subnet of site.subnets.values()) {
    if (subnet.vxlanIndex === linkIndex || subnet.bridgeIndex === linkIndex) return subnet
  }
  return null
}
