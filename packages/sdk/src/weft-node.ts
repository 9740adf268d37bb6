/** A node as programs use it: the cluster's verbs with what is usual filled in, and handles. */
import type { Cancellable, EventSource } from '@weft/core'
import type { StackPorts } from '@weft/netstack'
import {
  NodeAvailability,
  swarmError,
  type ClusterNode,
  type ClusterNodeEvents,
  type ClusterNodeView,
  type InitRequest,
  type JoinRequest,
} from '@weft/swarm'
import type { CloseMode } from './close-list.ts'
import { networksOf, NOT_A_MANAGER, type Networks } from './networks.ts'

/** A node in this process. Disposing detaches: what a persistent dataplane forwards goes on. */
export interface WeftNode extends AsyncDisposable {
  /** The same node with Docker's verbs and all their parameters: what `engineApi` takes. */
  readonly cluster: ClusterNode
  readonly networks: Networks
  readonly events: EventSource<ClusterNodeEvents>
  view(): ClusterNodeView
  /**
   * Make a cluster of this node alone, as its manager. Resolves with the node's ID; throws as
   * ClusterNode.init.
   */
  init(request?: Partial<InitRequest>, options?: Cancellable): Promise<string>
  /** Become part of a cluster. `remoteAddresses` are managers; throws as ClusterNode.join. */
  join(
    request: Pick<JoinRequest, 'remoteAddresses' | 'token'> & Partial<JoinRequest>,
    options?: Cancellable,
  ): Promise<void>
  /** Ends attachments; a cluster ends with its last manager, which needs `force`. */
  leave(options?: { readonly force?: boolean } & Cancellable): Promise<void>
  /** What lets others in: secrets. ERR_PRECONDITION on a node that is no manager. */
  joinTokens(): { readonly worker: string; readonly manager: string }
  /**
   * Stop: `detach` leaves forwarding and state for the next start, `teardown` leaves nothing
   * programmed. Closing again does nothing.
   */
  close(mode: CloseMode): Promise<void>
}

/** Put handles around a node; `ports` are what stacks of programs run on. */
export function weftNodeOf(
  cluster: ClusterNode,
  ports: StackPorts,
  close: (mode: CloseMode) => Promise<void>,
): WeftNode {
  return {
    cluster,
    networks: networksOf(cluster, ports),
    events: cluster.events,
    view: () => cluster.view(),
    init: (request = {}, options = {}) => cluster.init({ ...USUAL_INIT, ...request }, options),
    join: (request, options = {}) => cluster.join({ ...USUAL_ADDRESSES, ...request }, options),
    leave: ({ force = false, ...options } = {}) => cluster.leave({ force, ...options }),
    joinTokens: () => joinTokens(cluster),
    close,
    [Symbol.asyncDispose]: () => close('detach'),
  }
}

const USUAL_ADDRESSES = {
  listenAddress: null,
  advertiseAddress: null,
  dataPathAddress: null,
  availability: NodeAvailability.ACTIVE,
} as const

const USUAL_INIT: InitRequest = {
  ...USUAL_ADDRESSES,
  dataPathPort: 0,
  defaultAddressPools: [],
  subnetSize: 0,
}

function joinTokens(cluster: ClusterNode): { readonly worker: string; readonly manager: string } {
  const tokens = cluster.control?.cluster().rootCa?.joinTokens
  if (tokens !== undefined) return { worker: tokens.worker, manager: tokens.manager }
  throw swarmError('ERR_PRECONDITION', NOT_A_MANAGER, { subject: 'join token' })
}
