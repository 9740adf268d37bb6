/** A node of the swarm as Docker's API shows it: GET /nodes. */
import type { TlsInfoJson, VersionJson } from './swarm-json.ts'

/** GET /nodes/{id}. */
export interface NodeJson {
  readonly ID: string
  readonly Version: VersionJson
  readonly CreatedAt: string
  readonly UpdatedAt: string
  readonly Spec: NodeSpecJson
  readonly Description: NodeDescriptionJson
  readonly Status: {
    /** `unknown`, `down`, `ready` or `disconnected`. */
    readonly State: string
    readonly Message?: string
    readonly Addr: string
  }
  /** Of managers only. */
  readonly ManagerStatus?: {
    readonly Leader?: boolean
    /** `unknown`, `unreachable` or `reachable`. */
    readonly Reachability: string
    readonly Addr: string
  }
}

/** What people decide about a node: the body of POST /nodes/{id}/update. */
export interface NodeSpecJson {
  readonly Name?: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Role: 'worker' | 'manager'
  readonly Availability: 'active' | 'pause' | 'drain'
}

/** What a node says of itself. */
export interface NodeDescriptionJson {
  readonly Hostname?: string
  readonly Platform: { readonly Architecture?: string; readonly OS?: string }
  readonly Resources: { readonly NanoCPUs?: number; readonly MemoryBytes?: number }
  readonly Engine: {
    readonly EngineVersion?: string
    readonly Labels?: Readonly<Record<string, string>>
    readonly Plugins?: readonly { readonly Type: string; readonly Name: string }[]
  }
  readonly TLSInfo: TlsInfoJson
}
