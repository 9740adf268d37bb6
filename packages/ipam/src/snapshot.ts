/** All of an address space as plain JSON, and back, with every contradiction found and named. */
import { parseIp } from '@weft/core'
import type { Ipam } from './ipam.ts'
import { ipamError } from './ipam-errors.ts'
import type { JsonReader } from './json-reader.ts'
import { BITMAP_SIZE_MAX } from './lazy-bitmap.ts'
import type { NetworkLeases } from './network-leases.ts'
import { COOLING_LENGTH_MAX, type PoolPosition } from './number-pool.ts'
import type { SubnetLeases } from './subnet-leases.ts'
import type { PoolRequest } from './subnet-planner.ts'
import { subnetRequest, type SubnetRequest } from './subnet-spec.ts'
import type { VniAllocator } from './vni-allocator.ts'

/** The version this package writes, and the only one it reads. */
export const SNAPSHOT_VERSION = 1

/** A subnet with its leases, as pairs of address and holder. */
export interface SubnetSnapshot extends SubnetRequest, PoolPosition {
  readonly leases: readonly (readonly [address: string, holder: string])[]
}

/** A network with its subnets, in the order they were added. */
export interface NetworkSnapshot {
  readonly id: string
  readonly closing: boolean
  readonly subnets: readonly SubnetSnapshot[]
}

/** Everything an Ipam knows. */
export interface IpamSnapshot {
  readonly version: number
  readonly pools: readonly PoolRequest[]
  readonly reserved: readonly { readonly cidr: string; readonly name: string }[]
  readonly networks: readonly NetworkSnapshot[]
  readonly vnis: PoolPosition & {
    readonly holders: readonly (readonly [vni: number, holder: string])[]
  }
}

/** One network as plain data. */
export function networkSnapshot(network: NetworkLeases): NetworkSnapshot {
  const subnets = network.subnets.map((subnet) => ({
    ...subnetRequest(subnet.spec),
    ...subnet.position,
    leases: [...subnet.leases],
  }))
  return { id: network.id, closing: network.closing, subnets }
}

/** The VNIs as plain data. */
export function vniSnapshot(vnis: VniAllocator): IpamSnapshot['vnis'] {
  return { ...vnis.position, holders: [...vnis.holders] }
}

/** Fill an empty Ipam. Throws ERR_SNAPSHOT_VERSION, ERR_SNAPSHOT_INVALID. */
export function readSnapshot(ipam: Ipam, top: JsonReader): void {
  const version = top.field('version').whole(BITMAP_SIZE_MAX)
  if (version !== SNAPSHOT_VERSION) {
    const facts = { version, supported: SNAPSHOT_VERSION }
    throw ipamError('ERR_SNAPSHOT_VERSION', 'a snapshot of another version', facts)
  }
  for (const pool of top.field('pools').items()) {
    const cidr = pool.field('cidr').text()
    const subnetLength = pool.field('subnetLength').whole(128)
    pool.apply(() => ipam.addPool({ cidr, subnetLength }))
  }
  for (const reserved of top.field('reserved').items()) {
    const [cidr, name] = [reserved.field('cidr').text(), reserved.field('name').text()]
    reserved.apply(() => ipam.reserve(cidr, name))
  }
  for (const network of top.field('networks').items()) readNetwork(ipam, network)
  readVnis(ipam.vnis, top.field('vnis'))
}

function readNetwork(ipam: Ipam, from: JsonReader): void {
  const id = from.field('id').text()
  const subnets = from.field('subnets').items()
  const requests = subnets.map(readSubnet)
  from.apply(() => ipam.createNetwork(id, requests))
  const network = ipam.network(id)
  subnets.forEach((subnet, at) => {
    const leases = network.subnets[at]
    if (leases !== undefined) readLeases(network, leases, subnet)
  })
  if (from.field('closing').flag()) network.close()
}

function readSubnet(from: JsonReader): SubnetRequest {
  const gateway = from.field('gateway')
  const reserved = from.field('reserved').items()
  return {
    cidr: from.field('cidr').text(),
    gateway: gateway.isNull() ? null : gateway.text(),
    range: from.field('range').text(),
    reserved: reserved.map((one) => {
      return { name: one.field('name').text(), addresses: one.field('addresses').text() }
    }),
  }
}

function readLeases(network: NetworkLeases, subnet: SubnetLeases, from: JsonReader): void {
  for (const lease of from.field('leases').items()) {
    const [address, holder] = lease.items(2)
    if (address === undefined || holder === undefined) throw lease.invalid('two items')
    lease.apply(() => {
      const ip = parseIp(address.text())
      if (!subnet.contains(ip)) throw address.invalid('an address of this subnet')
      if (network.holderOf(ip) !== null) throw address.invalid('an address leased once')
      network.adopt(ip, holder.text())
    })
  }
  subnet.resume(readPosition(from))
}

function readPosition(from: JsonReader): PoolPosition {
  const cooling = from.field('cooling').items()
  if (cooling.length > COOLING_LENGTH_MAX) {
    throw from.field('cooling').invalid(`at most ${COOLING_LENGTH_MAX} items`)
  }
  return {
    cursor: from.field('cursor').whole(BITMAP_SIZE_MAX),
    cooling: cooling.map((one) => one.whole(BITMAP_SIZE_MAX)),
  }
}

function readVnis(vnis: VniAllocator, from: JsonReader): void {
  for (const pair of from.field('holders').items()) {
    const [id, holder] = pair.items(2)
    if (id === undefined || holder === undefined) throw pair.invalid('two items')
    pair.apply(() => {
      const number = id.whole(BITMAP_SIZE_MAX)
      if (vnis.holderOf(number) !== null) throw id.invalid('a VNI allocated once')
      vnis.allocate(holder.text(), number)
    })
  }
  vnis.resume(readPosition(from))
}
