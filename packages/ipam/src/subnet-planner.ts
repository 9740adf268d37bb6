/** Which prefixes networks get: pools cut into blocks, with what is in use or kept back skipped. */
import {
  addressOf,
  cidrRange,
  cidrsOverlap,
  ipFamily,
  parseCidr,
  prefixLength,
  valueError,
  type Cidr,
  type IpFamily,
} from '@weft/core'
import { checkName, ipamError } from './ipam-errors.ts'
import { RangeSet } from './range-set.ts'
import { checkUsable, SUBNET_PREFIX_MAX } from './subnet-spec.ts'

/** Addresses that automatic subnets are cut from. */
export interface PoolRequest {
  readonly cidr: string
  /** The prefix length of a block, unless a network asks for another. */
  readonly subnetLength: number
}

/** What Docker Swarm has unless told otherwise: 10.0.0.0/8 in blocks of 256 addresses. */
export const swarmPools: readonly PoolRequest[] = [{ cidr: '10.0.0.0/8', subnetLength: 24 }]

interface Pool {
  readonly cidr: Cidr
  readonly subnetLength: number
  /** No block of `subnetLength` is free below this address. */
  hint: bigint
}

/** How full a pool is, in addresses; both are rounded when they exceed 2^53. */
export interface PoolUsage {
  readonly cidr: Cidr
  readonly subnetLength: number
  readonly used: number
  readonly size: number
}

/** One address space: everything given out shares no address with anything else in it. */
export class SubnetPlanner {
  readonly #pools: Pool[] = []
  readonly #owned = new RangeSet()
  readonly #reserved: { readonly cidr: Cidr; readonly name: string }[] = []

  get pools(): readonly PoolRequest[] {
    return this.#pools.map(({ cidr, subnetLength }) => ({ cidr, subnetLength }))
  }

  get reserved(): readonly { readonly cidr: Cidr; readonly name: string }[] {
    return this.#reserved
  }

  /** Add a pool, also while networks exist. Throws ERR_OVERLAP, ERR_SUBNET_UNUSABLE. */
  addPool(request: PoolRequest): void {
    const cidr = parseCidr(request.cidr)
    checkUsable(cidr)
    const other = this.#pools.find((pool) => cidrsOverlap(pool.cidr, cidr))
    if (other !== undefined) {
      const facts = { subnet: cidr, other: other.cidr, owner: 'another pool' }
      throw ipamError('ERR_OVERLAP', 'pools share no address', facts)
    }
    const subnetLength = checkLength(request.subnetLength, cidr)
    this.#pools.push({ cidr, subnetLength, hint: cidrRange(cidr).first })
  }

  /** Keep a prefix from all networks, as the host's own. Throws ERR_OVERLAP. */
  reserve(cidrText: string, name: string): void {
    const cidr = parseCidr(cidrText)
    this.#own(cidr, checkName('reservation', name))
    this.#reserved.push({ cidr, name })
  }

  /** Take this prefix for an owner. Throws ERR_OVERLAP, ERR_SUBNET_UNUSABLE. */
  claim(cidr: Cidr, owner: string): void {
    checkUsable(cidr)
    this.#own(cidr, owner)
  }

  /** Take the first free block of the first pool that has one. Throws ERR_POOL_EXHAUSTED. */
  allocate(family: IpFamily, owner: string, prefix: number | null): Cidr {
    const pools = this.#pools.filter(({ cidr }) => ipFamily(addressOf(cidr)) === family)
    for (const pool of pools) {
      const length = prefix ?? pool.subnetLength
      if (length < prefixLength(pool.cidr)) continue
      // A longer prefix than the pool's may find gaps where no whole block is left.
      const from = length > pool.subnetLength ? cidrRange(pool.cidr).first : pool.hint
      const cidr = this.#owned.firstGap(pool.cidr, length, from)
      if (length === pool.subnetLength) pool.hint = hintAfter(pool, cidr)
      if (cidr === null) continue
      this.#owned.add(cidr, owner)
      return cidr
    }
    throw ipamError('ERR_POOL_EXHAUSTED', 'no pool has a free block of this size', {
      family,
      prefixLength: prefix ?? pools[0]?.subnetLength ?? null,
      pools: pools.map(({ cidr }) => cidr),
    })
  }

  /** Give a prefix back. */
  release(cidr: Cidr): void {
    this.#owned.remove(cidr)
    const { first } = cidrRange(cidr)
    for (const pool of this.#pools) {
      // The block that holds the prefix may begin below it.
      const start = cidrRange(pool.cidr).first
      const isHere = cidrsOverlap(pool.cidr, cidr)
      if (isHere && first < pool.hint) pool.hint = blockStart(pool, first > start ? first : start)
    }
  }

  usage(): readonly PoolUsage[] {
    return this.#pools.map(({ cidr, subnetLength }) => {
      const { first, last } = cidrRange(cidr)
      const used = Number(this.#owned.ownedIn(cidr))
      return { cidr, subnetLength, used, size: Number(last - first + 1n) }
    })
  }

  #own(cidr: Cidr, owner: string): void {
    const other = this.#owned.overlapping(cidr)
    if (other !== null) {
      const facts = { subnet: cidr, other: other.cidr, owner: other.owner }
      throw ipamError('ERR_OVERLAP', 'the prefix shares addresses with another', facts)
    }
    this.#owned.add(cidr, owner)
  }
}

/** A block length for a pool or a request. Throws ERR_INVALID_VALUE. */
export function checkLength(length: number, pool: Cidr | null, family?: IpFamily): number {
  const max = SUBNET_PREFIX_MAX[family ?? (pool === null ? 4 : ipFamily(addressOf(pool)))]
  const min = pool === null ? 1 : prefixLength(pool)
  if (Number.isInteger(length) && length >= min && length <= max) return length
  throw valueError('ERR_INVALID_VALUE', 'not a usable subnet size', {
    kind: 'prefix-length',
    text: String(length),
    expected: `a whole number from ${min} to ${max}`,
  })
}

function hintAfter(pool: Pool, found: Cidr | null): bigint {
  return (found === null ? cidrRange(pool.cidr) : cidrRange(found)).last + 1n
}

function blockStart({ cidr, subnetLength }: Pool, address: bigint): bigint {
  const bits = BigInt((ipFamily(addressOf(cidr)) === 4 ? 32 : 128) - subnetLength)
  return (address >> bits) << bits
}
