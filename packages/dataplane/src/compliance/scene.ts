/** A cluster in a lab: its nodes are real hosts of that world, and its plan is applied to them. */
import { ipFamily, parseIp, parseMac, type Ip } from '@weft/core'
import type { ApplyReport } from '../dataplane.ts'
import type { DesiredState, EndpointId, NetworkId, NetworkSpec, NodeId } from '../desired-state.ts'
import { expectedItems } from '../items.ts'
import { overlayMtu } from '../mtu.ts'
import type { Check } from './check.ts'
import { Cluster, macOf, type Placed } from './cluster.ts'
import { LAB_DEFAULTS } from './compliance-case.ts'
import type { Lab, LabInterface, LabNode, LabOptions, LabSealing } from './lab.ts'

/** The cluster of one case. */
export class Scene extends Cluster {
  readonly lab: Lab
  readonly check: Check
  readonly #world: LabOptions

  constructor(lab: Lab, check: Check, world: Partial<LabOptions> = {}) {
    const { sealing } = lab
    super(...(sealing === undefined ? CLEAR : sealedBy(sealing)))
    this.lab = lab
    this.check = check
    this.#world = { ...LAB_DEFAULTS, ...world }
  }

  /** Add a host. */
  async node(name: NodeId): Promise<LabNode> {
    const node = await this.lab.node(name)
    this.addNode(node)
    return node
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
    return this.replace({ network, name, node, inside, mac, addresses, attachment }, {})
  }

  /** The endpoint goes to another node and keeps its face. */
  async move(endpoint: Placed, node: LabNode): Promise<Placed> {
    const { network, name, mac, addresses } = endpoint
    return this.endpoint(network, node, { name, addresses, mac })
  }

  /** Apply to one node; failures are the caller's to judge. */
  async apply(node: LabNode, desired = this.desired(node)): Promise<ApplyReport> {
    return node.dataplane.apply(desired)
  }

  /** Apply to every node; all must go well. */
  async converge(): Promise<void> {
    for (const node of this.nodes) await this.applied(node)
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
    this.check.equal(items, this.#items(desired), what)
  }

  /** The same of what a predecessor has left: whose keys it sealed with, nobody can be asked. */
  async expectFound(node: LabNode, desired: DesiredState, what: string): Promise<void> {
    const { items } = await node.dataplane.observe()
    this.check.equal(withoutKeys(items), withoutKeys(this.#items(desired)), what)
  }

  /** How many items a successor makes anew: associations, whose keys cannot be read back. */
  remade(desired: DesiredState): number {
    return [...this.#items(desired).keys()].filter(isAssociation).length
  }

  #items(desired: DesiredState): Map<string, string> {
    return expectedItems(desired, (network) => this.mtuOf(network))
  }

  /** What an MTU comes to here. */
  mtuOf({ mtu, encapsulation = this.encapsulation }: MtuOf): number {
    const { underlay, underlayMtuBytes } = this.#world
    const extra = encapsulation === 'vxlan' ? 0 : (this.lab.sealing?.extraBytes ?? 0)
    return mtu ?? overlayMtu(underlayMtuBytes - extra, underlay, encapsulation)
  }
}

const isAssociation = (path: string): boolean => path.startsWith('associations/')

function withoutKeys(items: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...items].map(([path, text]) => [path, isAssociation(path) ? 'there' : text]))
}

/** Of a network, or of those that a case has usually. */
type MtuOf = Pick<NetworkSpec, 'mtu'> & Partial<Pick<NetworkSpec, 'encapsulation'>>

const CLEAR: ConstructorParameters<typeof Cluster> = ['vxlan', []]

/** Number of the key that seals from the start. */
export const FIRST_KEY = 7

/** As managers hand keys out: one seals, and two more open. */
function sealedBy(sealing: LabSealing): ConstructorParameters<typeof Cluster> {
  const keys = [FIRST_KEY, FIRST_KEY + 1, FIRST_KEY - 1].map((number) => sealing.key(number))
  return ['vxlan-esp', keys]
}

/** The addresses of one family. */
export function addressOfFamily({ addresses }: LabInterface, family: 4 | 6): Ip {
  const address = addresses.find((ip) => ipFamily(ip) === family)
  if (address === undefined) throw new Error('bug: the endpoint has no address of this family')
  return address
}
