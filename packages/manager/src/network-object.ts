/** Networks as SwarmKit writes them, and what can be read out of such objects again. */
import { create } from '@bufbuild/protobuf'
import { addressOf, ipFamily, parseInterfaceAddress, type Ip } from '@weft/core'
import { swarmPools, type PoolRequest, type SubnetRequest, type SubnetSpec } from '@weft/ipam'
import {
  DriverSchema,
  IPAMConfigSchema,
  IPAMOptionsSchema,
  NetworkSchema,
  type IPAMConfig,
  type Network,
  type NetworkSpec,
  type Task,
} from '@weft/swarm'
import { VNI_LIST_OPTION } from './network-spec.ts'

/** Prefix length of automatic subnets, unless the cluster says otherwise (docker-wire §6.5). */
const SUBNET_SIZE = 24

/** What a network was given. */
export interface PlannedNetwork {
  readonly id: string
  readonly spec: NetworkSpec
  readonly options: { readonly [name: string]: string }
  readonly subnets: readonly SubnetSpec[]
  /** One for each IPv4 subnet, in order. */
  readonly vnis: readonly number[]
}

/** The object of a planned network (docker-wire §7.13). */
export function networkObject({ id, spec, options, subnets, vnis }: PlannedNetwork): Network {
  const state = { ...options, [VNI_LIST_OPTION]: vnis.join(',') }
  return create(NetworkSchema, {
    id,
    spec,
    driverState: create(DriverSchema, { name: 'overlay', options: state }),
    // Stock workers dereference the driver (docker-wire §7.9).
    ipam: create(IPAMOptionsSchema, {
      driver: create(DriverSchema, { name: 'default' }),
      configs: subnets.map(configOf),
    }),
  })
}

/** The subnets of a network, as the requests that make them again. */
export function subnetRequests(network: Network): readonly SubnetRequest[] {
  return (network.ipam?.configs ?? []).map(({ subnet, gateway, range, reserved }) => ({
    cidr: subnet,
    gateway: gateway === '' ? null : gateway,
    ...(range === '' ? {} : { range }),
    reserved: Object.entries(reserved).map(([name, addresses]) => ({ name, addresses })),
  }))
}

/** The VNIs of a network. */
export function vnisOf(network: Network): readonly number[] {
  const list = network.driverState?.options[VNI_LIST_OPTION] ?? ''
  return list === '' ? [] : list.split(',').map(Number)
}

/** The addresses that a task holds, with the IDs of their networks. */
export function leasesOf(task: Task): readonly (readonly [networkId: string, address: Ip])[] {
  return task.networks.flatMap(({ network, addresses }) =>
    addresses.map((text) => [network?.id ?? '', addressOf(parseInterfaceAddress(text))] as const),
  )
}

/** A cluster's pools: Docker's when it names none. */
export function poolRequests(cidrs: readonly string[], size: number): readonly PoolRequest[] {
  const subnetLength = size === 0 ? SUBNET_SIZE : size
  const pools = cidrs.length === 0 ? swarmPools.map(({ cidr }) => cidr) : cidrs
  return pools.map((cidr) => ({ cidr, subnetLength }))
}

function configOf({ cidr, range, gateway, reserved }: SubnetSpec): IPAMConfig {
  return create(IPAMConfigSchema, {
    family: ipFamily(addressOf(cidr)),
    subnet: cidr,
    range: range === cidr ? '' : range,
    gateway: gateway ?? '',
    // Reservations of specs are single addresses.
    reserved: Object.fromEntries(reserved.map(({ name, prefix }) => [name, addressOf(prefix)])),
  })
}
