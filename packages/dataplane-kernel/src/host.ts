/** What all operations of one dataplane work on: its names, its underlay, its networks. */
import { addressOf, type Ip, type Logger } from '@weft/core'
import { conflictError, type NetworkId } from '@weft/dataplane'
import { holdName, isKernelError, Kernel, type HeldName } from '@weft/linux'
import { NamespaceSearch } from './namespace-search.ts'
import type { KernelOptions } from './options.ts'
import type { NetworkSite } from './site.ts'
import { TrafficCounters } from './traffic-counters.ts'

/** One dataplane's place in the machine. */
export interface Host {
  readonly options: KernelOptions
  readonly log: Logger
  /** Held as long as we are open: two owners of one instance would undo each other's work. */
  readonly claim: HeldName
  /** The kernel in the namespace whose addresses carry the tunnels. */
  readonly underlay: Kernel
  readonly search: NamespaceSearch
  /** The networks that have a namespace. */
  readonly sites: Map<NetworkId, NetworkSite>
  readonly traffic: TrafficCounters
}

/**
 * Take hold of the underlay. Throws ERR_KERNEL when its namespace is not there, ERR_CONFLICT when
 * somebody who is alive owns the instance.
 */
export function openHost(options: KernelOptions, log: Logger): Host {
  const underlay = Kernel.open(options.underlayNamespace ?? undefined)
  return {
    options,
    log,
    claim: claimInstance(options.instance, underlay),
    underlay,
    search: new NamespaceSearch(options.namespaceDirectory),
    sites: new Map(),
    traffic: new TrafficCounters(),
  }
}

function claimInstance(instance: string, underlay: Kernel): HeldName {
  try {
    return holdName(`weft/dataplane/${instance}`, { namespace: underlay.namespace.fd })
  } catch (error) {
    underlay.close()
    if (!isKernelError(error, 'EADDRINUSE')) throw error
    const owner = 'another dataplane of this instance, still open'
    throw conflictError(`instance ${instance}`, owner, error)
  }
}

/** Let go of everything; what is programmed stays. */
export function closeHost({ claim, sites, underlay }: Host): void {
  for (const site of sites.values()) site.kernel.close()
  sites.clear()
  claim.close()
  underlay.close()
}

/** MTU of the underlay interface that has this address, in bytes; null when none has it. */
export function underlayMtuBytes({ underlay }: Host, ip: Ip): number | null {
  const carrier = underlay.addresses
    .list()
    .find(({ address }) => addressOf(address) === ip)
  if (carrier === undefined) return null
  return underlay.links.get(carrier.linkIndex)?.mtuBytes ?? null
}
