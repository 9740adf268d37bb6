/** Carrying out the steps of one pass, in order, with a failure for every item that failed. */
import {
  dependencyError,
  FailureLog,
  itemPath,
  type AcceptedState,
  type Change,
  type ItemFailure,
  type LocalChange,
  type NetworkChange,
  type NetworkId,
  type SubnetChange,
  type SubnetSpec,
} from '@weft/dataplane'
import { announceArrivals } from './announcements.ts'
import { plugIn, unplug } from './cables.ts'
import { spreadMtu, spreadRoutes } from './container-ends.ts'
import { programEntries, type EntryChange } from './entries.ts'
import type { Host } from './host.ts'
import { createNetwork, removeNetwork, setRouting } from './networks.ts'
import { addSubnet, changeSubnet, removeSubnet } from './subnets.ts'

/** One pass from what is programmed to an accepted state. Used once. Synchronous throughout. */
export class Transition {
  readonly #host: Host
  readonly #accepted: AcceptedState
  readonly #failures = new FailureLog()
  /** Networks whose subnets changed, with those that were there before. */
  readonly #reshaped = new Map<NetworkId, SubnetSpec[]>()
  readonly #resized = new Set<NetworkId>()
  readonly #entries = new Map<NetworkId, EntryChange[]>()

  constructor(host: Host, accepted: AcceptedState) {
    this.#host = host
    this.#accepted = accepted
  }

  /** `changes` in the order of `order`. Never throws for what the kernel refuses. */
  run(changes: readonly Change[]): readonly ItemFailure[] {
    for (const change of changes) this.#frame(change)
    this.#settle()
    this.#spread()
    for (const change of changes) this.#fill(change)
    for (const [id, entries] of this.#entries) {
      const site = this.#host.sites.get(id)
      if (site !== undefined) programEntries(site, entries, this.#failures)
    }
    announceArrivals(this.#host.sites, changes, this.#failures)
    return this.#failures.list()
  }

  /** Networks, subnets, and endpoints that leave. */
  #frame(change: Change): void {
    if (change.kind === 'network') this.#network(change)
    else if (change.kind === 'subnet') this.#subnet(change)
    else if (change.kind === 'local' && change.to === null) {
      const site = this.#host.sites.get(change.network)
      if (site !== undefined) this.#failures.attempt(change.item, () => unplug(site, change))
    }
  }

  #network({ from, item, network, to }: NetworkChange): void {
    this.#failures.attempt(item, () => {
      if (to === null) removeNetwork(this.#host, network)
      else if (from === null) createNetwork(this.#host, network, to.encapsulation)
      else this.#resized.add(network)
    })
  }

  #subnet(change: SubnetChange): void {
    const { from, item, network: id, to, vni } = change
    const before = this.#reshaped.get(id) ?? []
    this.#reshaped.set(id, before)
    if (from !== null) before.push({ vni, prefixes: from.prefixes })
    const site = this.#host.sites.get(id)
    if (site === undefined) {
      if (to !== null) this.#failures.add(item, dependencyError(item, itemPath.network(id)))
      return
    }
    const mtuBytes = this.#accepted.networks.get(id)?.mtu ?? 0
    const task = { host: this.#host, site, change, mtuBytes }
    this.#failures.attempt(item, () => {
      if (to === null) removeSubnet(task)
      else if (from === null) addSubnet(task, to)
      else changeSubnet(task, { from, to })
    })
  }

  /** A network that got none of its subnets does not stay; one with several routes between them. */
  #settle(): void {
    for (const id of this.#reshaped.keys()) {
      const site = this.#host.sites.get(id)
      const network = this.#accepted.networks.get(id)
      if (site === undefined || network === undefined) continue
      const item = itemPath.network(id)
      const first = network.subnets[0]
      if (site.subnets.size === 0 && first !== undefined) {
        this.#failures.add(item, dependencyError(item, itemPath.subnet(id, first.vni)))
        removeNetwork(this.#host, id)
      } else this.#failures.attempt(item, () => setRouting(site, network.subnets.length > 1))
    }
  }

  /** Endpoints that come or change, and entries. */
  #fill(change: Change): void {
    if (change.kind === 'local' && change.to !== null) this.#plug(change)
    else if (change.kind === 'forwarding' || change.kind === 'neighbour') this.#entry(change)
  }

  #plug(change: LocalChange): void {
    const { item, network: id, to } = change
    const site = this.#host.sites.get(id)
    const network = this.#accepted.networks.get(id)
    if (to === null || network === undefined) return
    const subnet = site?.subnets.get(to.vni)
    if (site === undefined || subnet === undefined) {
      this.#failures.add(item, dependencyError(item, this.#missing(id, to.vni)))
      return
    }
    const { instance } = this.#host.options
    const underlay = this.#host.underlay.namespace.identity
    const task = { instance, underlay, site, change, network, subnet }
    const done = this.#failures.attempt(item, () => plugIn(task, to))
    if (!done) this.#failures.attempt(item, () => unplug(site, change))
  }

  #entry(change: EntryChange): void {
    const { item, network: id, vni } = change
    if (this.#host.sites.get(id)?.subnets.has(vni) !== true) {
      const lacks = this.#missing(id, vni)
      if (change.to !== null) this.#failures.add(item, dependencyError(item, lacks))
      return
    }
    const entries = this.#entries.get(id) ?? []
    if (entries.length === 0) this.#entries.set(id, entries)
    entries.push(change)
  }

  /** What an item of this subnet lacks. */
  #missing(id: NetworkId, vni: SubnetSpec['vni']): string {
    return this.#host.sites.has(id) ? itemPath.subnet(id, vni) : itemPath.network(id)
  }

  /** Carry changed frames into the containers that are there; those to come see them anyway. */
  #spread(): void {
    const failures = this.#failures
    for (const id of new Set([...this.#resized, ...this.#reshaped.keys()])) {
      const site = this.#host.sites.get(id)
      const network = this.#accepted.networks.get(id)
      if (site === undefined || network === undefined) continue
      if (this.#resized.has(id)) spreadMtu({ site, network, failures })
      const gone = this.#reshaped.get(id)
      if (gone !== undefined) spreadRoutes({ site, network, failures }, gone)
    }
  }
}
