/** A control plane that does as it is told, and writes down what it was told. */
import { create } from '@bufbuild/protobuf'
import {
  createId,
  NetworkSchema,
  type CertificateRole,
  type Cluster,
  type ClusterSettings,
  type Control,
  type Network,
  type NetworkSpec,
  type NetworkUsage,
  type Node,
  type NodeSpec,
  type ObjectChange,
  type Task,
} from '@weft/swarm'
import { clusterOf, networkOf, nodeOf } from './from-json.ts'
import { RECORDED_NETWORKS, RECORDED_NODES, RECORDED_SWARM } from './recorded.ts'

/** What was asked, in order. */
export type Calls = [method: string, ...args: unknown[]][]

export class ScriptedControl implements Control {
  readonly calls: Calls
  clusterObject: Cluster = clusterOf(RECORDED_SWARM)
  nodeObjects: Node[] = RECORDED_NODES.map(nodeOf)
  networkObjects: Network[] = RECORDED_NETWORKS.map(networkOf)
  taskObjects: Task[] = []
  /** Thrown by the next write. */
  refusal: Error | null = null
  readonly watchers = new Set<(change: ObjectChange) => void>()

  constructor(calls: Calls) {
    this.calls = calls
  }

  cluster(): Cluster {
    return this.clusterObject
  }

  nodes(): readonly Node[] {
    return this.nodeObjects
  }

  networks(): readonly Network[] {
    return this.networkObjects
  }

  tasks(): readonly Task[] {
    return this.taskObjects
  }

  async updateCluster(version: bigint, settings: Partial<ClusterSettings>): Promise<Cluster> {
    this.#write('updateCluster', version, settings)
    return this.clusterObject
  }

  async rotateJoinToken(role: CertificateRole): Promise<string> {
    this.#write('rotateJoinToken', role)
    return 'token'
  }

  async updateNode(id: string, version: bigint, spec: NodeSpec): Promise<Node> {
    this.#write('updateNode', id, version, spec)
    const before = this.nodeObjects.find((node) => node.id === id)
    if (before === undefined) throw new Error('no such node')
    const object = { ...before, spec }
    this.nodeObjects = this.nodeObjects.map((node) => (node.id === id ? object : node))
    this.tell({ kind: 'node', action: 'update', object })
    return object
  }

  async removeNode(id: string, options: { readonly force: boolean }): Promise<void> {
    this.#write('removeNode', id, options)
  }

  async createNetwork(spec: NetworkSpec): Promise<Network> {
    this.#write('createNetwork', spec)
    const fill = (bytes: Uint8Array): void => void bytes.fill(this.networkObjects.length)
    const object = create(NetworkSchema, {
      id: createId({ fill }),
      meta: { version: { index: 1n }, createdAt: { seconds: 1_700_000_000n } },
      spec,
      driverState: { name: 'overlay', options: { ...spec.driverConfig?.options } },
      ipam: { driver: { name: 'default' }, configs: spec.ipam?.configs ?? [] },
    })
    this.networkObjects = [...this.networkObjects, object]
    this.tell({ kind: 'network', action: 'create', object })
    return object
  }

  async removeNetwork(id: string): Promise<void> {
    this.#write('removeNetwork', id)
    const object = this.networkObjects.find((network) => network.id === id)
    if (object === undefined) throw new Error('no such network')
    this.networkObjects = this.networkObjects.filter((network) => network.id !== id)
    this.tell({ kind: 'network', action: 'remove', object })
  }

  usage(networkId: string): NetworkUsage {
    return { networkId, allocated: 3, capacity: 253, alarm: false }
  }

  watch(listener: (change: ObjectChange) => void): Disposable {
    this.watchers.add(listener)
    return { [Symbol.dispose]: () => void this.watchers.delete(listener) }
  }

  tell(change: ObjectChange): void {
    for (const listener of [...this.watchers]) listener(change)
  }

  #write(method: string, ...args: unknown[]): void {
    this.calls.push([method, ...args])
    if (this.refusal === null) return
    const { refusal } = this
    this.refusal = null
    throw refusal
  }
}
