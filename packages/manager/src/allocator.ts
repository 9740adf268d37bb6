/** Subnets, VNIs and addresses of networks: what the objects say, ready to give more. */
import {
  addressOf,
  interfaceAddress,
  ipFamily,
  type InterfaceAddress,
  type Ip,
} from '@weft/core'
import { createIpam, USAGE_ALARM_PERCENT, type Ipam, type SubnetSpec } from '@weft/ipam'
import {
  swarmError,
  type Cluster,
  type Network,
  type NetworkSpec,
  type NetworkUsage,
  type ObjectChange,
  type Task,
} from '@weft/swarm'
import { asSwarmErrors } from './allocation-errors.ts'
import type { Draft } from './draft.ts'
import { leasesOf, networkObject, poolRequests, subnetRequests, vnisOf } from './network-object.ts'
import { checkNetworkSpec, invalid, VNI_LIST_OPTION, type NetworkWish } from './network-spec.ts'
import { corrupt, objectKey } from './object-codec.ts'
import { checkSubnets } from './subnet-wish.ts'
import { networkName, type Tables } from './tables.ts'

/**
 * Derived from objects, never stored: what a draft takes is given back when it comes to nothing,
 * and what an object holds when it is durably gone. So no crash can leave a duplicate or a leak.
 */
export class Allocator {
  readonly #ipam: Ipam
  readonly #tables: Tables

  private constructor(cluster: Cluster, tables: Tables) {
    this.#ipam = createIpam({ pools: poolRequests(cluster.defaultAddressPool, cluster.subnetSize) })
    this.#tables = tables
  }

  /** Take over what the objects hold. Throws ERR_STORE_CORRUPT when two of them hold one thing. */
  static restore(cluster: Cluster, tables: Tables): Allocator {
    const allocator = new Allocator(cluster, tables)
    for (const network of tables.all('network').values()) allocator.#adoptNetwork(network)
    for (const task of tables.all('task').values()) allocator.#adoptTask(task)
    return allocator
  }

  /**
   * A network with VNIs, subnets and gateways of its own. Throws ERR_INVALID_ARGUMENT,
   * ERR_ALREADY_EXISTS, ERR_EXHAUSTED, ERR_UNIMPLEMENTED.
   */
  planNetwork(draft: Draft, id: string, spec: NetworkSpec): Network {
    const wish = checkNetworkSpec(spec)
    const subnets = asSwarmErrors(() => {
      const specs = this.#ipam.createNetwork(id, checkSubnets(spec))
      draft.onUndo(() => this.#ipam.removeNetwork(id))
      return specs
    }, this.#nameOf)
    const vnis = this.#planVnis(draft, id, { wish, subnets })
    return networkObject({ id, spec, options: wish.options, subnets, vnis })
  }

  /**
   * One address of each family that the network has, for a holder; the ones asked for where there
   * are such. Throws ERR_ALREADY_EXISTS, ERR_EXHAUSTED, ERR_INVALID_ARGUMENT.
   */
  planAddresses(
    draft: Draft,
    network: Network,
    { holder, wanted }: { readonly holder: string; readonly wanted: readonly Ip[] },
  ): readonly InterfaceAddress[] {
    const { id } = network
    const families = new Set(this.#ipam.network(id).subnets.map(({ family }) => family))
    const stray = wanted.find((address) => !families.has(ipFamily(address)))
    if (stray !== undefined) {
      throw invalid(`no configured subnet contains IP address ${stray}`, stray)
    }
    return [...families].sort().map((family) => {
      const address = wanted.find((one) => ipFamily(one) === family)
      const request = address === undefined ? { holder, family } : { holder, address }
      const lease = asSwarmErrors(() => this.#ipam.lease(id, request), this.#nameOf)
      draft.onUndo(() => this.#ipam.release(id, { address: lease.address, holder }))
      return interfaceAddress(lease.address, lease.subnet)
    })
  }

  /** Give back what an object held that is durably gone. */
  follow(change: ObjectChange): void {
    if (change.action !== 'remove') return
    if (change.kind === 'task') {
      for (const [id, address] of leasesOf(change.object)) {
        this.#ipam.release(id, { address, holder: change.object.id })
      }
    }
    if (change.kind === 'network') {
      const { id } = change.object
      for (const vni of vnisOf(change.object)) this.#ipam.vnis.release(vni, id)
      this.#ipam.removeNetwork(id)
    }
  }

  /** How full a network is, by its fullest family. Throws ERR_NOT_FOUND. */
  usage(networkId: string): NetworkUsage {
    const leases = this.#ipam.networks.get(networkId)
    if (leases === undefined) {
      const message = `network ${networkId} not found`
      throw swarmError('ERR_NOT_FOUND', message, { subject: networkId })
    }
    const families = { 4: { allocated: 0, capacity: 0 }, 6: { allocated: 0, capacity: 0 } }
    for (const { family, usage } of leases.subnets) {
      families[family].allocated += usage.used
      families[family].capacity += usage.size
    }
    const { 4: ipv4, 6: ipv6 } = families
    const isIpv6Fuller = ipv6.allocated * ipv4.capacity > ipv4.allocated * ipv6.capacity
    const { allocated, capacity } = isIpv6Fuller ? ipv6 : ipv4
    const alarm = allocated * 100 >= capacity * USAGE_ALARM_PERCENT
    return { networkId, allocated, capacity, alarm }
  }

  #planVnis(
    draft: Draft,
    id: string,
    { wish, subnets }: { readonly wish: NetworkWish; readonly subnets: readonly SubnetSpec[] },
  ): readonly number[] {
    const ipv4 = subnets.filter(({ cidr }) => ipFamily(addressOf(cidr)) === 4)
    if (wish.vnis.length > ipv4.length) {
      throw invalid(`vxlan id list has more entries than there are IPv4 subnets`, VNI_LIST_OPTION)
    }
    return ipv4.map((_, index) => {
      const vni = asSwarmErrors(
        () => this.#ipam.vnis.allocate(id, wish.vnis[index]),
        this.#nameOf,
      )
      draft.onUndo(() => this.#ipam.vnis.release(vni, id))
      return vni
    })
  }

  #adoptNetwork(network: Network): void {
    try {
      this.#ipam.createNetwork(network.id, subnetRequests(network))
      for (const vni of vnisOf(network)) this.#ipam.vnis.allocate(network.id, vni)
    } catch (error) {
      throw corrupt(objectKey('network', network.id), 'what it holds is not free', error)
    }
  }

  #adoptTask(task: Task): void {
    try {
      for (const [id, address] of leasesOf(task)) {
        this.#ipam.lease(id, { holder: task.id, address })
      }
    } catch (error) {
      throw corrupt(objectKey('task', task.id), 'what it holds is not free', error)
    }
  }

  readonly #nameOf = (id: string): string => {
    const network = this.#tables.get('network', id)
    return network === null ? id : networkName(network)
  }
}
