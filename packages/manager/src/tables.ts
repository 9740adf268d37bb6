/** The objects of a cluster by kind and ID, with the indexes that its questions need. */
import type { Cluster, Network, Node, Task } from '@weft/swarm'
import { toldBytes } from './told-task.ts'

/** Objects by the name of their kind, which begins their key in the store. */
export interface ObjectKinds {
  readonly cluster: Cluster
  readonly node: Node
  readonly network: Network
  readonly task: Task
}

/** Name of a kind. */
export type ObjectKind = keyof ObjectKinds

/** Every kind, in the order they are read: what is referred to comes first. */
export const OBJECT_KINDS = ['cluster', 'node', 'network', 'task'] as const

/**
 * Objects in memory. Objects are never changed, only replaced. Invariant: each index holds exactly
 * the objects that are in the maps.
 */
export class Tables {
  readonly #objects: { [Kind in ObjectKind]: Map<string, ObjectKinds[Kind]> } = {
    cluster: new Map(),
    node: new Map(),
    network: new Map(),
    task: new Map(),
  }
  readonly #networkNames = new Map<string, Network>()
  readonly #byNode = new Map<string, Map<string, Task>>()
  readonly #byNetwork = new Map<string, Map<string, Task>>()
  readonly #byHolder = new Map<string, Task>()
  readonly #bytesByNode = new Map<string, number>()

  /** All objects of a kind by ID. */
  all<Kind extends ObjectKind>(kind: Kind): ReadonlyMap<string, ObjectKinds[Kind]> {
    return this.#objects[kind]
  }

  get<Kind extends ObjectKind>(kind: Kind, id: string): ObjectKinds[Kind] | null {
    return this.#objects[kind].get(id) ?? null
  }

  /** The cluster, of which there is one; null before it was read. */
  cluster(): Cluster | null {
    for (const cluster of this.#objects.cluster.values()) return cluster
    return null
  }

  /** Names of networks are unique. */
  networkNamed(name: string): Network | null {
    return this.#networkNames.get(name) ?? null
  }

  tasksOn(nodeId: string): ReadonlyMap<string, Task> {
    return this.#byNode.get(nodeId) ?? NO_TASKS
  }

  /** Bytes of all tasks of a node, as it is told of them. */
  bytesOn(nodeId: string): number {
    return this.#bytesByNode.get(nodeId) ?? 0
  }

  tasksIn(networkId: string): ReadonlyMap<string, Task> {
    return this.#byNetwork.get(networkId) ?? NO_TASKS
  }

  /** What a container of a node has on a network; nothing, for one without a name. */
  attachmentOf(nodeId: string, networkId: string, containerId: string): Task | null {
    return this.#byHolder.get(`${nodeId}/${networkId}/${containerId}`) ?? null
  }

  /** Put an object in the place of what has its ID; null takes it out. Returns what was there. */
  set<Kind extends ObjectKind>(
    kind: Kind,
    id: string,
    object: ObjectKinds[Kind] | null,
  ): ObjectKinds[Kind] | null {
    const map = this.#objects[kind] as Map<string, ObjectKinds[Kind]>
    const before = map.get(id) ?? null
    if (object === null) map.delete(id)
    else map.set(id, object)
    if (kind === 'network') this.#indexNetwork(before as Network | null, object as Network | null)
    if (kind === 'task') this.#indexTask(before as Task | null, object as Task | null)
    return before
  }

  #indexNetwork(before: Network | null, after: Network | null): void {
    if (before !== null) this.#networkNames.delete(networkName(before))
    if (after !== null) this.#networkNames.set(networkName(after), after)
  }

  #indexTask(before: Task | null, after: Task | null): void {
    if (before !== null) {
      take(this.#byNode, before.nodeId, before.id)
      this.#count(before.nodeId, -toldBytes(before))
      for (const id of networksOf(before)) take(this.#byNetwork, id, before.id)
      for (const holder of holdersOf(before)) this.#byHolder.delete(holder)
    }
    if (after === null) return
    give(this.#byNode, after.nodeId, after)
    this.#count(after.nodeId, toldBytes(after))
    for (const id of networksOf(after)) give(this.#byNetwork, id, after)
    for (const holder of holdersOf(after)) this.#byHolder.set(holder, after)
  }

  #count(nodeId: string, change: number): void {
    const bytes = this.bytesOn(nodeId) + change
    if (bytes === 0) this.#bytesByNode.delete(nodeId)
    else this.#bytesByNode.set(nodeId, bytes)
  }
}

const NO_TASKS: ReadonlyMap<string, Task> = new Map()

/** The name of a network. */
export function networkName(network: Network): string {
  return network.spec?.annotations?.name ?? ''
}

/** IDs of the networks that a task is on. */
export function networksOf(task: Task): readonly string[] {
  return task.networks.flatMap(({ network }) => (network === undefined ? [] : [network.id]))
}

/** The container that an attachment is for; null when the task is something else, or nameless. */
export function containerOf(task: Task): string | null {
  const runtime = task.spec?.runtime
  if (runtime?.case !== 'attachment' || runtime.value.containerId === '') return null
  return runtime.value.containerId
}

function holdersOf(task: Task): readonly string[] {
  const container = containerOf(task)
  if (container === null) return []
  return networksOf(task).map((network) => `${task.nodeId}/${network}/${container}`)
}

function give(index: Map<string, Map<string, Task>>, key: string, task: Task): void {
  const tasks = index.get(key) ?? new Map<string, Task>()
  index.set(key, tasks.set(task.id, task))
}

function take(index: Map<string, Map<string, Task>>, key: string, id: string): void {
  const tasks = index.get(key)
  tasks?.delete(id)
  if (tasks?.size === 0) index.delete(key)
}
