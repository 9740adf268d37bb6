/** `info` for people: what Docker's client prints of a daemon, line for line. */
import type { ClusterJson, InfoJson } from '@weft/engine-api/client'
import { bytesText, humanDuration } from './units.ts'

const NS_PER_MS = 1_000_000

/** The lines of the server, each with its end, and the empty one after them. */
export function prettyInfo(info: InfoJson): string {
  const lines = [
    ` Containers: ${count(info, 'Containers')}`,
    `  Running: ${count(info, 'ContainersRunning')}`,
    `  Paused: ${count(info, 'ContainersPaused')}`,
    `  Stopped: ${count(info, 'ContainersStopped')}`,
    ` Images: ${count(info, 'Images')}`,
    ...unlessEmpty(' Server Version:', info.ServerVersion),
    ...unlessEmpty(' Storage Driver:', info['Driver']),
    ...pairsOf(info['DriverStatus']).map(([key, value]) => `  ${key}: ${value}`),
    ...unlessEmpty(' Logging Driver:', info['LoggingDriver']),
    ...unlessEmpty(' Cgroup Driver:', info['CgroupDriver']),
    ...unlessEmpty(' Cgroup Version:', info['CgroupVersion']),
    ...pluginLines(info['Plugins']),
    ` Swarm: ${info.Swarm.LocalNodeState}`,
    ...swarmLines(info),
    ...runtimeLines(info),
    ...(info.OSType === 'linux' ? linuxLines(info) : []),
    ...unlessEmpty(' Kernel Version:', info.KernelVersion),
    ...unlessEmpty(' Operating System:', info.OperatingSystem),
    ...unlessEmpty(' OSType:', info.OSType),
    ...unlessEmpty(' Architecture:', info.Architecture),
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${bytesText(info.MemTotal)}`,
    ...unlessEmpty(' Name:', info.Name),
    ...unlessEmpty(' ID:', info.ID),
    ` Docker Root Dir: ${textOf(info['DockerRootDir'])}`,
    ` Debug Mode: ${String(info['Debug'] === true)}`,
    ...(info['Debug'] === true ? debugLines(info) : []),
    ...unlessEmpty(' HTTP Proxy:', info['HttpProxy']),
    ...unlessEmpty(' HTTPS Proxy:', info['HttpsProxy']),
    ...unlessEmpty(' No Proxy:', info['NoProxy']),
    ...unlessEmpty(' Registry:', info['IndexServerAddress']),
    ...labelLines(info['Labels']),
    ` Experimental: ${String(info['ExperimentalBuild'] === true)}`,
    ...registryLines(info['RegistryConfig']),
    ` Live Restore Enabled: ${String(info['LiveRestoreEnabled'] === true)}`,
    ...unlessEmpty(' Product License:', info['ProductLicense']),
    ...poolLines(info['DefaultAddressPools']),
    '',
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function swarmLines(info: InfoJson): string[] {
  const { Swarm } = info
  if (Swarm.LocalNodeState === 'inactive' || Swarm.LocalNodeState === 'locked') return []
  const isUp =
    Swarm.ControlAvailable && Swarm.Error === '' && Swarm.LocalNodeState !== 'error'
  const managers = (Swarm.RemoteManagers ?? []).map(({ Addr }) => Addr).sort()
  return [
    `  NodeID: ${Swarm.NodeID}`,
    ...unlessEmpty('  Error:', Swarm.Error),
    `  Is Manager: ${String(Swarm.ControlAvailable)}`,
    ...(Swarm.Cluster !== undefined && isUp ? clusterLines(info, Swarm.Cluster) : []),
    `  Node Address: ${Swarm.NodeAddr}`,
    ...(managers.length === 0 ? [] : ['  Manager Addresses:']),
    ...managers.map((address) => `   ${address}`),
  ]
}

function clusterLines({ Swarm }: InfoJson, cluster: ClusterJson): string[] {
  const { Spec } = cluster
  const pools = cluster.DefaultAddrPool as readonly string[] | null
  return [
    `  ClusterID: ${cluster.ID}`,
    `  Managers: ${Swarm.Managers ?? 0}`,
    `  Nodes: ${Swarm.Nodes ?? 0}`,
    ...(pools === null
      ? []
      : [
          `  Default Address Pool: ${pools.map((pool) => `${pool}  `).join('')}`,
          `  SubnetSize: ${cluster.SubnetSize}`,
        ]),
    ...(cluster.DataPathPort > 0 ? [`  Data Path Port: ${cluster.DataPathPort}`] : []),
    '  Orchestration:',
    `   Task History Retention Limit: ${Spec.Orchestration.TaskHistoryRetentionLimit ?? 0}`,
    '  Raft:',
    `   Snapshot Interval: ${Spec.Raft.SnapshotInterval ?? 0}`,
    ...(Spec.Raft.KeepOldSnapshots === undefined
      ? []
      : [`   Number of Old Snapshots to Retain: ${Spec.Raft.KeepOldSnapshots}`]),
    `   Heartbeat Tick: ${Spec.Raft.HeartbeatTick}`,
    `   Election Tick: ${Spec.Raft.ElectionTick}`,
    '  Dispatcher:',
    `   Heartbeat Period: ${humanDuration((Spec.Dispatcher.HeartbeatPeriod ?? 0) / NS_PER_MS)}`,
    '  CA Configuration:',
    `   Expiry Duration: ${humanDuration((Spec.CAConfig.NodeCertExpiry ?? 0) / NS_PER_MS)}`,
    `   Force Rotate: ${numberOf((Spec.CAConfig as Fields)['ForceRotate'])}`,
    `  Autolock Managers: ${String(Spec.EncryptionConfig.AutoLockManagers)}`,
    `  Root Rotation In Progress: ${String(cluster.RootRotationInProgress)}`,
  ]
}

type Fields = Readonly<Record<string, unknown>>

function pluginLines(plugins: unknown): string[] {
  const { Volume, Network, Authorization, Log } = fieldsOf(plugins)
  const authorization = textsOf(Authorization)
  return [
    ' Plugins:',
    `  Volume: ${textsOf(Volume).join(' ')}`,
    `  Network: ${textsOf(Network).join(' ')}`,
    ...(authorization.length === 0 ? [] : [`  Authorization: ${authorization.join(' ')}`]),
    `  Log: ${textsOf(Log).join(' ')}`,
  ]
}

function runtimeLines(info: InfoJson): string[] {
  const names = Object.keys(fieldsOf(info['Runtimes']))
  if (names.length === 0) return []
  return [` Runtimes: ${names.join(' ')}`, ` Default Runtime: ${textOf(info['DefaultRuntime'])}`]
}

function linuxLines(info: InfoJson): string[] {
  const commits = [
    ['containerd', info['ContainerdCommit']],
    ['runc', info['RuncCommit']],
    ['init', info['InitCommit']],
  ] as const
  const versions = commits.map(([name, commit]) => {
    const { ID, Expected } = fieldsOf(commit)
    const differs = textOf(ID) === textOf(Expected) ? '' : ` (expected: ${textOf(Expected)})`
    return ` ${name} version: ${textOf(ID)}${differs}`
  })
  const security = textsOf(info['SecurityOptions'])
  return [
    ` Init Binary: ${textOf(info['InitBinary'])}`,
    ...versions,
    ...(security.length === 0 ? [] : [' Security Options:', ...security.flatMap(securityLines)]),
  ]
}

/** `name=seccomp,profile=default`. */
function securityLines(option: string): string[] {
  const pairs = option.split(',').map((part) => part.split('='))
  const named = pairs.filter(([key]) => key === 'name').map(([, value]) => `  ${value ?? ''}`)
  const profiles = pairs.filter(([key]) => key === 'profile')
  return [...named, ...profiles.map(([, value]) => `   Profile: ${value ?? ''}`)]
}

function debugLines(info: InfoJson): string[] {
  return [
    `  File Descriptors: ${count(info, 'NFd')}`,
    `  Goroutines: ${count(info, 'NGoroutines')}`,
    `  System Time: ${info.SystemTime}`,
    `  EventsListeners: ${info.NEventsListener}`,
  ]
}

function labelLines(labels: unknown): string[] {
  if (!Array.isArray(labels)) return []
  return [' Labels:', ...textsOf(labels).map((label) => `  ${label}`)]
}

function registryLines(registries: unknown): string[] {
  const { InsecureRegistryCIDRs, IndexConfigs, Mirrors } = fieldsOf(registries)
  const ranges = textsOf(InsecureRegistryCIDRs)
  const known = Object.values(fieldsOf(IndexConfigs)).map(fieldsOf)
  const insecure = known.filter(({ Secure }) => Secure !== true).map(({ Name }) => textOf(Name))
  const mirrors = textsOf(Mirrors)
  return [
    ...(ranges.length + known.length === 0 ? [] : [' Insecure Registries:']),
    ...[...insecure, ...ranges].map((name) => `  ${name}`),
    ...(mirrors.length === 0 ? [] : [' Registry Mirrors:']),
    ...mirrors.map((mirror) => `  ${mirror}`),
  ]
}

function poolLines(pools: unknown): string[] {
  if (!Array.isArray(pools) || pools.length === 0) return []
  const lines = pools.map(fieldsOf).map(({ Base, Size }) => {
    return `   Base: ${textOf(Base)}, Size: ${numberOf(Size)}`
  })
  return [' Default Address Pools:', ...lines]
}

function unlessEmpty(label: string, value: unknown): string[] {
  return textOf(value) === '' ? [] : [`${label} ${textOf(value)}`]
}

function count(info: InfoJson, field: string): number {
  return numberOf(info[field])
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function pairsOf(value: unknown): [string, string][] {
  if (!Array.isArray(value)) return []
  return value.filter(Array.isArray).map(([key, one]) => [textOf(key), textOf(one)])
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(textOf) : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
