/** What a daemon says of itself: GET /version, GET /info, GET /events. */
import type { ClusterJson } from './swarm-json.ts'

/** GET /version. */
export interface VersionInfoJson {
  readonly Platform: { readonly Name: string }
  readonly Components: readonly {
    readonly Name: string
    readonly Version: string
    readonly Details: Readonly<Record<string, string>>
  }[]
  readonly Version: string
  readonly ApiVersion: string
  readonly MinAPIVersion: string
  readonly GitCommit: string
  readonly GoVersion: string
  readonly Os: string
  readonly Arch: string
  readonly KernelVersion: string
  readonly BuildTime: string
}

/** Where a node stands: `Swarm` of GET /info. */
export interface SwarmInfoJson {
  readonly NodeID: string
  readonly NodeAddr: string
  /** `inactive`, `pending`, `active`, `error` or `locked`. */
  readonly LocalNodeState: string
  readonly ControlAvailable: boolean
  readonly Error: string
  readonly RemoteManagers: readonly { readonly NodeID: string; readonly Addr: string }[] | null
  /** These three on managers only. */
  readonly Nodes?: number
  readonly Managers?: number
  readonly Cluster?: ClusterJson
}

/** GET /info, as far as it says something here; the rest has the form that clients expect. */
export interface InfoJson {
  readonly ID: string
  readonly Name: string
  readonly ServerVersion: string
  readonly SystemTime: string
  readonly KernelVersion: string
  readonly OperatingSystem: string
  readonly OSVersion: string
  readonly OSType: string
  readonly Architecture: string
  readonly NCPU: number
  readonly MemTotal: number
  readonly NEventsListener: number
  readonly Swarm: SwarmInfoJson
  readonly Warnings: readonly string[] | null
  readonly [field: string]: unknown
}

/** One line of GET /events. */
export interface EventJson {
  /** `network` or `node`. */
  readonly Type: string
  readonly Action: string
  readonly Actor: {
    readonly ID: string
    readonly Attributes: Readonly<Record<string, string>>
  }
  readonly scope: 'local' | 'swarm'
  /** Epoch seconds. */
  readonly time: number
  /** Epoch nanoseconds, of which JSON's numbers keep the first sixteen digits. */
  readonly timeNano: number
}

/** GET /_ping: headers only. */
export interface PingJson {
  readonly apiVersion: string
  readonly osType: string
  /** `inactive`, `pending`, `active/worker`, `active/manager` or `error`. */
  readonly swarm: string
}
