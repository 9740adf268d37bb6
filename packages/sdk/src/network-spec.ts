/** Networks as programs ask for them and see them, from and to SwarmKit's messages. */
import { create } from '@bufbuild/protobuf'
import type { Cidr, Ip } from '@weft/core'
import { NetworkSpecSchema, type Network, type NetworkSpec } from '@weft/swarm'

/** A network to be made. Only the name is needed: subnets come from the cluster's pools. */
export interface NewNetwork {
  readonly name: string
  /** Whether `attach` may be used on it; true unless given. */
  readonly attachable?: boolean
  /** Without a gateway to the outside. */
  readonly internal?: boolean
  readonly ipv6?: boolean
  /** Of its packets, in bytes; what the underlay leaves unless given. */
  readonly mtuBytes?: number
  /** Packets between nodes are sealed by the kernel. */
  readonly encrypted?: boolean
  readonly subnets?: readonly NewSubnet[]
  readonly labels?: Readonly<Record<string, string>>
}

/** A subnet that is chosen instead of allocated. */
export interface NewSubnet {
  readonly subnet: Cidr
  readonly gateway?: Ip
  /** Where addresses come from, inside the subnet. */
  readonly range?: Cidr
  /** Addresses that nobody is given, by a name for each. */
  readonly reserved?: Readonly<Record<string, Ip>>
}

/** A network as it is. */
export interface NetworkView {
  readonly id: string
  readonly name: string
  readonly attachable: boolean
  readonly internal: boolean
  readonly subnets: readonly { readonly subnet: string; readonly gateway: string }[]
  readonly labels: Readonly<Record<string, string>>
}

/** Options of Docker's driver (docker-wire §6.6). */
const MTU_OPTION = 'com.docker.network.driver.mtu'
const ENCRYPTED_OPTION = 'encrypted'

/** What `docker network create -d overlay` would ask a manager for. */
export function networkSpecOf(network: NewNetwork): NetworkSpec {
  const { name, attachable = true, internal = false, ipv6 = false, labels = {} } = network
  const { subnets = [] } = network
  return create(NetworkSpecSchema, {
    annotations: { name, labels: { ...labels } },
    driverConfig: { name: 'overlay', options: overlayOptions(network) },
    attachable,
    internal,
    ipv6Enabled: ipv6,
    ...(subnets.length > 0 && { ipam: { configs: subnets.map(configOf) } }),
  })
}

/** What is worth knowing of a network. */
export function networkViewOf({ id, spec, ipam }: Network): NetworkView {
  return {
    id,
    name: spec?.annotations?.name ?? '',
    attachable: spec?.attachable ?? false,
    internal: spec?.internal ?? false,
    subnets: (ipam?.configs ?? []).map(({ subnet, gateway }) => ({ subnet, gateway })),
    labels: spec?.annotations?.labels ?? {},
  }
}

function overlayOptions({ mtuBytes, encrypted = false }: NewNetwork): Record<string, string> {
  return {
    ...(mtuBytes !== undefined && { [MTU_OPTION]: String(mtuBytes) }),
    ...(encrypted && { [ENCRYPTED_OPTION]: '' }),
  }
}

function configOf({ subnet, gateway = '' as Ip, range, reserved = {} }: NewSubnet) {
  return { subnet, gateway, range: range ?? '', reserved: { ...reserved } }
}
