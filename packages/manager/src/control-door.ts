/** What people may do on a manager, put together from its parts. */
import type { Control } from '@weft/swarm'
import type { Allocator } from './allocator.ts'
import type { ClusterControl } from './cluster-control.ts'
import { clusterOf } from './cluster-facts.ts'
import type { NetworkControl } from './network-control.ts'
import type { NodeControl } from './node-control.ts'
import type { Objects } from './objects.ts'
import { redacted, redactedChange } from './redacted.ts'

/** The parts that people reach. */
export interface ControlParts {
  readonly objects: Objects
  readonly allocator: Allocator
  readonly clusters: ClusterControl
  readonly nodes: NodeControl
  readonly networks: NetworkControl
}

/** Secrets of the cluster do not leave by this door. */
export function controlDoor(parts: ControlParts): Control {
  const { objects, allocator, clusters, nodes, networks } = parts
  const { tables } = objects
  return {
    cluster: () => redacted(clusterOf(tables)),
    updateCluster: async (version, settings) => redacted(await clusters.update(version, settings)),
    rotateJoinToken: (role) => clusters.rotateJoinToken(role),
    nodes: () => [...tables.all('node').values()],
    updateNode: (id, version, spec) => nodes.update(id, version, spec),
    removeNode: (id, options) => nodes.remove(id, options),
    networks: () => [...tables.all('network').values()],
    createNetwork: (spec) => networks.create(spec),
    removeNetwork: (id) => networks.remove(id),
    tasks: () => [...tables.all('task').values()],
    usage: (networkId) => allocator.usage(networkId),
    watch: (listener) => objects.watch((change) => listener(redactedChange(change))),
  }
}
