/** Settings and tokens of the cluster, as people change them. */
import { create } from '@bufbuild/protobuf'
import { assert, type Entropy } from '@weft/core'
import {
  CAConfigSchema,
  CERTIFICATE_RULES,
  ClusterSpecSchema,
  DispatcherConfigSchema,
  durationOf,
  JoinTokensSchema,
  type Certificates,
  type CertificateRole,
  type Cluster,
  type ClusterSettings,
  type ClusterSpec,
} from '@weft/swarm'
import { clusterOf } from './cluster-facts.ts'
import { freshToken } from './join-tokens.ts'
import { invalid } from './network-spec.ts'
import type { Objects } from './objects.ts'
import { checkVersion } from './versions.ts'

/** The longest validity of certificates, in ms: as long as a root has at first. */
export const VALIDITY_MS_MAX = CERTIFICATE_RULES.rootValidityMs

/** The longest period of heartbeats, in ms. */
export const HEARTBEAT_PERIOD_MS_MAX = 3_600_000

/** What changes of the cluster need. */
export interface ClusterControlPorts {
  readonly certificates: Certificates
  readonly entropy: Entropy
}

/** Changes the cluster for people. */
export class ClusterControl {
  readonly #objects: Objects
  readonly #ports: ClusterControlPorts

  constructor(objects: Objects, ports: ClusterControlPorts) {
    this.#objects = objects
    this.#ports = ports
  }

  /** Throws ERR_OUT_OF_SEQUENCE, ERR_INVALID_ARGUMENT. */
  async update(version: bigint, settings: Partial<ClusterSettings>): Promise<Cluster> {
    checkSettings(settings)
    return this.#objects.transact((draft) => {
      const cluster = clusterOf(draft.tables)
      checkVersion(cluster, version)
      return draft.put('cluster', { ...cluster, spec: changedSpec(cluster, settings) })
    })
  }

  /** A new secret for a role; nodes that have joined stay. Resolves with the whole token. */
  async rotateJoinToken(role: CertificateRole): Promise<string> {
    return this.#objects.transact((draft) => {
      const cluster = clusterOf(draft.tables)
      const { rootCa } = cluster
      assert(rootCa !== undefined, 'a cluster has a root')
      const token = freshToken(rootCa.caCert, this.#ports)
      const { worker, manager } = rootCa.joinTokens ?? create(JoinTokensSchema)
      const joinTokens = create(JoinTokensSchema, { worker, manager, [role]: token })
      draft.put('cluster', { ...cluster, rootCa: { ...rootCa, joinTokens } })
      return token
    })
  }
}

function changedSpec({ spec }: Cluster, settings: Partial<ClusterSettings>): ClusterSpec {
  const { nodeCertificateValidityMs: validityMs, heartbeatPeriodMs: periodMs } = settings
  const changed = { ...(spec ?? create(ClusterSpecSchema)) }
  if (validityMs !== undefined) {
    changed.caConfig = create(CAConfigSchema, { nodeCertExpiry: durationOf(validityMs) })
  }
  if (periodMs !== undefined) {
    changed.dispatcher = create(DispatcherConfigSchema, { heartbeatPeriod: durationOf(periodMs) })
  }
  return changed
}

function checkSettings(settings: Partial<ClusterSettings>): void {
  const { nodeCertificateValidityMs: validityMs, heartbeatPeriodMs: periodMs } = settings
  if (validityMs !== undefined && !(validityMs >= CERTIFICATE_RULES.validityMsMin)) {
    throw invalid('minimum certificate expiry time is: 1h0m0s', 'certificate validity')
  }
  if (validityMs !== undefined && validityMs > VALIDITY_MS_MAX) {
    throw invalid('maximum certificate expiry time is: 175200h0m0s', 'certificate validity')
  }
  if (periodMs !== undefined && !(periodMs > 0)) {
    throw invalid('heartbeat time period must be a positive duration', 'heartbeat period')
  }
  if (periodMs !== undefined && periodMs > HEARTBEAT_PERIOD_MS_MAX) {
    throw invalid('maximum heartbeat time period is: 1h0m0s', 'heartbeat period')
  }
}
