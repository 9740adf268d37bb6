/** A manager: the control plane of one cluster over a store. */
import type { Clock, Entropy, Logger, Random, Store } from '@weft/core'
import {
  type Certificates,
  type Control,
  type ManagerServices,
  type NodeIdentity,
} from '@weft/swarm'
import { Allocator } from './allocator.ts'
import { AttachmentDesk } from './attachment-desk.ts'
import { Authority } from './authority.ts'
import { ClusterControl } from './cluster-control.ts'
import { clusterOf, knownNode } from './cluster-facts.ts'
import { controlDoor } from './control-door.ts'
import { Dispatcher } from './dispatcher.ts'
import { KeyRotation } from './key-rotation.ts'
import { Liveness } from './liveness.ts'
import { NetworkControl } from './network-control.ts'
import { NodeControl } from './node-control.ts'
import { leaderStatus } from './node-object.ts'
import { Objects } from './objects.ts'
import { servicesDoor } from './services-door.ts'
import { DOCKER_TUNABLES, type ManagerTunables } from './tunables.ts'
import { UsageAlarm } from './usage-alarm.ts'

/** What a manager stands on. The store stays the caller's to close. */
export interface ManagerPorts {
  readonly store: Store
  readonly certificates: Certificates
  readonly clock: Clock
  readonly random: Random
  readonly entropy: Entropy
  readonly log: Logger
}

/** Who the manager is. */
export interface ManagerOptions {
  /** This machine's: its node ID and cluster ID count here. */
  readonly identity: NodeIdentity
  /** `host:port` where nodes reach it: its own entry in the list of managers. May change. */
  readonly address: string
  readonly tunables?: Partial<ManagerTunables>
}

/** An open manager. */
export interface Manager extends AsyncDisposable {
  /** For nodes: to be served on 2377. */
  readonly services: ManagerServices
  /** For people. */
  readonly control: Control
  /** Streams end with ERR_ABORTED; what was acknowledged is in the store, which stays open. */
  close(): Promise<void>
}

/**
 * Open the control plane over what the store holds. Throws ERR_STORE_CORRUPT naming the key that
 * does not read, ERR_PRECONDITION when the store is empty or another cluster's, and StoreErrors.
 */
export async function openManager(options: ManagerOptions, ports: ManagerPorts): Promise<Manager> {
  const { nodeId, clusterId } = options.identity
  const tunables = { ...DOCKER_TUNABLES, ...options.tunables }
  const objects = await Objects.open(ports.store, ports.clock, { owner: nodeId, clusterId })
  const allocator = Allocator.restore(clusterOf(objects.tables), objects.tables)
  const alarm = new UsageAlarm(allocator, ports.log)
  // Addresses are given back before anybody else hears that they are free.
  objects.watch((change) => allocator.follow(change))
  objects.watch((change) => alarm.follow(change))
  const liveness = new Liveness(objects, tunables, ports)
  const rotation = new KeyRotation(objects, tunables.keyRotationMs, ports)
  const random = ports.random.fork('heartbeats')
  const dispatcher = new Dispatcher(objects, tunables, { ...ports, random })
  const nodes = new NodeControl(objects, ports)
  const close = async (): Promise<void> => {
    rotation.close()
    liveness.close()
    dispatcher.close()
    await objects.close()
  }
  try {
    await nodes.finishRemovals()
    await stateAddress(objects, options)
    await liveness.start()
    rotation.start()
  } catch (error) {
    await close()
    throw error
  }
  const authority = new Authority(objects, ports)
  const attachments = new AttachmentDesk(objects, allocator, ports)
  const reports = { nodeId, clock: ports.clock }
  const clusters = new ClusterControl(objects, ports)
  const networks = new NetworkControl(objects, allocator, ports.entropy)
  return {
    services: servicesDoor({ objects, authority, dispatcher, attachments, reports }),
    control: controlDoor({ objects, allocator, clusters, nodes, networks }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Nodes are told where to reach this manager, also after it has moved (P25). */
async function stateAddress(objects: Objects, options: ManagerOptions): Promise<void> {
  const { identity, address } = options
  await objects.transact((draft) => {
    const node = knownNode(draft.tables, identity.nodeId)
    if (node.managerStatus?.addr === address) return
    draft.put('node', { ...node, managerStatus: leaderStatus(address) })
  })
}
