/** GET /version, GET /info and the headers that every answer has. */
import type { ClusterNodeView, Node, RootFacts, Cluster } from '@weft/swarm'
import { goArchitecture, type MachineFacts } from '../machine-facts.ts'
import { formatWall } from '../timestamps.ts'
import { clusterJson } from './swarm-object.ts'
import type { InfoJson, SwarmInfoJson, VersionInfoJson } from './system-json.ts'

/** The newest version of the API that is spoken. */
export const API_VERSION = '1.41'
/** The oldest: Docker 20.10's, too. */
export const API_VERSION_OLDEST = '1.12'

/** GET /version. */
export function versionJson(version: string, machine: MachineFacts): VersionInfoJson {
  const os = machine.osType
  const architecture = goArchitecture(machine.architecture)
  const { kernelVersion } = machine
  const Details = {
    ApiVersion: API_VERSION,
    Arch: architecture,
    BuildTime: '',
    Experimental: 'false',
    GitCommit: '',
    GoVersion: '',
    KernelVersion: kernelVersion,
    MinAPIVersion: API_VERSION_OLDEST,
    Os: os,
  }
  return {
    Platform: { Name: 'Weft' },
    Components: [{ Name: 'Engine', Version: version, Details }],
    Version: version,
    ApiVersion: API_VERSION,
    MinAPIVersion: API_VERSION_OLDEST,
    GitCommit: '',
    GoVersion: '',
    Os: os,
    Arch: architecture,
    KernelVersion: kernelVersion,
    BuildTime: '',
  }
}

/** What GET /info is made of. */
export interface InfoFacts {
  readonly version: string
  readonly machine: MachineFacts
  readonly view: ClusterNodeView
  readonly wallMs: number
  readonly listeners: number
  /** Null unless this node is a manager. */
  readonly managed: {
    readonly cluster: Cluster
    readonly nodes: readonly Node[]
    readonly root: RootFacts
  } | null
}

/** GET /info. */
export function infoJson(facts: InfoFacts): InfoJson {
  const { version, machine, view } = facts
  return {
    ID: view.nodeId,
    ...CONTAINERLESS,
    NEventsListener: facts.listeners,
    SystemTime: formatWall(facts.wallMs),
    KernelVersion: machine.kernelVersion,
    OperatingSystem: machine.operatingSystem,
    OSVersion: machine.osVersion,
    OSType: machine.osType,
    Architecture: machine.architecture,
    NCPU: machine.cpus,
    MemTotal: machine.memoryBytes,
    Name: view.hostname,
    ServerVersion: version,
    Swarm: swarmInfoJson(facts),
    Warnings: view.error === '' ? null : [`WARNING: ${view.error}`],
  }
}

function swarmInfoJson({ view, managed }: InfoFacts): SwarmInfoJson {
  const managers = view.managers.map(({ nodeId, address }) => ({ NodeID: nodeId, Addr: address }))
  return {
    NodeID: view.nodeId,
    NodeAddr: view.nodeAddress,
    LocalNodeState: view.state,
    ControlAvailable: managed !== null,
    Error: view.error,
    RemoteManagers: managers.length === 0 ? null : managers,
    ...(managed === null
      ? {}
      : {
          Nodes: managed.nodes.length,
          Managers: managed.nodes.filter(({ managerStatus }) => managerStatus !== undefined).length,
          Cluster: clusterJson(managed.cluster, managed.root),
        }),
  }
}

/** `Swarm` of the answer to a ping: what newer clients look at. */
export function swarmHeader(view: ClusterNodeView): string {
  return view.state === 'active' && view.role !== null ? `active/${view.role}` : view.state
}

/**
 * Fields about containers, in the form that clients expect. The limits say yes: for each that says
 * no the stock client prints a warning, about containers that Weft does not run.
 */
const CONTAINERLESS = {
  Containers: 0,
  ContainersRunning: 0,
  ContainersPaused: 0,
  ContainersStopped: 0,
  Images: 0,
  Driver: 'none',
  DriverStatus: null,
  Plugins: { Volume: [], Network: ['overlay'], Authorization: null, Log: [] },
  MemoryLimit: true,
  SwapLimit: true,
  KernelMemory: true,
  KernelMemoryTCP: true,
  CpuCfsPeriod: true,
  CpuCfsQuota: true,
  CPUShares: true,
  CPUSet: true,
  PidsLimit: true,
  IPv4Forwarding: true,
  BridgeNfIptables: true,
  BridgeNfIp6tables: true,
  Debug: false,
  NFd: 0,
  OomKillDisable: true,
  NGoroutines: 0,
  LoggingDriver: 'none',
  CgroupDriver: 'none',
  CgroupVersion: '1',
  IndexServerAddress: '',
  RegistryConfig: {
    AllowNondistributableArtifactsCIDRs: [],
    AllowNondistributableArtifactsHostnames: [],
    InsecureRegistryCIDRs: [],
    IndexConfigs: {},
    Mirrors: [],
  },
  GenericResources: null,
  DockerRootDir: '',
  HttpProxy: '',
  HttpsProxy: '',
  NoProxy: '',
  Labels: [],
  ExperimentalBuild: false,
  Runtimes: {},
  DefaultRuntime: '',
  LiveRestoreEnabled: true,
  Isolation: '',
  InitBinary: '',
  ContainerdCommit: { ID: '', Expected: '' },
  RuncCommit: { ID: '', Expected: '' },
  InitCommit: { ID: '', Expected: '' },
  SecurityOptions: [],
} as const
