/** One machine in, or not yet in, a cluster: what the Engine API and the SDK stand on. */
import type { Cancellable, EventSource, Ip } from '@weft/core'
import type { AttachmentRequest, AttachmentView } from './attachments.ts'
import type { Control } from './control.ts'
import type { NodeAvailability } from './generated/docker/swarmkit/v1/types_pb.ts'
import type { Network } from './generated/docker/swarmkit/v1/objects_pb.ts'

/** Docker's names for where a node stands (`docker info`, Swarm). */
export type LocalNodeState = 'inactive' | 'pending' | 'active' | 'error'

/** What a node says of itself without asking anybody. */
export interface ClusterNodeView {
  readonly state: LocalNodeState
  /** Why, in state 'error' or while a manager cannot be reached; empty otherwise. */
  readonly error: string
  /** Empty while inactive. */
  readonly nodeId: string
  readonly clusterId: string
  readonly role: 'worker' | 'manager' | null
  /** Advertised address, without port. */
  readonly nodeAddress: string
  /** Managers as this node knows them. */
  readonly managers: readonly { readonly nodeId: string; readonly address: string }[]
  /** True when a session with a manager is open now. */
  readonly connected: boolean
  readonly hostname: string
  readonly dataplane: string
  /** True once what was known before a restart is in force again, and peers were asked (P13). */
  readonly ready: boolean
}

/** `swarm init`. Texts as the user gave them; null: not given. */
export interface InitRequest {
  readonly listenAddress: string | null
  readonly advertiseAddress: string | null
  readonly dataPathAddress: string | null
  /** UDP port of the VTEP; 0: 4789 (docker-wire §1.3). */
  readonly dataPathPort: number
  /** CIDRs; empty: 10.0.0.0/8. */
  readonly defaultAddressPools: readonly string[]
  /** Prefix length of subnets cut from the pools; 0: 24. */
  readonly subnetSize: number
  readonly availability: NodeAvailability
}

/** `swarm join`. */
export interface JoinRequest {
  /** `host` or `host:port` of managers; at least one. */
  readonly remoteAddresses: readonly string[]
  readonly token: string
  readonly listenAddress: string | null
  readonly advertiseAddress: string | null
  readonly dataPathAddress: string | null
  readonly availability: NodeAvailability
}

/** Another node as gossip sees it. */
export interface PeerView {
  /** Its name in the ring. */
  readonly name: string
  readonly address: string
  readonly state: 'alive' | 'suspect' | 'dead' | 'left'
  /** True for a Weft node, false for a Docker engine. */
  readonly weft: boolean
  /** Networks that we share with it, by ID. */
  readonly networks: readonly string[]
}

/** A key in use: its age and tag, never its bytes. */
export interface KeyView {
  readonly subsystem: 'gossip' | 'ipsec'
  /** Lamport time, which names it (docker-wire §5.1). */
  readonly tag: string
  readonly isPrimary: boolean
  /** Wall time in epoch ms when this node first had it. */
  readonly since: number
}

/** A network that reaches this node: what `network ls` shows on a worker. */
export interface LocalNetworkView {
  readonly network: Network
  readonly attachments: readonly AttachmentView[]
  /** Endpoints elsewhere, from gossip. */
  readonly remote: readonly RemoteEndpointView[]
  /** VTEPs of the nodes on this network, with how many endpoints each has. */
  readonly peers: readonly { readonly name: string; readonly address: string }[]
}

/** An endpoint on another node. */
export interface RemoteEndpointView {
  readonly endpointId: string
  /** Container name; empty until its row in endpoint_table is here. */
  readonly name: string
  readonly address: string
  readonly mac: string
  readonly tunnel: Ip
}

/** Items of the dataplane that are desired and not programmed, for `weft status`. */
export interface FailedItemView {
  readonly item: string
  readonly code: string
  readonly message: string
}

/** What a node announces; each says *look again*. */
export type ClusterNodeEvents = {
  /** State, role, session, managers. */
  changed: object
  attachmentsChanged: object
  networksChanged: object
}

/** A node of a cluster, or one that may become it. */
export interface ClusterNode {
  readonly events: EventSource<ClusterNodeEvents>
  view(): ClusterNodeView
  /** Null unless this node is a manager that is up. */
  readonly control: Control | null
  /** Resolves with the node ID. ERR_PRECONDITION when it is part of a swarm already. */
  init(request: InitRequest, options?: Cancellable): Promise<string>
  /** Resolves when the node is ready, or throws why it cannot be. */
  join(request: JoinRequest, options?: Cancellable): Promise<void>
  /** ERR_PRECONDITION for the last manager without `force`. Attachments end. */
  leave(options: { readonly force: boolean } & Cancellable): Promise<void>
  /** Resolves when the endpoint is up and programmed. */
  attach(request: AttachmentRequest, options?: Cancellable): Promise<AttachmentView>
  /** By endpoint ID, attachment ID, or network and name. */
  detach(attachmentId: string, options?: Cancellable): Promise<void>
  attachments(): readonly AttachmentView[]
  networks(): readonly LocalNetworkView[]
  peers(): readonly PeerView[]
  keys(): readonly KeyView[]
  failedItems(): readonly FailedItemView[]
}
