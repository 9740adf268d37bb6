/** A control plane that does as it is told, and writes down what it was told. */
import { create } from '@bufbuild/protobuf'
import {
  createId,
  NetworkSchema,
  type Cluster,
  type Control,
  type Network,
  type NetworkSpec,
  type Node,
  type ObjectChange,
  type Task,
} from '@weft/swarm'
import { clusterOf, networkOf, nodeOf } from './from-json.ts'
import { RECORDED_NETWORKS, RECORDED_NODES, RECORDED_SWARM } from './recorded.ts'

/** What was asked, in order. */
export type Calls = [method: string, ...args: unknown[]][]

/** A control plane whose objects a test sets. */
export interface ScriptedControl extends Control {
  clusterObject: Cluster
  nodeObjects: readonly Node[]
  networkObjects: readonly Network[]
  taskObjects: readonly Task[]
  /** Thrown by the next write. */
  refusal: Error | null
  readonly watchers: Set<(change: ObjectChange) => void>
  tell(change: ObjectChange): void
}

export function scriptedControl(calls: Calls): ScriptedControl {
  const write = (method: string, ...args: unknown[]): void => {
    calls.push([method, ...args])
    const { refusal } = control
    control.refusal = null
    if (refusal !== null) throw refusal
  }
  const control: ScriptedControl = {
    clusterObject: clusterOf(RECORDED_SWARM),
    nodeObjects: RECORDED_NODES.map(nodeOf),
    networkObjects: RECORDED_NETWORKS.map(networkOf),
    taskObjects: [],
    refusal: null,
    watchers: new Set(),
    cluster: () => control.clusterObject,
    nodes: () => control.nodeObjects,
    networks: () => control.networkObjects,
    tasks: () => control.taskObjects,
    usage: (networkId) => ({ networkId, allocated: 3, capacity: 253, alarm: false }),
    watch: (listener) => {
      control.watchers.add(listener)
      return { [Symbol.dispose]: () => void control.watchers.delete(listener) }
    },
    tell: (change) => [...control.watchers].forEach((listener) => listener(change)),
    updateCluster: async (version, settings) => {
      write('updateCluster', version, settings)
      return control.clusterObject
    },
    rotateJoinToken: async (role) => {
      write('rotateJoinToken', role)
      return 'token'
    },
    updateNode: async (id, version, spec) => {
      write('updateNode', id, version, spec)
      const before = byId(control.nodeObjects, id)
      const object = { ...before, spec }
      control.nodeObjects = control.nodeObjects.map((node) => (node.id === id ? object : node))
      control.tell({ kind: 'node', action: 'update', object })
      return object
    },
    removeNode: async (id, options) => write('removeNode', id, options),
    createNetwork: async (spec) => {
      write('createNetwork', spec)
      const object = createdOf(spec, control.networkObjects.length)
      control.networkObjects = [...control.networkObjects, object]
      control.tell({ kind: 'network', action: 'create', object })
      return object
    },
    removeNetwork: async (id) => {
      write('removeNetwork', id)
      const object = byId(control.networkObjects, id)
      control.networkObjects = control.networkObjects.filter((network) => network.id !== id)
      control.tell({ kind: 'network', action: 'remove', object })
    },
  }
  return control
}

function byId<Thing extends { readonly id: string }>(all: readonly Thing[], id: string): Thing {
  const found = all.find((one) => one.id === id)
  if (found === undefined) throw new Error(`nothing has the ID ${id}`)
  return found
}

function createdOf(spec: NetworkSpec, number: number): Network {
  return create(NetworkSchema, {
    id: createId({ fill: (bytes) => void bytes.fill(number) }),
    meta: { version: { index: 1n }, createdAt: { seconds: 1_700_000_000n } },
    spec,
    driverState: { name: 'overlay', options: { ...spec.driverConfig?.options } },
    ipam: { driver: { name: 'default' }, configs: spec.ipam?.configs ?? [] },
  })
}
