/** One cluster's control plane: networks, addresses, nodes, attachments, certificates and keys. */
export {
  ADDRESS_POOLS_MAX,
  createCluster,
  type InitialCluster,
  type InitialPorts,
} from './create-cluster.ts'
export { openManager, type Manager, type ManagerOptions, type ManagerPorts } from './manager.ts'
export { MemoryStore } from './memory-store.ts'
export { DOCKER_TUNABLES, type ManagerTunables } from './tunables.ts'
