/** A new cluster: its root, tokens, keys, settings and first node, written into an empty store. */
import type { Clock, Entropy, Random, Store } from '@weft/core'
import { swarmError, type Certificates, type NodeAvailability, type NodeIdentity } from '@weft/swarm'

/** What a cluster starts with. */
export interface InitialCluster {
  /** `host:port` where nodes reach the first manager. */
  readonly address: string
  readonly availability: NodeAvailability
  /** CIDRs that subnets are cut from; empty: 10.0.0.0/8. */
  readonly defaultAddressPools: readonly string[]
  /** Prefix length of those subnets; 0: 24. */
  readonly subnetSize: number
  /** UDP port of every VTEP, 1024 to 49151; 0: 4789 (docker-wire §1.3). */
  readonly dataPathPort: number
}

/** What making a cluster needs. */
export interface InitialPorts {
  readonly store: Store
  readonly certificates: Certificates
  readonly clock: Clock
  readonly random: Random
  readonly entropy: Entropy
}

/**
 * Write the first objects and resolve with the first manager's identity. Throws ERR_PRECONDITION
 * when the store holds a cluster, ERR_INVALID_ARGUMENT naming what is wrong with the request, and
 * StoreErrors; then nothing was written.
 */
export async function createCluster(
  _request: InitialCluster,
  _ports: InitialPorts,
): Promise<NodeIdentity> {
  throw swarmError('ERR_UNIMPLEMENTED', 'the control plane is not built yet', { subject: 'manager' })
}
