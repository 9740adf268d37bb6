/** A cluster as the cases see it: networks and endpoints, and the desired state of every node. */
import {
  ipBytes,
  ipFamily,
  macFromBytes,
  parseCidr,
  parseIp,
  parseMac,
  vni,
  type Ip,
  type Mac,
  type SocketAddress,
} from '@weft/core'
import type { ApplyReport } from '../dataplane.ts'
import type {
  Attachment,
  DesiredState,
  EndpointId,
  LocalEndpoint,
  NetworkId,
  NetworkSpec,
  NodeId,
  PeerSpec,
  RemoteEndpoint,
  SubnetSpec,
} from '../desired-state.ts'
import { expectedItems } from '../items.ts'
import { overlayMtu } from '../mtu.ts'
import type { Check } from './check.ts'
import type { Lab, LabEndpoint, LabInterface, LabNode, LabOptions } from './lab.ts'
import { LAB_DEFAULTS } from './compliance-case.ts'

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

/** The cluster of one case. Changing it changes nothing until `apply` or `converge`. */
export class Scene {
  readonly lab: Lab
  readonly check: Check
  readonly #world: LabOptions
  readonly #nodes = new Map<NodeId, LabNode>()
  readonly #tunnels = new Map<NodeId, SocketAddress>()
  readonly #networks = new Map<NetworkId, NetworkShape>()
  readonly #endpoints = new Map<string, Placed>()
  #generation = 0

  constructor(lab: Lab, check: Check, world: Partial<LabOptions> = {}) {
    this.lab = lab
    this.check = check
    this.#world = { ...LAB_DEFAULTS, ...world }
  }

  get nodes(): readonly LabNode[] {
    return [...this.#nodes.values()]
  }

  /** Add a host. Every other host is its peer. */
  async node(name: NodeId): Promise<LabNode> {
    const node = await this.lab.node(name)
    this.#nodes.set(name, node)
    this.#tunnels.set(name, node.tunnel)
    return node
  }

  /** Where a node's tunnel ends, when that is not where the lab put it. */
  retunnel(name: NodeId, tunnel: SocketAddress): void {
    this.#tunnels.set(name, tunnel)
  }

  /** Add or reshape a network. */
  network(id: NetworkId, subnets: readonly SubnetText[], shape: Partial<NetworkShape> = {}): void {
    const spec = { encapsulation: 'vxlan', mtu: null, subnets: subnets.map(subnet) } as const
    this.#networks.set(id, { ...spec, ...shape })
  }

  removeNetwork(id: NetworkId): void {
    this.#networks.delete(id)
    for (const [key, { network }] of this.#endpoints) {
      if (network === id) this.#endpoints.delete(key)
    }
  }

  /** Put an endpoint on a node. Its MAC follows from its first address unless given. */
  async endpoint(
    network: NetworkId,
    node: LabNode,
    face: { name: EndpointId; addresses: readonly string[]; mac?: string },
  ): Promise<Placed> {
    const { name } = face
    const addresses = face.addresses.map(parseIp)
    const mac = face.mac === undefined ? macOf(face.addresses[0] ?? '') : parseMac(face.mac)
    const inside = await node.endpoint(`${network}-${name}`, { mac, addresses })
    const { attachment } = inside
    const placed = { network, name, node, inside, mac, addresses, attachment }
    this.#endpoints.set(`${network}/${name}`, placed)
    return placed
  }

  /** The endpoint goes to another node and keeps its face. */
  async move(endpoint: Placed, node: LabNode): Promise<Placed> {
    const { network, name, mac, addresses } = endpoint
    return this.endpoint(network, node, { name, addresses, mac })
  }

  /** Change what is said of an endpoint. */
  replace(endpoint: Placed, changes: Partial<Placed>): Placed {
    const changed = { ...endpoint, ...changes }
    this.#endpoints.set(`${endpoint.network}/${endpoint.name}`, changed)
    return changed
  }

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
    return { generation: ++this.#generation, tunnel, peers, networks }
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

  /** Apply to one node; failures are the caller's to judge. */
  async apply(node: LabNode, desired = this.desired(node)): Promise<ApplyReport> {
    return node.dataplane.apply(desired)
  }

  /** Apply to every node; all must go well. */
  async converge(): Promise<void> {
    for (const node of this.#nodes.values()) await this.applied(node)
  }

  /** Apply to one node; all must go well. */
  async applied(node: LabNode, desired = this.desired(node)): Promise<ApplyReport> {
    const report = await this.apply(node, desired)
    const failures = report.failures.map(({ item, error }) => `${item} ${error.code}`)
    this.check.equal(failures, [], `apply on ${node.name} fails for no item`)
    this.check.equal(report.outcome, 'applied', `apply on ${node.name} is not passed over`)
    return report
  }

  /** What the machinery holds must be exactly what this desired state says. */
  async expectObserved(node: LabNode, desired: DesiredState, what: string): Promise<void> {
    const { items } = await node.dataplane.observe()
    this.check.equal(
      items,
      expectedItems(desired, (n) => this.mtuOf(n)),
      what,
    )
  }

  /** What an MTU comes to here. */
  mtuOf({ mtu }: Pick<NetworkSpec, 'mtu'>): number {
    return mtu ?? overlayMtu(this.#world.underlayMtuBytes, this.#world.underlay)
  }

  /** Family of the underlay. */
  get underlay(): 4 | 6 {
    return this.#world.underlay
  }
}

/** The addresses of one family. */
export function addressOfFamily({ addresses }: LabInterface, family: 4 | 6): Ip {
  const address = addresses.find((ip) => ipFamily(ip) === family)
  if (address === undefined) throw new Error('bug: the endpoint has no address of this family')
  return address
}
