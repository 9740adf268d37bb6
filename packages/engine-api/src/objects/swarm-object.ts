/** From the cluster's object to what Docker's API shows of a swarm. */
import { CERTIFICATE_RULES, msOf, type Cluster, type RootFacts } from '@weft/swarm'
import { formatMoment } from '../timestamps.ts'
import type { ClusterJson, SwarmJson, SwarmSpecJson, TlsInfoJson } from './swarm-json.ts'

const NANOS_PER_MS = 1_000_000
/** SwarmKit's (docker-wire §7.6). */
const HEARTBEAT_MS = 5_000
/** Docker's (docker-wire §1.3). */
const VXLAN_PORT = 4789
const SUBNET_SIZE = 24

/** What Docker's raft and scheduler have by default. There is none of them here. */
const DOCKER_DEFAULTS = {
  Orchestration: { TaskHistoryRetentionLimit: 5 },
  Raft: {
    SnapshotInterval: 10_000,
    KeepOldSnapshots: 0,
    LogEntriesForSlowFollowers: 500,
    ElectionTick: 10,
    HeartbeatTick: 1,
  },
  TaskDefaults: {},
  EncryptionConfig: { AutoLockManagers: false },
} as const

/** Without tokens: GET /info. */
export function clusterJson(cluster: Cluster, root: RootFacts): ClusterJson {
  return {
    ID: cluster.id,
    Version: { Index: Number(cluster.meta?.version?.index ?? 0n) },
    CreatedAt: formatMoment(cluster.meta?.createdAt),
    UpdatedAt: formatMoment(cluster.meta?.updatedAt),
    Spec: specJson(cluster),
    TLSInfo: rootJson(root),
    RootRotationInProgress: false,
    DefaultAddrPool: cluster.defaultAddressPool,
    SubnetSize: cluster.subnetSize === 0 ? SUBNET_SIZE : cluster.subnetSize,
    DataPathPort: cluster.vxlanUdpPort === 0 ? VXLAN_PORT : cluster.vxlanUdpPort,
  }
}

/** With tokens: GET /swarm. */
export function swarmJson(cluster: Cluster, root: RootFacts): SwarmJson {
  const tokens = cluster.rootCa?.joinTokens
  const JoinTokens = { Worker: tokens?.worker ?? '', Manager: tokens?.manager ?? '' }
  return { ...clusterJson(cluster, root), JoinTokens }
}

/** The settings alone, which is what an update is compared with. */
export function specJson({ spec }: Cluster): SwarmSpecJson {
  const { Orchestration, Raft, TaskDefaults, EncryptionConfig } = DOCKER_DEFAULTS
  const heartbeatMs = msOf(spec?.dispatcher?.heartbeatPeriod) ?? HEARTBEAT_MS
  const expiryMs = msOf(spec?.caConfig?.nodeCertExpiry) ?? CERTIFICATE_RULES.validityMs
  return {
    Name: spec?.annotations?.name ?? '',
    Labels: { ...spec?.annotations?.labels },
    Orchestration,
    Raft,
    Dispatcher: { HeartbeatPeriod: heartbeatMs * NANOS_PER_MS },
    CAConfig: { NodeCertExpiry: expiryMs * NANOS_PER_MS },
    TaskDefaults,
    EncryptionConfig,
  }
}

function rootJson({ rootPem, issuerSubject, issuerPublicKey }: RootFacts): TlsInfoJson {
  return {
    TrustRoot: rootPem,
    CertIssuerSubject: base64(issuerSubject),
    CertIssuerPublicKey: base64(issuerPublicKey),
  }
}

/** Docker writes bytes so. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
