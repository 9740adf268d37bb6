/** What a cluster says of itself, with Docker's values where it says nothing. */
import {
  CERTIFICATE_RULES,
  msOf,
  swarmError,
  wallOf,
  type Cluster,
  type Node,
} from '@weft/swarm'
import type { Tables } from './tables.ts'

/** Docker's period of heartbeats (docker-wire §7.6). */
export const HEARTBEAT_PERIOD_MS = 5_000

/** How often nodes say that they are there, in ms. */
export function heartbeatPeriodMs(cluster: Cluster): number {
  return msOf(cluster.spec?.dispatcher?.heartbeatPeriod) ?? HEARTBEAT_PERIOD_MS
}

/** How long certificates of nodes are good, in ms. */
export function nodeCertificateValidityMs(cluster: Cluster): number {
  return msOf(cluster.spec?.caConfig?.nodeCertExpiry) ?? CERTIFICATE_RULES.validityMs
}

/** The cluster of tables that were read. */
export function clusterOf(tables: Tables): Cluster {
  const cluster = tables.cluster()
  if (cluster !== null) return cluster
  throw swarmError('ERR_PRECONDITION', 'the store holds no cluster', { subject: 'store' })
}

/**
 * The node that a certificate names. Throws ERR_PERMISSION_DENIED when it was removed, and
 * ERR_NOT_FOUND when it never was there.
 */
export function knownNode(tables: Tables, nodeId: string): Node {
  const node = tables.get('node', nodeId)
  if (node !== null) return node
  if (clusterOf(tables).blacklistedCertificates[nodeId] !== undefined) {
    const message = `Permission denied: node ${nodeId} was removed from swarm`
    throw swarmError('ERR_PERMISSION_DENIED', message, { subject: nodeId })
  }
  throw notFound('node', nodeId)
}

/** The error for an ID that names nothing. */
export function notFound(kind: string, id: string): Error {
  return swarmError('ERR_NOT_FOUND', `${kind} ${id} not found`, { subject: id })
}

/** Certificates taken back that are still good by their dates at `wall`. */
export function liveBlacklist(
  cluster: Cluster,
  wall: number,
): Cluster['blacklistedCertificates'] {
  const entries = Object.entries(cluster.blacklistedCertificates)
  return Object.fromEntries(entries.filter(([, { expiry }]) => wallOf(expiry) > wall))
}
