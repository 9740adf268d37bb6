/** The addresses of one network: leases over its subnets, which can grow in number while in use. */
import { ipFamily, parseIp, type Cidr, type Ip, type IpFamily } from '@weft/core'
import { checkName, ipamError } from './ipam-errors.ts'
import { SubnetLeases } from './subnet-leases.ts'
import type { SubnetSpec } from './subnet-spec.ts'

/** What a holder asks for. */
export interface LeaseRequest {
  /** Who will own the address: an endpoint, a replica slot, a service's virtual address. */
  readonly holder: string
  /** This address and no other; the next free one when not given. */
  readonly address?: string
  /** The family of the network's first subnet when not given. */
  readonly family?: IpFamily
}

/** An address with its owner. */
export interface Lease {
  readonly network: string
  readonly holder: string
  readonly address: Ip
  readonly subnet: Cidr
  readonly gateway: Ip | null
}

/**
 * A holder has at most one address per family; asking again gives the same lease. Subnets are
 * tried in the order they were added.
 */
export class NetworkLeases {
  readonly id: string
  readonly #subnets: SubnetLeases[] = []
  readonly #held: Record<IpFamily, Map<string, Ip>> = { 4: new Map(), 6: new Map() }
  #closing = false

  constructor(id: string) {
    this.id = id
  }

  /** True while the network is being removed: no new lease is given. */
  get closing(): boolean {
    return this.#closing
  }

  get subnets(): readonly SubnetLeases[] {
    return this.#subnets
  }

  /** How many addresses are leased. */
  get leaseCount(): number {
    return this.#held[4].size + this.#held[6].size
  }

  addSubnet(spec: SubnetSpec): void {
    this.#subnets.push(new SubnetLeases(this.id, spec))
  }

  /**
   * Lease an address. Throws ERR_NETWORK_CLOSING, ERR_SUBNET_EXHAUSTED, ERR_ADDRESS_TAKEN,
   * ERR_ADDRESS_RESERVED, ERR_ADDRESS_FOREIGN, ERR_HOLDER_TAKEN, ERR_INVALID_VALUE.
   */
  lease(request: LeaseRequest): Lease {
    const holder = checkName('holder', request.holder)
    const wanted = request.address === undefined ? null : parseIp(request.address)
    const family = wanted === null ? (request.family ?? this.#firstFamily()) : ipFamily(wanted)
    const held = this.#held[family].get(holder)
    if (held !== undefined) return this.#again(held, wanted, holder)
    if (this.#closing) {
      throw ipamError('ERR_NETWORK_CLOSING', 'the network is going away', { network: this.id })
    }
    const lease = wanted === null ? this.#next(family, holder) : this.#claim(wanted, holder)
    this.#held[family].set(holder, lease.address)
    return lease
  }

  /** Take over a lease that exists already, also while closing. Throws as `lease` does. */
  adopt(address: Ip, holder: string): void {
    const closing = this.#closing
    this.#closing = false
    try {
      this.lease({ address, holder })
    } finally {
      this.#closing = closing
    }
  }

  close(): void {
    this.#closing = true
  }

  reopen(): void {
    this.#closing = false
  }

  /** End a lease. Throws ERR_NOT_LEASED, ERR_ADDRESS_TAKEN, ERR_ADDRESS_FOREIGN. */
  release(address: Ip, holder: string): void {
    this.#subnetOf(address).release(address, holder)
    this.#held[ipFamily(address)].delete(holder)
  }

  /** Who has this address, or null. Throws ERR_ADDRESS_FOREIGN. */
  holderOf(address: Ip): string | null {
    return this.#subnetOf(address).leases.get(address) ?? null
  }

  /** The address this holder has, or null. */
  addressOf(holder: string, family: IpFamily): Ip | null {
    return this.#held[family].get(holder) ?? null
  }

  #firstFamily(): IpFamily {
    return this.#subnets[0]?.family ?? 4
  }

  #again(held: Ip, wanted: Ip | null, holder: string): Lease {
    if (wanted === null || wanted === held) return this.#leaseOf(this.#subnetOf(held), held, holder)
    const facts = { network: this.id, holder, address: held, requested: wanted }
    throw ipamError('ERR_HOLDER_TAKEN', 'the holder has another address', facts)
  }

  #claim(address: Ip, holder: string): Lease {
    const subnet = this.#subnetOf(address)
    subnet.claim(address, holder)
    return this.#leaseOf(subnet, address, holder)
  }

  #next(family: IpFamily, holder: string): Lease {
    const subnets = this.#subnets.filter((subnet) => subnet.family === family)
    for (const subnet of subnets) {
      const promised = subnet.promisedTo(holder)
      if (promised !== null) return this.#claim(promised, holder)
    }
    for (const subnet of subnets) {
      const address = subnet.take(holder)
      if (address !== null) return this.#leaseOf(subnet, address, holder)
    }
    throw ipamError('ERR_SUBNET_EXHAUSTED', 'no free address left', {
      network: this.id,
      subnets: subnets.map(({ spec }) => spec.cidr),
      used: sum(subnets.map(({ usage }) => usage.used)),
      size: sum(subnets.map(({ usage }) => usage.size)),
    })
  }

  #leaseOf({ spec }: SubnetLeases, address: Ip, holder: string): Lease {
    return { network: this.id, holder, address, subnet: spec.cidr, gateway: spec.gateway }
  }

  #subnetOf(address: Ip): SubnetLeases {
    const subnet = this.#subnets.find((candidate) => candidate.contains(address))
    if (subnet !== undefined) return subnet
    const subnets = this.#subnets.map(({ spec }) => spec.cidr)
    const facts = { network: this.id, address, subnets }
    throw ipamError('ERR_ADDRESS_FOREIGN', 'in none of the subnets', facts)
  }
}

/** The total of some numbers. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
