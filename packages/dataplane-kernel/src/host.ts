/** What all operations of one dataplane work on: its names, its underlay, its networks. */
import type { Ip, Logger } from '@weft/core'
import type { NetworkId } from '@weft/dataplane'
import { Kernel } from '@weft/linux'
import { NamespaceSearch } from './namespace-search.ts'
import type { KernelOptions } from './options.ts'
import type { NetworkSite } from './site.ts'
import { TrafficCounters } from './traffic-counters.ts'

/** One dataplane's place in the machine. */
export interface Host {
  readonly options: KernelOptions
  readonly log: Logger
  /** The kernel in the namespace whose addresses carry the tunnels. */
  readonly underlay: Kernel
  readonly search: NamespaceSearch
  /** The networks that have a namespace. */
  readonly sites: Map<NetworkId, NetworkSite>
  readonly traffic: TrafficCounters
}

/** Take hold of the underlay. Throws ERR_KERNEL when its namespace is not there. */
export function openHost(options: KernelOptions, log: Logger): Host {
  return {
    options,
    log,
    underlay: Kernel.open(options.underlayNamespace ?? undefined),
    search: new NamespaceSearch(options.namespaceDirectory),
    sites: new Map(),
    traffic: new TrafficCounters(),
  }
}

/** Let go of everything; what is programmed stays. */
export function closeHost({ underlay, sites }: Host): void {
  for (const site of sites.values()) site.kernel.close()
  sites.clear()
  underlay.close()
}

/** MTU of the underlay interface that has this address, in bytes; null when none has it. */
export function underlayMtuBytes({ underlay }: Host, ip: Ip): number | null {
  const carrier = underlay.addresses
    .list()
    .find(({ address }) => address.slice(0, address.indexOf('/')) === ip)
  if (carrier === undefined) return null
  return underlay.links.get(carrier.linkIndex)?.mtuBytes ?? null
}
