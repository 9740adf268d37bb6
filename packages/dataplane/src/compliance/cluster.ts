/** A cluster as the cases see it: networks and endpoints, and the desired state of every node. */
import {
  ipBytes,
  macFromBytes,
  parseCidr,
  parseIp,
  vni,
  type Ip,
  type Mac,
  type SocketAddress,
} from '@weft/core'
import type {
  Attachment,
  DesiredState,
  Encapsulation,
  EndpointId,
  LocalEndpoint,
  NetworkId,
  NetworkSpec,
  NodeId,
  PeerSpec,
  RemoteEndpoint,
  SubnetSpec,
} from '../desired-state.ts'
import type { TunnelKey } from '../tunnel-key.ts'
import type { LabEndpoint, LabInterface, LabNode } from './lab.ts'

/** An endpoint with the place it has in the cluster. */
export interface Placed extends LabInterface {
  readonly network: NetworkId
  readonly name: EndpointId
  readonly node: LabNode
  readonly inside: LabEndpoint
  /** Where it is to be attached: at its inside, unless a case wants it elsewhere. */
  readonly attachment: Attachment
}

/** A network without its endpoints. */
export type NetworkShape = Pick<NetworkSpec, 'encapsulation' | 'mtu' | 'subnets'>

/** What a case says of a subnet: a VNI, then prefixes each with a gateway or null. */
export type SubnetText = readonly [number, ...(readonly [string, string | null])[]]

/** A subnet from text. */
export function subnet([id, ...prefixes]: SubnetText): SubnetSpec {
  return {
    vni: vni(id),
    prefixes: prefixes.map(([cidr, gateway]) => ({
      cidr: parseCidr(cidr),
      gateway: gateway === null ? null : parseIp(gateway),
    })),
  }
}

/** The subnet most cases use. */
export const BLUE: SubnetText = [4097, ['10.0.1.0/24', '10.0.1.1']]
/** The same address space under another VNI. */
export const GREEN: SubnetText = [4098, ['10.0.1.0/24', '10.0.1.1']]
/** A subnet of both families. */
export const DUAL: SubnetText = [4099, ['10.0.2.0/24', '10.0.2.1'], ['fd00:2::/64', 'fd00:2::1']]
/** Gateway of BLUE and GREEN. */
export const GATEWAY: Ip = parseIp('10.0.1.1')

/** The MAC that Docker would give: `02:42` and the last four bytes of the address. */
export function macOf(address: string): Mac {
  const bytes = ipBytes(parseIp(address))
  return macFromBytes(Uint8Array.of(2, 0x42, ...bytes.subarray(bytes.length - 4)))
}

/** The plan of a cluster. Changing it changes nothing until some node is told. */
export class Cluster {
  readonly #nodes = new Map<NodeId, LabNode>()
  readonly #tunnels = new Map<NodeId, SocketAddress>()
  readonly #networks = new Map<NetworkId, NetworkShape>()
  readonly #endpoints = new Map<string, Placed>()
  readonly #keys = new Map<NodeId, readonly TunnelKey[]>()
  readonly #usual: { readonly encapsulation: Encapsulation; readonly keys: readonly TunnelKey[] }
  #generation = 0

  /** What networks have unless a case says otherwise, and the keys that nodes begin with. */
  constructor(encapsulation: Encapsulation, keys: readonly TunnelKey[]) {
    this.#usual = { encapsulation, keys }
  }

  /** What networks have unless a case says otherwise. */
  get encapsulation(): Encapsulation {
    return this.#usual.encapsulation
  }

  get nodes(): readonly LabNode[] {
    return [...this.#nodes.values()]
  }

  /** Add a host. Every other host is its peer. */
  addNode(node: LabNode): void {
    this.#nodes.set(node.name, node)
    this.#tunnels.set(node.name, node.tunnel)
  }

  /** Where a node's tunnel ends, when that is not where the lab put it. */
  retunnel(name: NodeId, tunnel: SocketAddress): void {
    this.#tunnels.set(name, tunnel)
  }

  /** The keys of a node from now on: the first seals, all open. */
  rekey(node: LabNode, keys: readonly TunnelKey[]): void {
    this.#keys.set(node.name, keys)
  }

  /** Add or reshape a network. */
  network(id: NetworkId, subnets: readonly SubnetText[], shape: Partial<NetworkShape> = {}): void {
    const { encapsulation } = this.#usual
    const spec = { encapsulation, mtu: null, subnets: subnets.map(subnet) }
    this.#networks.set(id, { ...spec, ...shape })
  }

  /** Remove a network and the endpoints on it. */
  removeNetwork(id: NetworkId): void {
    this.#networks.delete(id)
    for (const [key, { network }] of this.#endpoints) {
      if (network === id) this.#endpoints.delete(key)
    }
  }

  /** Add an endpoint, or change what is said of it. */
  replace(endpoint: Placed, changes: Partial<Placed>): Placed {
    const changed = { ...endpoint, ...changes }
    this.#endpoints.set(`${changed.network}/${changed.name}`, changed)
    return changed
  }

  /** Remove an endpoint. */
  removeEndpoint({ network, name }: Placed): void {
    this.#endpoints.delete(`${network}/${name}`)
  }

  /** What should be true on a node now, of a generation of its own. */
  desired(node: LabNode): DesiredState {
    const peers = new Map<NodeId, PeerSpec>()
    for (const [id, tunnel] of this.#tunnels) if (id !== node.name) peers.set(id, { tunnel })
    const networks = new Map<NetworkId, NetworkSpec>()
    for (const [id, shape] of this.#networks) {
      networks.set(id, { ...shape, ...this.#endpointsOn(id, node) })
    }
    const tunnel = this.#tunnels.get(node.name) ?? node.tunnel
    const keys = this.#keys.get(node.name) ?? this.#usual.keys
    const secrets = keys.length === 0 ? {} : { keys }
    return { generation: ++this.#generation, tunnel, peers, networks, ...secrets }
  }

  #endpointsOn(id: NetworkId, node: LabNode): Pick<NetworkSpec, 'local' | 'remote'> {
    const local = new Map<EndpointId, LocalEndpoint>()
    const remote = new Map<EndpointId, RemoteEndpoint>()
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.network !== id) continue
      const { name, node: home, mac, addresses, attachment } = endpoint
      if (home.name === node.name) local.set(name, { mac, addresses, attachment })
      else remote.set(name, { mac, addresses, node: home.name })
    }
    return { local, remote }
  }
}
