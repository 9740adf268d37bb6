/**
 * Names and canonical text of what a dataplane programs: failures name the desired path, read-back
 * uses the observed path and text, and both backends and tests get them here and nowhere else.
 */
import { formatSocketAddress, type Ip, type Mac, type SocketAddress, type Vni } from '@weft/core'
import type {
  DesiredState,
  EndpointId,
  NetworkId,
  NetworkSpec,
  NodeId,
  PrefixSpec,
  SubnetSpec,
} from './desired-state.ts'
import { associationTags, sealedPeers, type AssociationTags } from './sealing.ts'
import { subnetFinder } from './subnet-finder.ts'

/** Desired and observed paths of items. */
export const itemPath = {
  /** Our own VTEP: it fails when nothing here can use it. */
  tunnel: 'tunnel',
  peer: (id: NodeId): string => `peers/${id}`,
  network: (id: NetworkId): string => `networks/${id}`,
  subnet: (id: NetworkId, vni: Vni): string => `networks/${id}/subnets/${vni}`,
  local: (id: NetworkId, endpoint: EndpointId): string => `networks/${id}/local/${endpoint}`,
  /** Desired path of a remote endpoint; on the machinery it is forwarding and neighbours. */
  remote: (id: NetworkId, endpoint: EndpointId): string => `networks/${id}/remote/${endpoint}`,
  /** Observed path of the forwarding entry of a remote MAC. */
  forwarding: (id: NetworkId, vni: Vni, mac: Mac): string => `networks/${id}/fdb/${vni}/${mac}`,
  /** Observed path of the neighbour entry of a remote address. */
  neighbour: (id: NetworkId, vni: Vni, ip: Ip): string => `networks/${id}/neighbours/${vni}/${ip}`,
  /** Observed path of what keeps the clear datagrams of an encrypted VNI out and in. */
  guard: (vni: Vni): string => `guards/${vni}`,
  /** Observed path of the security associations with a peer. */
  association: (ip: Ip): string => `associations/${ip}`,
} as const

/** Canonical text of items as `observe()` gives it. */
export const itemText = {
  network: (encapsulation: string, mtuBytes: number): string => `${encapsulation} mtu ${mtuBytes}`,
  /** Prefixes in the order of their text: neither side of a comparison has another to offer. */
  subnet: ({ prefixes }: Pick<SubnetSpec, 'prefixes'>, port: number): string =>
    [`port ${port}`, ...prefixes.map(prefixText).sort()].join(' '),
  local: (mac: Mac, addresses: readonly Ip[]): string =>
    `${mac} ${[...addresses].sort().join(' ')}`,
  forwarding: (to: SocketAddress): string => formatSocketAddress(to),
  neighbour: (mac: Mac): string => mac,
  guard: (port: number): string => `port ${port} encrypted only`,
  association: ({ opens, seals }: AssociationTags): string =>
    `seals ${seals ?? 'nothing'} opens ${[...opens].map(String).sort().join(' ')}`,
} as const

function prefixText({ cidr, gateway }: PrefixSpec): string {
  return `${cidr} gateway ${gateway ?? 'none'}`
}

/** The subnet that holds all these addresses; null when none does. */
export function subnetOf(network: NetworkSpec, addresses: readonly Ip[]): SubnetSpec | null {
  return subnetFinder(network.subnets).subnetOf(addresses)
}

/**
 * What `observe()` must list when all of a valid desired state is programmed. `mtuOf` says what a
 * null MTU came to on this node.
 */
export function expectedItems(
  desired: DesiredState,
  mtuOf: (network: NetworkSpec) => number,
): Map<string, string> {
  const items = new Map<string, string>()
  for (const [id, network] of desired.networks) {
    items.set(itemPath.network(id), itemText.network(network.encapsulation, mtuOf(network)))
    for (const subnet of network.subnets) {
      items.set(itemPath.subnet(id, subnet.vni), itemText.subnet(subnet, desired.tunnel.port))
    }
    for (const [name, endpoint] of network.local) {
      items.set(itemPath.local(id, name), itemText.local(endpoint.mac, endpoint.addresses))
    }
    addRemoteItems(items, id, { desired, network })
    if (network.encapsulation !== 'vxlan-esp') continue
    for (const { vni } of network.subnets) {
      items.set(itemPath.guard(vni), itemText.guard(desired.tunnel.port))
    }
  }
  const tags = associationTags(desired.keys ?? [])
  for (const { ip } of sealedPeers(desired)) {
    items.set(itemPath.association(ip), itemText.association(tags))
  }
  return items
}

function addRemoteItems(
  items: Map<string, string>,
  id: NetworkId,
  { desired, network }: { desired: DesiredState; network: NetworkSpec },
): void {
  for (const endpoint of network.remote.values()) {
    const subnet = subnetOf(network, endpoint.addresses)
    const peer = desired.peers.get(endpoint.node)
    if (subnet === null || peer === undefined) continue
    const forwarding = itemPath.forwarding(id, subnet.vni, endpoint.mac)
    items.set(forwarding, itemText.forwarding(peer.tunnel))
    for (const ip of endpoint.addresses) {
      items.set(itemPath.neighbour(id, subnet.vni, ip), itemText.neighbour(endpoint.mac))
    }
  }
}
