/** Where events come from: stored changes on a manager, and what comes and goes on this node. */
import type { Clock } from '@weft/core'
import type { ClusterNode, Control, Node, ObjectChange } from '@weft/swarm'
import { nameOf } from '../lookup.ts'
import { nanosOf } from '../timestamps.ts'
import type { EventLog } from './event-log.ts'
import { nodeAttributes } from './node-changes.ts'

/** Writes into `log` what happens to the node, until disposed. */
export function recordEvents(node: ClusterNode, log: EventLog, clock: Clock): Disposable {
  const local = new LocalChanges(node, log, clock)
  const stored = new StoredChanges(log, clock)
  const look = (): void => {
    stored.follow(node.control)
    local.look()
  }
  look()
  const heard = [
    node.events.on('changed', look),
    node.events.on('attachmentsChanged', look),
    stored,
  ]
  return { [Symbol.dispose]: () => heard.forEach((one) => one[Symbol.dispose]()) }
}

/** Changes of the cluster's objects, while there is a control plane here. */
class StoredChanges implements Disposable {
  readonly #log: EventLog
  readonly #clock: Clock
  #control: Control | null = null
  #watch: Disposable | null = null
  #nodes = new Map<string, Node>()

  constructor(log: EventLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  follow(control: Control | null): void {
    if (control === this.#control) return
    this[Symbol.dispose]()
    this.#control = control
    if (control === null) return
    this.#nodes = new Map(control.nodes().map((node) => [node.id, node]))
    this.#watch = control.watch((change) => this.#tell(change))
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
    this.#watch = null
    this.#control = null
  }

  #tell(change: ObjectChange): void {
    if (change.kind === 'node') this.#tellObject(change, this.#attributesOf(change))
    if (change.kind === 'network') this.#tellObject(change, { name: nameOf(change.object) })
  }

  #attributesOf({ action, object }: ObjectChange & { kind: 'node' }): Record<string, string> {
    const before = this.#nodes.get(object.id) ?? null
    if (action === 'remove') this.#nodes.delete(object.id)
    else this.#nodes.set(object.id, object)
    return nodeAttributes(object, action === 'update' ? before : null)
  }

  /** Dated as the object is; what was removed is dated now. */
  #tellObject(
    { kind, action, object }: ObjectChange & { kind: 'node' | 'network' },
    Attributes: Record<string, string>,
  ): void {
    const { meta } = object
    const at = action === 'create' ? meta?.createdAt : meta?.updatedAt
    const nanos = action === 'remove' || at === undefined ? nowOf(this.#clock) : nanosOf(at)
    const Actor = { ID: object.id, Attributes }
    this.#log.add({ Type: kind, Action: action, Actor, scope: 'swarm', nanos })
  }
}

/** A network that is here, with its endpoints that run. */
interface PresentNetwork {
  readonly name: string
  readonly endpoints: Set<string>
}

/**
 * Networks that come to this node and go, and endpoints on them. A network is here while something
 * is attached to it: what peers have on it costs nothing here.
 */
class LocalChanges {
  readonly #node: ClusterNode
  readonly #log: EventLog
  readonly #clock: Clock
  #networks: ReadonlyMap<string, PresentNetwork>

  constructor(node: ClusterNode, log: EventLog, clock: Clock) {
    this.#node = node
    this.#log = log
    this.#clock = clock
    this.#networks = this.#seen()
  }

  look(): void {
    const [before, after] = [this.#networks, this.#seen()]
    this.#networks = after
    for (const [id, { name, endpoints }] of after) {
      const was = before.get(id)
      if (was === undefined) this.#tell('create', id, { name })
      for (const container of without(endpoints, was?.endpoints)) {
        this.#tell('connect', id, { container, name })
      }
    }
    for (const [id, { name, endpoints }] of before) {
      const is = after.get(id)
      for (const container of without(endpoints, is?.endpoints)) {
        this.#tell('disconnect', id, { container, name })
      }
      if (is === undefined) this.#tell('destroy', id, { name })
    }
  }

  #seen(): Map<string, PresentNetwork> {
    const networks = new Map<string, PresentNetwork>()
    for (const { networkId, networkName, endpointId, state } of this.#node.attachments()) {
      // Nothing was granted yet.
      if (networkId === '') continue
      const known = networks.get(networkId)
      const { name, endpoints } = known ?? { name: networkName, endpoints: new Set<string>() }
      if (state === 'running') endpoints.add(endpointId)
      if (known === undefined) networks.set(networkId, { name, endpoints })
    }
    return networks
  }

  #tell(action: string, id: string, attributes: Readonly<Record<string, string>>): void {
    const Actor = { ID: id, Attributes: { ...attributes, type: 'overlay' } }
    const nanos = nowOf(this.#clock)
    this.#log.add({ Type: 'network', Action: action, Actor, scope: 'local', nanos })
  }
}

function without(all: ReadonlySet<string>, some: ReadonlySet<string> | undefined): string[] {
  return [...all].filter((one) => some?.has(one) !== true)
}

/** Nanoseconds of the wall clock. */
export function nowOf(clock: Clock): bigint {
  return BigInt(Math.trunc(clock.wall())) * 1_000_000n
}
