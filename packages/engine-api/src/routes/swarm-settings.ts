/** What a swarm's spec asks to be changed. What cannot be is refused by name, never passed over. */
import { swarmError, type Cluster, type ClusterSettings } from '@weft/swarm'
import type { JsonFields } from '../json-fields.ts'
import { specJson } from '../objects/swarm-object.ts'

const NANOS_PER_MS = 1_000_000

/** Settings that may change, with where they stand. */
const CHANGEABLE = [
  ['CAConfig', 'NodeCertExpiry', 'nodeCertificateValidityMs'],
  ['Dispatcher', 'HeartbeatPeriod', 'heartbeatPeriodMs'],
] as const satisfies readonly (readonly [string, string, keyof ClusterSettings])[]

/** Settings of Docker's that Weft has no use for: told if somebody wants another value. */
const FIXED = [
  ['Orchestration', 'TaskHistoryRetentionLimit'],
  ['Raft', 'SnapshotInterval'],
  ['Raft', 'KeepOldSnapshots'],
  ['Raft', 'LogEntriesForSlowFollowers'],
  ['Raft', 'ElectionTick'],
  ['Raft', 'HeartbeatTick'],
] as const

/** Why a spec cannot be had, before there is a swarm. Throws ERR_UNIMPLEMENTED. */
export function checkInitialSpec(spec: JsonFields): void {
  if (spec.fields('EncryptionConfig').flag('AutoLockManagers')) {
    throw unavailable('EncryptionConfig.AutoLockManagers')
  }
  if (spec.fields('CAConfig').list('ExternalCAs').length > 0) {
    throw unavailable('CAConfig.ExternalCAs')
  }
  for (const name of ['SigningCACert', 'SigningCAKey']) {
    if (spec.fields('CAConfig').text(name) !== '') throw unavailable(`CAConfig.${name}`)
  }
  if (spec.fields('TaskDefaults').raw('LogDriver') !== null) {
    throw unavailable('TaskDefaults.LogDriver')
  }
}

/**
 * What differs from how the cluster is. Zero and absent are "as it is", as Docker's clients mean
 * it. Throws ERR_INVALID_ARGUMENT for another name, ERR_UNIMPLEMENTED for what cannot change.
 */
export function changedSettings(cluster: Cluster, spec: JsonFields): Partial<ClusterSettings> {
  checkInitialSpec(spec)
  const current = specJson(cluster)
  const name = spec.text('Name')
  if (name !== '' && name !== current.Name) {
    const message = `swarm spec must be named ${JSON.stringify(current.Name)}`
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'Name' })
  }
  checkLabels(current.Labels, spec)
  for (const [group, field] of FIXED) {
    const groups: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      Orchestration: current.Orchestration,
      Raft: current.Raft,
    }
    const wanted = spec.fields(group).count(field)
    if (wanted !== 0 && wanted !== groups[group]?.[field]) throw unavailable(`${group}.${field}`)
  }
  if (spec.fields('CAConfig').count('ForceRotate') !== 0) throw unavailable('CAConfig.ForceRotate')
  return differences(current, spec)
}

function differences(
  current: ReturnType<typeof specJson>,
  spec: JsonFields,
): Partial<ClusterSettings> {
  const now = {
    nodeCertificateValidityMs: (current.CAConfig.NodeCertExpiry ?? 0) / NANOS_PER_MS,
    heartbeatPeriodMs: (current.Dispatcher.HeartbeatPeriod ?? 0) / NANOS_PER_MS,
  }
  const entries = CHANGEABLE.flatMap(([group, field, setting]) => {
    const nanos = spec.fields(group).count(field)
    const ms = Math.floor(nanos / NANOS_PER_MS)
    return nanos === 0 || ms === now[setting] ? [] : [[setting, ms] as const]
  })
  return Object.fromEntries(entries)
}

function checkLabels(current: Readonly<Record<string, string>>, spec: JsonFields): void {
  if (spec.raw('Labels') === null) return
  const wanted = Object.entries(spec.textMap('Labels'))
  const isSame =
    wanted.length === Object.keys(current).length &&
    wanted.every(([key, value]) => current[key] === value)
  // Docker's client sends an empty set for "none given".
  if (!isSame && wanted.length > 0) throw unavailable('Labels of a swarm')
}

function unavailable(what: string): Error {
  const message = `Weft does not have ${what}: it cannot be changed here`
  return swarmError('ERR_UNIMPLEMENTED', message, { subject: what })
}
