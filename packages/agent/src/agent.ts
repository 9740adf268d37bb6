/** A node at work, as whoever composes it sees it. */
import type { Cancellable, EventSource } from '@weft/core'
import type {
  AttachmentRequest,
  AttachmentView,
  ClusterNodeView,
  FailedItemView,
  KeyView,
  LocalNetworkView,
  NodeIdentity,
  PeerView,
} from '@weft/swarm'
import type { NodeAddresses, NodeFacts } from './agent-options.ts'

/** The part of a node's view that an agent knows. */
export type AgentView = Omit<ClusterNodeView, 'state'> & {
  /** 'error' is final: the node was removed from its cluster. */
  readonly state: 'pending' | 'active' | 'error'
}

/** What an agent announces; all but `identity` say *look again*. */
export type AgentEvents = {
  changed: object
  attachmentsChanged: object
  networksChanged: object
  /** The identity was renewed, and written down: whoever serves with the old one changes over. */
  identity: { readonly identity: NodeIdentity }
}

/** What dockerd's agent is to a swarm. */
export interface Agent extends AsyncDisposable {
  readonly events: EventSource<AgentEvents>
  view(): AgentView
  /** The one in use now. */
  identity(): NodeIdentity
  /**
   * Resolves when the endpoint is programmed, written down and announced. Whatever it throws,
   * nothing of it is left, on the manager either. Throws SwarmErrors, DataplaneErrors of the
   * endpoint, FilesErrors, and the signal's reason.
   */
  attach(request: AttachmentRequest, options?: Cancellable): Promise<AttachmentView>
  /** By attachment ID, endpoint ID or a unique prefix of one. Throws ERR_NOT_FOUND. */
  detach(id: string, options?: Cancellable): Promise<void>
  attachments(): readonly AttachmentView[]
  networks(): readonly LocalNetworkView[]
  peers(): readonly PeerView[]
  keys(): readonly KeyView[]
  failedItems(): readonly FailedItemView[]
  /**
   * Other addresses, or other facts: an update of what is announced, never a rebuild (P25). Throws
   * what sockets and files throw; it counts all the same, and is tried again until it holds.
   */
  update(changes: Partial<NodeAddresses> & { readonly facts?: NodeFacts }): Promise<void>
  /** Detach everything, say goodbye to peers, and forget what was written down. Close after it. */
  leave(options?: Cancellable): Promise<void>
  /**
   * End at once. `detach` leaves forwarding and the files as they are, for a successor; `teardown`
   * leaves nothing programmed. Closing again does nothing.
   */
  close(mode: 'detach' | 'teardown'): Promise<void>
}
