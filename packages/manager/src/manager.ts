/** A manager: the control plane of one cluster over a store. */
import type { Clock, Entropy, Logger, Random, Store } from '@weft/core'
import {
  swarmError,
  type Certificates,
  type Control,
  type ManagerServices,
  type NodeIdentity,
} from '@weft/swarm'
import type { ManagerTunables } from './tunables.ts'

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
export async function openManager(_options: ManagerOptions, _ports: ManagerPorts): Promise<Manager> {
  throw swarmError('ERR_UNIMPLEMENTED', 'the control plane is not built yet', { subject: 'manager' })
}
