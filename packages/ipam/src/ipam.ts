/** An address space: pools, networks with their subnets and leases, and network identifiers. */
import { parseIp, type IpFamily } from '@weft/core'
import { checkName, ipamError } from './ipam-errors.ts'
import { JsonReader } from './json-reader.ts'
import { NetworkLeases, type Lease, type LeaseRequest } from './network-leases.ts'
import {
  networkSnapshot,
  readSnapshot,
  SNAPSHOT_VERSION,
  vniSnapshot,
  type IpamSnapshot,
} from './snapshot.ts'
import { checkLength, SubnetPlanner, swarmPools, type PoolRequest } from './subnet-planner.ts'
import { parseSubnet, type SubnetRequest, type SubnetSpec } from './subnet-spec.ts'
import { networkUsage, poolUsage, type IpamUsage } from './usage.ts'
import { VniAllocator } from './vni-allocator.ts'

/** A subnet cut from the pools. */
export interface AutoSubnet {
  readonly family: IpFamily
  /** The pool's own block size when not given. */
  readonly prefixLength?: number
}

/**
 * One address space, in which no two networks share an address; networks that may overlap live in
 * different ones. Deterministic: the same calls give the same answers. A call that throws has
 * changed nothing.
 */
export class Ipam {
  /** Network identifiers, which are counted apart from addresses. */
  readonly vnis = new VniAllocator()
  readonly #planner = new SubnetPlanner()
  readonly #networks = new Map<string, NetworkLeases>()

  /** Add a pool, also while networks exist. Throws ERR_OVERLAP, ERR_SUBNET_UNUSABLE. */
  addPool(pool: PoolRequest): void {
    this.#planner.addPool(pool)
  }

  /** Keep a prefix from all networks, as one the hosts themselves use. Throws ERR_OVERLAP. */
  reserve(cidr: string, name: string): void {
    this.#planner.reserve(cidr, name)
  }

  /**
   * Make a network with these subnets: one of IPv4 from the pools when not given. Throws
   * ERR_NETWORK_TAKEN, ERR_POOL_EXHAUSTED, ERR_OVERLAP, ERR_SUBNET_UNUSABLE, ERR_ADDRESS_FOREIGN,
   * ERR_ADDRESS_RESERVED, ERR_INVALID_VALUE.
   */
  createNetwork(
    id: string,
    subnets: readonly (SubnetRequest | AutoSubnet)[] = [{ family: 4 }],
  ): readonly SubnetSpec[] {
    checkName('network', id)
    if (this.#networks.has(id)) {
      throw ipamError('ERR_NETWORK_TAKEN', 'a network of this name exists', { network: id })
    }
    const network = new NetworkLeases(id)
    const specs: SubnetSpec[] = []
    try {
      for (const subnet of subnets) specs.push(this.#plan(id, subnet))
    } catch (error) {
      for (const { cidr } of specs) this.#planner.release(cidr)
      throw error
    }
    for (const spec of specs) network.addSubnet(spec)
    this.#networks.set(id, network)
    return specs
  }

  /** Add a subnet to a network in use. Throws as `createNetwork` does, and ERR_NETWORK_UNKNOWN. */
  growNetwork(id: string, subnet: SubnetRequest | AutoSubnet): SubnetSpec {
    const network = this.network(id)
    const spec = this.#plan(id, subnet)
    network.addSubnet(spec)
    return spec
  }

  /** Give back a network's subnets. Throws ERR_NETWORK_UNKNOWN, ERR_NETWORK_IN_USE. */
  removeNetwork(id: string): void {
    const network = this.network(id)
    refuseLeases(network)
    for (const { spec } of network.subnets) this.#planner.release(spec.cidr)
    this.#networks.delete(id)
  }

  /** All networks by name, in the order they were made. */
  get networks(): ReadonlyMap<string, NetworkLeases> {
    return this.#networks
  }

  /** One network's leases. Throws ERR_NETWORK_UNKNOWN. */
  network(id: string): NetworkLeases {
    const network = this.#networks.get(id)
    if (network !== undefined) return network
    throw ipamError('ERR_NETWORK_UNKNOWN', 'no such network', { network: id })
  }

  /** Lease an address; asking again gives the same one. Throws as NetworkLeases.lease does. */
  lease(id: string, request: LeaseRequest): Lease {
    return this.network(id).lease(request)
  }

  /** End a holder's lease. Throws ERR_NOT_LEASED, ERR_ADDRESS_TAKEN, ERR_ADDRESS_FOREIGN. */
  release(id: string, lease: { readonly address: string; readonly holder: string }): void {
    this.network(id).release(parseIp(lease.address), lease.holder)
  }

  /** How full everything is. */
  usage(): IpamUsage {
    const networks = [...this.#networks.values()].map(networkUsage)
    return { pools: poolUsage(this.#planner), networks }
  }

  /** Everything as plain JSON, for `restoreIpam`. */
  snapshot(): IpamSnapshot {
    return {
      version: SNAPSHOT_VERSION,
      pools: this.#planner.pools,
      reserved: this.#planner.reserved,
      networks: [...this.#networks.values()].map(networkSnapshot),
      vnis: vniSnapshot(this.vnis),
    }
  }

  #plan(id: string, request: SubnetRequest | AutoSubnet): SubnetSpec {
    if ('cidr' in request) {
      const spec = parseSubnet(id, request)
      this.#planner.claim(spec.cidr, id)
      return spec
    }
    const { family, prefixLength: wanted } = request
    const length = wanted === undefined ? null : checkLength(wanted, null, family)
    return parseSubnet(id, { cidr: this.#planner.allocate(family, id, length) })
  }
}

/** Refuse to give up a network that is in use. Throws ERR_NETWORK_IN_USE. */
function refuseLeases(network: NetworkLeases): void {
  for (const { leases } of network.subnets) {
    for (const holder of leases.values()) {
      const facts = { network: network.id, leases: network.leaseCount, holder }
      throw ipamError('ERR_NETWORK_IN_USE', 'addresses are still leased', facts)
    }
  }
}

/** What an address space starts with. */
export interface IpamOptions {
  /** Docker Swarm's when not given. */
  readonly pools?: readonly PoolRequest[]
  readonly reserved?: readonly { readonly cidr: string; readonly name: string }[]
}

/** An empty address space. Throws ERR_OVERLAP, ERR_SUBNET_UNUSABLE, ERR_INVALID_VALUE. */
export function createIpam({ pools = swarmPools, reserved = [] }: IpamOptions = {}): Ipam {
  const ipam = new Ipam()
  for (const pool of pools) ipam.addPool(pool)
  for (const { cidr, name } of reserved) ipam.reserve(cidr, name)
  return ipam
}

/** An address space from a snapshot. Throws ERR_SNAPSHOT_VERSION, ERR_SNAPSHOT_INVALID. */
export function restoreIpam(snapshot: unknown): Ipam {
  const ipam = new Ipam()
  readSnapshot(ipam, new JsonReader(snapshot, ''))
  return ipam
}
