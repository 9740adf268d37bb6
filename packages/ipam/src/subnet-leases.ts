/** The addresses of one subnet: which are leased, by whom, and which comes next. */
import {
  addressOf,
  assert,
  cidrContains,
  cidrRange,
  IPV4_BYTES,
  ipFamily,
  ipFromBigInt,
  ipFromBytes,
  ipToBigInt,
  setU32,
  u32,
  writeIp,
  type Cidr,
  type Ip,
  type IpFamily,
} from '@weft/core'
import { ipamError } from './ipam-errors.ts'
import { BITMAP_SIZE_MAX } from './lazy-bitmap.ts'
import { NumberPool, type PoolPosition } from './number-pool.ts'
import { ownAddresses, type SubnetSpec } from './subnet-spec.ts'

const scratch = new Uint8Array(IPV4_BYTES)

/**
 * Dynamic leases come from the subnet's range, by a NumberPool over its offsets (the first 2^48 of
 * a larger range). Explicit ones may lie anywhere in the subnet. Invariant: an address in the
 * range is taken in the pool exactly when it is leased and not reserved.
 */
export class SubnetLeases {
  readonly spec: SubnetSpec
  readonly family: IpFamily
  readonly #network: string
  readonly #first: bigint
  readonly #length: number
  /** First and last address of an IPv4 subnet: what is asked most is asked in plain numbers. */
  readonly #bounds: { readonly first: number; readonly last: number }
  readonly #pool: NumberPool
  readonly #leases = new Map<Ip, string>()
  /** Single addresses that are never leased to just anybody, and why. */
  readonly #own = new Map<Ip, string>()
  /** Reservations of one address by name: a holder of that name gets it. */
  readonly #promised = new Map<string, Ip>()

  constructor(network: string, spec: SubnetSpec) {
    this.#network = network
    this.spec = spec
    this.family = ipFamily(addressOf(spec.cidr))
    const all = cidrRange(spec.cidr)
    this.#bounds = { first: Number(all.first), last: Number(all.last) }
    const { first, last } = cidrRange(spec.range)
    this.#first = first
    this.#length = Number(min(last - first + 1n, BigInt(BITMAP_SIZE_MAX)))
    this.#pool = new NumberPool(this.#length)
    for (const { name, at } of ownAddresses(spec.cidr)) {
      this.#own.set(ipFromBigInt(at, this.family), name)
    }
    if (spec.gateway !== null) this.#own.set(spec.gateway, 'gateway')
    for (const address of this.#own.keys()) this.#block(ipToBigInt(address), ipToBigInt(address))
    for (const { name, prefix } of spec.reserved) this.#reserve(name, prefix)
  }

  /** Addresses for dynamic leases, and those of them that are leased. */
  get usage(): { readonly size: number; readonly used: number } {
    return { size: this.#pool.size, used: this.#pool.used }
  }

  get leases(): ReadonlyMap<Ip, string> {
    return this.#leases
  }

  get position(): PoolPosition {
    return this.#pool.position
  }

  resume(position: PoolPosition): void {
    this.#pool.resume(position)
  }

  #reserve(name: string, prefix: Cidr): void {
    const { first, last } = cidrRange(prefix)
    this.#block(first, last)
    const address = addressOf(prefix)
    if (first === last && !this.#own.has(address)) this.#promised.set(name, address)
  }

  /** Go on where another record of this subnet stood; what it leased and we do not, cools down. */
  resumeFrom(older: SubnetLeases): void {
    const { cursor, cooling } = older.position
    const vanished: number[] = []
    for (const address of older.leases.keys()) {
      const offset = this.#leases.has(address) ? null : this.#offsetOf(address)
      if (offset !== null && this.#reservationOf(address) === null) vanished.push(offset)
    }
    this.#pool.resume({ cursor, cooling: [...cooling, ...vanished] })
  }

  contains(address: Ip): boolean {
    if (ipFamily(address) !== this.family) return false
    if (this.family === 6) return cidrContains(this.spec.cidr, address)
    writeIp(scratch, 0, address)
    const value = u32(scratch, 0)
    return this.#bounds.first <= value && value <= this.#bounds.last
  }

  /** The address that a reservation of this name keeps for such a holder, when still free. */
  promisedTo(holder: string): Ip | null {
    const address = this.#promised.get(holder)
    return address === undefined || this.#leases.has(address) ? null : address
  }

  /** Lease the next address; null when all are taken. */
  take(holder: string): Ip | null {
    const offset = this.#pool.take()
    if (offset === null) return null
    const address = this.#addressAt(offset)
    assert(!this.#leases.has(address), 'a free address has no holder')
    this.#leases.set(address, holder)
    return address
  }

  /** Lease this address of the subnet. Throws ERR_ADDRESS_TAKEN, ERR_ADDRESS_RESERVED. */
  claim(address: Ip, holder: string): void {
    const current = this.#leases.get(address)
    if (current !== undefined) {
      const facts = { network: this.#network, address, holder: current }
      throw ipamError('ERR_ADDRESS_TAKEN', 'another holder has the address', facts)
    }
    const reservation = this.#reservationOf(address)
    if (reservation !== null && this.#promised.get(holder) !== address) {
      const facts = { network: this.#network, address, name: reservation }
      throw ipamError('ERR_ADDRESS_RESERVED', 'the address is kept back', facts)
    }
    const offset = this.#offsetOf(address)
    const claimed = reservation !== null || offset === null || this.#pool.claim(offset)
    assert(claimed, 'an address that nobody has and nothing keeps is free')
    this.#leases.set(address, holder)
  }

  /** End a lease. Throws ERR_NOT_LEASED, and ERR_ADDRESS_TAKEN when another holder has it. */
  release(address: Ip, holder: string): void {
    const current = this.#leases.get(address)
    const facts = { network: this.#network, address }
    if (current === undefined) throw ipamError('ERR_NOT_LEASED', 'nobody has the address', facts)
    if (current !== holder) {
      const taken = { ...facts, holder: current }
      throw ipamError('ERR_ADDRESS_TAKEN', 'another holder has the address', taken)
    }
    this.#leases.delete(address)
    const offset = this.#offsetOf(address)
    if (offset !== null && this.#reservationOf(address) === null) this.#pool.give(offset)
  }

  /** What the address is kept back for, or null. */
  #reservationOf(address: Ip): string | null {
    const own = this.#own.get(address)
    if (own !== undefined) return own
    return this.spec.reserved.find(({ prefix }) => cidrContains(prefix, address))?.name ?? null
  }

  /** Take the part of an address range that lies in the pool out of it. */
  #block(first: bigint, last: bigint): void {
    const from = first - this.#first
    const to = min(last - this.#first, BigInt(this.#length) - 1n)
    if (to >= 0n && from <= to) this.#pool.block(from < 0n ? 0 : Number(from), Number(to))
  }

  #addressAt(offset: number): Ip {
    if (this.family === 6) return ipFromBigInt(this.#first + BigInt(offset), 6)
    setU32(scratch, 0, Number(this.#first) + offset)
    return ipFromBytes(scratch, 0, 4)
  }

  /** Where the address stands in the pool, or null when it is outside. */
  #offsetOf(address: Ip): number | null {
    const offset = this.#distance(address)
    return offset < 0 || offset >= this.#length ? null : offset
  }

  /** From the first address of the pool; exact wherever it matters, that is below 2^53. */
  #distance(address: Ip): number {
    if (this.family === 6) return Number(ipToBigInt(address) - this.#first)
    writeIp(scratch, 0, address)
    return u32(scratch, 0) - Number(this.#first)
  }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
