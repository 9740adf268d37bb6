/** What a backend reads back from its machinery, and the items that `observe()` makes of it. */
import {
  formatSocketAddress,
  ipFamily,
  type Ip,
  type Mac,
  type SocketAddress,
  type Vni,
} from '@weft/core'
import type { AcceptedNetwork, AcceptedState } from './accepted-state.ts'
import type {
  Attachment,
  Encapsulation,
  EndpointId,
  NetworkId,
  PrefixSpec,
  SubnetSpec,
} from './desired-state.ts'
import { itemPath, itemText } from './items.ts'
import { subnetFinder } from './subnet-finder.ts'

/** All that is programmed under our names. */
export interface ProgrammedState {
  readonly networks: ReadonlyMap<NetworkId, ProgrammedNetwork>
}

/** One network as the machinery has it. */
export interface ProgrammedNetwork {
  readonly encapsulation: Encapsulation
  /** Bytes. */
  readonly mtu: number
  readonly subnets: ReadonlyMap<Vni, ProgrammedSubnet>
  readonly local: ReadonlyMap<EndpointId, ProgrammedEndpoint>
}

/** One broadcast domain with its static entries. */
export interface ProgrammedSubnet extends SubnetSpec {
  /** Our side of the tunnel, as far as the machinery knows it; the port always. */
  readonly tunnel: { readonly ip: Ip | null; readonly port: number; readonly family: 4 | 6 }
  readonly forwarding: ReadonlyMap<Mac, SocketAddress>
  readonly neighbours: ReadonlyMap<Ip, Mac>
}

/** A local endpoint. `attachment` is null when it cannot be told or is not as it should be. */
export interface ProgrammedEndpoint {
  /** The subnet it is plugged into; null when it hangs in the air. */
  readonly vni: Vni | null
  readonly mac: Mac
  readonly addresses: readonly Ip[]
  readonly attachment: Attachment | null
}

/** The items of `observe()`. */
export function programmedItems(state: ProgrammedState): Map<string, string> {
  const items = new Map<string, string>()
  for (const [id, network] of state.networks) {
    items.set(itemPath.network(id), itemText.network(network.encapsulation, network.mtu))
    for (const subnet of network.subnets.values()) addSubnetItems(items, id, subnet)
    for (const [name, { mac, addresses }] of network.local) {
      items.set(itemPath.local(id, name), itemText.local(mac, addresses))
    }
  }
  return items
}

function addSubnetItems(items: Map<string, string>, id: NetworkId, subnet: ProgrammedSubnet): void {
  const { vni } = subnet
  items.set(itemPath.subnet(id, vni), itemText.subnet(subnet, subnet.tunnel.port))
  for (const [mac, to] of subnet.forwarding) {
    items.set(itemPath.forwarding(id, vni, mac), formatSocketAddress(to))
  }
  for (const [ip, mac] of subnet.neighbours) {
    items.set(itemPath.neighbour(id, vni, ip), itemText.neighbour(mac))
  }
}

/** What the machinery must say when an accepted state is programmed and nothing is amiss. */
export function programmedOf(state: AcceptedState): ProgrammedState {
  const networks = new Map<NetworkId, ProgrammedNetwork>()
  for (const [id, network] of state.networks) networks.set(id, programmedNetwork(state, network))
  return { networks }
}

function programmedNetwork(state: AcceptedState, network: AcceptedNetwork): ProgrammedNetwork {
  const finder = subnetFinder(network.subnets)
  const forwarding = new Map<Vni, Map<Mac, SocketAddress>>()
  const neighbours = new Map<Vni, Map<Ip, Mac>>()
  for (const { vni } of network.subnets) {
    forwarding.set(vni, new Map())
    neighbours.set(vni, new Map())
  }
  for (const { mac, addresses, node } of network.remote.values()) {
    const subnet = finder.subnetOf(addresses)
    const peer = state.peers.get(node)
    if (subnet === null || peer === undefined) continue
    forwarding.get(subnet.vni)?.set(mac, peer.tunnel)
    for (const ip of addresses) neighbours.get(subnet.vni)?.set(ip, mac)
  }
  return {
    encapsulation: network.encapsulation,
    mtu: network.mtu,
    subnets: new Map(
      network.subnets.map((subnet) => [
        subnet.vni,
        {
          ...programmedShape(subnet, state.tunnel),
          forwarding: forwarding.get(subnet.vni) ?? new Map(),
          neighbours: neighbours.get(subnet.vni) ?? new Map(),
        },
      ]),
    ),
    local: new Map(
      [...network.local].map(([name, { mac, addresses, attachment }]) => [
        name,
        { vni: finder.subnetOf(addresses)?.vni ?? null, mac, addresses, attachment },
      ]),
    ),
  }
}

function programmedShape(
  { vni, prefixes }: { vni: Vni; prefixes: readonly PrefixSpec[] },
  tunnel: SocketAddress,
): Pick<ProgrammedSubnet, 'vni' | 'prefixes' | 'tunnel'> {
  const family = ipFamily(tunnel.ip)
  return { vni, prefixes, tunnel: { ip: tunnel.ip, port: tunnel.port, family } }
}
