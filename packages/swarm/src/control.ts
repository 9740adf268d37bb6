/** What a manager offers to people: objects of the cluster, read and changed. */
import type { CertificateRole } from './certificates.ts'
import type {
  Cluster,
  Network,
  Node,
  Task,
} from './generated/docker/swarmkit/v1/objects_pb.ts'
import type { NetworkSpec, NodeSpec } from './generated/docker/swarmkit/v1/types_pb.ts'

/** A change of one object, after it was stored. Objects are frozen by agreement: copy to change. */
export type ObjectChange =
  | { readonly kind: 'cluster'; readonly action: ChangeAction; readonly object: Cluster }
  | { readonly kind: 'node'; readonly action: ChangeAction; readonly object: Node }
  | { readonly kind: 'network'; readonly action: ChangeAction; readonly object: Network }
  | { readonly kind: 'task'; readonly action: ChangeAction; readonly object: Task }

/** What became of an object; of a removed one the last state is told. */
export type ChangeAction = 'create' | 'update' | 'remove'

/** How full a network is (P11). */
export interface NetworkUsage {
  readonly networkId: string
  readonly allocated: number
  readonly capacity: number
  /** True from USAGE_ALARM_PERCENT of @weft/ipam on. */
  readonly alarm: boolean
}

/** Settings of the cluster that may change while it runs. Durations in ms. */
export interface ClusterSettings {
  readonly nodeCertificateValidityMs: number
  readonly heartbeatPeriodMs: number
}

/**
 * The control plane's door for people, on a manager. Reads answer at once; writes resolve when
 * they are durable. `version` is `meta.version.index` of the object that was read; a write with
 * another throws ERR_OUT_OF_SEQUENCE. Names and ID prefixes are resolved by the caller.
 */
export interface Control {
  cluster(): Cluster
  /** Null: as they are. */
  updateCluster(version: bigint, settings: Partial<ClusterSettings>): Promise<Cluster>
  rotateJoinToken(role: CertificateRole): Promise<string>
  nodes(): readonly Node[]
  /** Availability, role and labels. ERR_UNIMPLEMENTED for what one manager cannot do. */
  updateNode(id: string, version: bigint, spec: NodeSpec): Promise<Node>
  /** ERR_PRECONDITION while it is not down and `force` is not given, or is this manager. */
  removeNode(id: string, options: { readonly force: boolean }): Promise<void>
  networks(): readonly Network[]
  /**
   * VNIs, subnets and gateways are allocated and stored before it resolves. ERR_ALREADY_EXISTS
   * names what has the name or the addresses; ERR_EXHAUSTED when no pool has room (P11).
   */
  createNetwork(spec: NetworkSpec): Promise<Network>
  /** ERR_PRECONDITION while a task uses it: names one. */
  removeNetwork(id: string): Promise<void>
  tasks(): readonly Task[]
  usage(networkId: string): NetworkUsage
  /** Called after every stored change, in order, until disposed. */
  watch(listener: (change: ObjectChange) => void): Disposable
}
