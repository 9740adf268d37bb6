/** A new cluster: its root, tokens, keys, settings and first node, written into an empty store. */
import { create } from '@bufbuild/protobuf'
import {
  addressOf,
  ipFamily,
  parseCidr,
  toHex,
  utf8Bytes,
  type Clock,
  type Entropy,
  type Random,
  type Store,
} from '@weft/core'
import { createIpam, SUBNET_PREFIX_MAX } from '@weft/ipam'
import {
  AnnotationsSchema,
  CAConfigSchema,
  CERTIFICATE_RULES,
  certificateValidity,
  ClusterSchema,
  ClusterSpecSchema,
  createId,
  DispatcherConfigSchema,
  durationOf,
  RootCASchema,
  swarmError,
  type Certificates,
  type Cluster,
  type NodeAvailability,
  type NodeIdentity,
  type RootAuthority,
} from '@weft/swarm'
import { HEARTBEAT_PERIOD_MS } from './cluster-facts.ts'
import { Draft } from './draft.ts'
import { freshTokens } from './join-tokens.ts'
import { recordRotation } from './key-rotation.ts'
import { initialKeys } from './network-keys.ts'
import { poolRequests } from './network-object.ts'
import { invalid } from './network-spec.ts'
import { certificateObject, leaderStatus, nodeObject } from './node-object.ts'
import { OWNER_KEY } from './objects.ts'
import { Tables } from './tables.ts'

/** Address pools of one cluster. */
export const ADDRESS_POOLS_MAX = 64

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
  request: InitialCluster,
  ports: InitialPorts,
): Promise<NodeIdentity> {
  checkPools(request)
  checkDataPathPort(request.dataPathPort)
  const { store, certificates, clock, entropy } = ports
  const wall = clock.wall()
  const root = await certificates.createRoot(wall - CERTIFICATE_RULES.backdateMs)
  const [clusterId, nodeId] = [createId(entropy), createId(entropy)]
  const { keyPem, requestPem } = await certificates.createRequest()
  const validity = certificateValidity(wall, CERTIFICATE_RULES.validityMs)
  const facts = { nodeId, clusterId, role: 'manager', ...validity } as const
  const certificatePem = await certificates.sign(root, requestPem, facts)

  const draft = new Draft(new Tables(), { version: 1n, wall })
  const cluster = draft.put('cluster', clusterObject(clusterId, root, { request, ports }))
  const csr = utf8Bytes(requestPem)
  const certificate = certificateObject({ nodeId, role: 'manager', csr }, { certificatePem })
  const { availability, address } = request
  const node = nodeObject(cluster, { id: nodeId, role: 'manager', availability, certificate })
  draft.put('node', { ...node, managerStatus: leaderStatus(address) })
  recordRotation(draft, wall)
  draft.record(OWNER_KEY, utf8Bytes(nodeId))
  await writeFirst(store, draft)
  return { nodeId, clusterId, role: 'manager', certificatePem, keyPem, rootPem: root.rootPem }
}

async function writeFirst(store: Store, draft: Draft): Promise<void> {
  const checks = [{ key: OWNER_KEY, revision: null }]
  const found = await store.list('cluster/')
  const writes = [...draft.writes.values()]
  if (found.length === 0 && (await store.commit({ checks, writes })) !== null) return
  throw swarmError('ERR_PRECONDITION', 'the store holds a cluster already', { subject: 'store' })
}

function clusterObject(
  id: string,
  root: RootAuthority,
  { request, ports }: { readonly request: InitialCluster; readonly ports: InitialPorts },
): Cluster {
  const rootPem = utf8Bytes(root.rootPem)
  const keys = initialKeys(ports.entropy, ports.random.fork('lamport'))
  return create(ClusterSchema, {
    id,
    spec: create(ClusterSpecSchema, {
      annotations: create(AnnotationsSchema, { name: 'default' }),
      caConfig: create(CAConfigSchema, {
        nodeCertExpiry: durationOf(CERTIFICATE_RULES.validityMs),
      }),
      dispatcher: create(DispatcherConfigSchema, {
        heartbeatPeriod: durationOf(HEARTBEAT_PERIOD_MS),
      }),
    }),
    rootCa: create(RootCASchema, {
      caKey: utf8Bytes(root.keyPem),
      caCert: rootPem,
      caCertHash: `sha256:${toHex(ports.certificates.sha256(rootPem))}`,
      joinTokens: freshTokens(rootPem, ports),
    }),
    networkBootstrapKeys: [...keys.keys],
    encryptionKeyLamportClock: keys.clock,
    defaultAddressPool: [...request.defaultAddressPools],
    subnetSize: request.subnetSize,
    vxlanUdpPort: request.dataPathPort,
  })
}

/** Docker's words; what it takes for granted is found out by trying. */
function checkPools({ defaultAddressPools: pools, subnetSize }: InitialCluster): void {
  const size = subnetSize === 0 ? 24 : subnetSize
  if (!Number.isInteger(size) || size < 1 || size > SUBNET_PREFIX_MAX[4]) {
    throw invalid(`subnet size is out of range: ${subnetSize}`, 'subnet size')
  }
  if (pools.length > ADDRESS_POOLS_MAX) {
    throw invalid(`more than ${ADDRESS_POOLS_MAX} default address pools`, 'default address pools')
  }
  for (const text of pools) checkPool(text, size)
  try {
    createIpam({ pools: poolRequests(pools, subnetSize) })
  } catch (cause) {
    const message = 'default address pools overlap, or are not usable as subnets'
    const facts = { subject: pools.join(', ') }
    throw swarmError('ERR_INVALID_ARGUMENT', `${message}: ${facts.subject}`, facts, cause)
  }
}

function checkPool(text: string, size: number): void {
  const cidr = readPool(text)
  if (cidr === null || ipFamily(addressOf(cidr)) !== 4) {
    throw invalid(`invalid base pool ${text}: invalid CIDR address`, text)
  }
  if (Number(cidr.slice(cidr.indexOf('/') + 1)) <= size) return
  throw invalid(`invalid CIDR: "${text}". Subnet size is too small for pool: ${size}`, text)
}

function readPool(text: string): ReturnType<typeof parseCidr> | null {
  try {
    return parseCidr(text)
  } catch {
    return null
  }
}

function checkDataPathPort(port: number): void {
  if (port === 0 || (Number.isInteger(port) && port >= 1024 && port <= 49_151)) return
  const message = 'Datapath port number is not in valid range (1024-49151)'
  throw invalid(`${message} : ${port}`, 'data path port')
}
