/** A swarm as Docker's API shows it: GET /swarm, and with less of it in GET /info. */

/** Docker's `Version`: what `?version=` of a later write has to say. */
export interface VersionJson {
  readonly Index: number
}

/** What the root says of itself; subject and key are base64 of DER. */
export interface TlsInfoJson {
  readonly TrustRoot?: string
  readonly CertIssuerSubject?: string
  readonly CertIssuerPublicKey?: string
}

/** Settings of a swarm. Durations in ns. Those of raft and tasks are Docker's defaults here. */
export interface SwarmSpecJson {
  readonly Name: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Orchestration: { readonly TaskHistoryRetentionLimit?: number }
  readonly Raft: {
    readonly SnapshotInterval?: number
    readonly KeepOldSnapshots?: number
    readonly LogEntriesForSlowFollowers?: number
    readonly ElectionTick: number
    readonly HeartbeatTick: number
  }
  readonly Dispatcher: { readonly HeartbeatPeriod?: number }
  readonly CAConfig: { readonly NodeCertExpiry?: number }
  readonly TaskDefaults: object
  readonly EncryptionConfig: { readonly AutoLockManagers: boolean }
}

/** A swarm without its secrets: `Swarm.Cluster` of GET /info. */
export interface ClusterJson {
  readonly ID: string
  readonly Version: VersionJson
  readonly CreatedAt: string
  readonly UpdatedAt: string
  readonly Spec: SwarmSpecJson
  readonly TLSInfo: TlsInfoJson
  readonly RootRotationInProgress: boolean
  readonly DefaultAddrPool: readonly string[]
  readonly SubnetSize: number
  readonly DataPathPort: number
}

/** GET /swarm. The tokens are secrets: whoever has one may join. */
export interface SwarmJson extends ClusterJson {
  readonly JoinTokens: { readonly Worker: string; readonly Manager: string }
}

/** Body of POST /swarm/init. What is not given is Docker's default. */
export interface SwarmInitJson {
  readonly ListenAddr?: string
  readonly AdvertiseAddr?: string
  readonly DataPathAddr?: string
  readonly DataPathPort?: number
  readonly DefaultAddrPool?: readonly string[] | null
  readonly SubnetSize?: number
  readonly ForceNewCluster?: boolean
  readonly AutoLockManagers?: boolean
  readonly Availability?: string
  readonly Spec?: Partial<SwarmSpecJson>
}

/** Body of POST /swarm/join. */
export interface SwarmJoinJson {
  readonly ListenAddr?: string
  readonly AdvertiseAddr?: string
  readonly DataPathAddr?: string
  readonly RemoteAddrs: readonly string[]
  readonly JoinToken: string
  readonly Availability?: string
}
