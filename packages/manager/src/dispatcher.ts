/** Sessions with nodes: who is there, what each is to know and to run (docker-wire §7.6). */
import { create, equals, toBinary } from '@bufbuild/protobuf'
import type { Clock, Entropy, Logger, Random } from '@weft/core'
import {
  createId,
  durationOf,
  HeartbeatResponseSchema,
  NodeDescriptionSchema,
  NodeState,
  NodeStatusSchema,
  SessionMessageSchema,
  type AssignmentsMessage,
  type AssignmentsRequest,
  type CallContext,
  type Caller,
  type Cluster,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type Node,
  type NodeDescription,
  type ObjectChange,
  type SessionMessage,
  type SessionRequest,
  type WeightedPeer,
} from '@weft/swarm'
import { clusterOf, heartbeatPeriodMs, knownNode } from './cluster-facts.ts'
import {
  dispatcherStopped,
  mustDisconnect,
  notRegistered,
  sessionInvalid,
  unauthenticated,
} from './dispatcher-errors.ts'
import type { Draft } from './draft.ts'
import { managersOf } from './managers.ts'
import { invalid } from './network-spec.ts'
import { nodeStatus } from './node-object.ts'
import { NodeSession } from './node-session.ts'
import type { Objects } from './objects.ts'
import { Registrations, type Registration } from './registrations.ts'
import type { ManagerTunables } from './tunables.ts'

/** Bytes of what a node says of itself: its names, its resources, its plugins. */
export const DESCRIPTION_BYTES_MAX = 64 << 10

/** What the dispatcher needs. */
export interface DispatcherPorts {
  readonly clock: Clock
  readonly random: Random
  readonly entropy: Entropy
  readonly log: Logger
}

/** A node has at most one session, the last one it opened; older ones end. */
export class Dispatcher {
  readonly #objects: Objects
  readonly #tunables: ManagerTunables
  readonly #ports: DispatcherPorts
  readonly #registrations: Registrations
  readonly #watching: Disposable
  #cluster: Cluster
  #managers: readonly WeightedPeer[]
  #closed = false

  constructor(objects: Objects, tunables: ManagerTunables, ports: DispatcherPorts) {
    this.#objects = objects
    this.#tunables = tunables
    this.#ports = ports
    this.#cluster = clusterOf(objects.tables)
    this.#managers = managersOf(objects.tables)
    this.#registrations = new Registrations({
      clock: ports.clock,
      tunables,
      graceMs: () => this.#tunables.heartbeatGracePeriods * heartbeatPeriodMs(this.#cluster),
      onExpired: (registration) => void this.#expire(registration),
    })
    this.#watching = objects.watch((change) => this.#follow(change))
  }

  /** A node's Session stream. */
  async *session(
    request: SessionRequest,
    context: CallContext,
  ): AsyncGenerator<SessionMessage, void, undefined> {
    const session = await this.#register(request, context)
    yield* session.messages(context.signal)
  }

  /** Tells when to come again. Throws ERR_INVALID_ARGUMENT, ERR_NOT_FOUND: open a new session. */
  heartbeat({ sessionId }: HeartbeatRequest, context: CallContext): HeartbeatResponse {
    this.#registrations.refresh(this.#registrationOf(sessionId, context))
    const periodMs = heartbeatPeriodMs(this.#cluster)
    // A tenth at most, where periods are shorter than Docker's.
    const jitterMs = Math.min(this.#tunables.heartbeatJitterMs, Math.floor(periodMs / 10))
    const ms = periodMs - jitterMs + this.#ports.random.below(2 * jitterMs + 1)
    return create(HeartbeatResponseSchema, { period: durationOf(ms) })
  }

  /** A node's Assignments stream. */
  async *assignments(
    { sessionId }: AssignmentsRequest,
    context: CallContext,
  ): AsyncGenerator<AssignmentsMessage, void, undefined> {
    yield* this.#registrationOf(sessionId, context).session.assignments(context.signal)
  }

  /** The node whose current session this is. Throws as `heartbeat` does. */
  nodeOf(sessionId: string, context: CallContext): string {
    return this.#registrationOf(sessionId, context).session.nodeId
  }

  close(): void {
    this.#closed = true
    this.#watching[Symbol.dispose]()
    for (const registration of [...this.#registrations.all()]) {
      this.#registrations.drop(registration)
      registration.session.end(dispatcherStopped)
    }
  }

  #registrationOf(sessionId: string, context: CallContext): Registration {
    const { nodeId } = this.#callerOf(context)
    knownNode(this.#objects.tables, nodeId)
    const registration = this.#registrations.get(nodeId)
    if (registration === null || registration.isExpired) throw notRegistered()
    if (registration.session.id !== sessionId) throw sessionInvalid()
    return registration
  }

  #callerOf({ caller }: CallContext): Caller {
    if (this.#closed) throw dispatcherStopped()
    if (caller === null) throw unauthenticated()
    return caller
  }

  async #register(request: SessionRequest, context: CallContext): Promise<NodeSession> {
    const { nodeId } = this.#callerOf(context)
    const { description, sessionId } = request
    knownNode(this.#objects.tables, nodeId)
    checkDescription(description)
    const current = this.#registrations.get(nodeId)
    const isKnown = current?.session.id === sessionId && !current.isExpired
    const registration = isKnown ? current : this.#open(nodeId)
    this.#registrations.refresh(registration)
    try {
      await this.#objects.transact((draft) => {
        if (this.#registrations.get(nodeId) !== registration) throw sessionInvalid()
        planReady(draft, nodeId, { description, remoteIp: context.remoteIp })
      })
    } catch (error) {
      if (!isKnown) this.#end(registration, sessionInvalid)
      throw error
    }
    return registration.session
  }

  #open(nodeId: string): Registration {
    this.#registrations.checkRate(nodeId)
    const id = createId(this.#ports.entropy)
    const session = new NodeSession(
      { id, nodeId },
      {
        message: (sessionId) => this.#message(sessionId, nodeId),
        tasks: () => this.#objects.tables.tasksOn(nodeId),
      },
    )
    const { added, last } = this.#registrations.add(session)
    last?.end(sessionInvalid)
    return added
  }

  #message(sessionId: string, nodeId: string): SessionMessage {
    return create(SessionMessageSchema, {
      sessionId,
      node: knownNode(this.#objects.tables, nodeId),
      managers: [...this.#managers],
      networkBootstrapKeys: this.#cluster.networkBootstrapKeys,
      rootCa: this.#cluster.rootCa?.caCert ?? new Uint8Array(0),
    })
  }

  /** The node is down. Its last message says so, then its streams end. */
  async #expire(registration: Registration): Promise<void> {
    const { nodeId } = registration.session
    try {
      await this.#objects.transact((draft) => {
        const node = draft.tables.get('node', nodeId)
        if (node === null || this.#registrations.get(nodeId) !== registration) return
        const status = nodeStatus(NodeState.DOWN, 'heartbeat failure', node.status?.addr)
        draft.put('node', { ...node, status })
      })
      this.#end(registration, notRegistered, true)
    } catch (error) {
      if (this.#closed) return
      this.#ports.log.error('a node could not be marked as down', { node: nodeId, error })
      this.#registrations.retry(registration)
    }
  }

  #end(registration: Registration, why: () => Error, isLastDue = false): void {
    this.#registrations.drop(registration)
    registration.session.end(why, isLastDue)
  }

  #follow(change: ObjectChange): void {
    if (change.kind === 'task') {
      this.#registrations.get(change.object.nodeId)?.session.follow(change)
    } else if (change.kind === 'node') {
      this.#followNode(change.object, change.action === 'remove')
    } else if (change.kind === 'cluster') {
      this.#followCluster(change.object)
    }
  }

  #followNode(node: Node, isRemoved: boolean): void {
    const registration = this.#registrations.get(node.id)
    if (isRemoved) {
      this.#registrations.forget(node.id)
      if (registration !== null) this.#end(registration, mustDisconnect)
    }
    if (node.managerStatus === undefined) registration?.session.announce()
    else this.#announceManagers()
  }

  #announceManagers(): void {
    this.#managers = managersOf(this.#objects.tables)
    for (const { session } of this.#registrations.all()) session.announce()
  }

  /** Parts of objects are never changed, only replaced: sessions tell keys and root. */
  #followCluster(cluster: Cluster): void {
    const { networkBootstrapKeys: keys, rootCa } = this.#cluster
    const isSame =
      keys === cluster.networkBootstrapKeys && rootCa?.caCert === cluster.rootCa?.caCert
    this.#cluster = cluster
    if (isSame) return
    for (const { session } of this.#registrations.all()) session.announce()
  }
}

function checkDescription(description: NodeDescription | undefined): void {
  if (description === undefined) return
  if (toBinary(NodeDescriptionSchema, description).length <= DESCRIPTION_BYTES_MAX) return
  throw invalid(`the node's description exceeds ${DESCRIPTION_BYTES_MAX} bytes`, 'description')
}

/** Writes nothing when the node is known to be so: reconnects cost no writes. */
function planReady(
  draft: Draft,
  nodeId: string,
  { description, remoteIp }: { description: NodeDescription | undefined; remoteIp: string },
): void {
  const node = knownNode(draft.tables, nodeId)
  // A manager reaches itself over any address; others reach it over the one it says.
  const own = node.managerStatus?.addr
  const addr = own === undefined ? remoteIp : hostOf(own)
  const status = nodeStatus(NodeState.READY, '', addr)
  const isSameStatus = node.status !== undefined && equals(NodeStatusSchema, node.status, status)
  if (isSameStatus && isSameDescription(node.description, description)) return
  draft.put('node', { ...node, status, description: description ?? node.description })
}

/** The host of `host:port`, without the brackets of IPv6. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
}

function isSameDescription(
  known: NodeDescription | undefined,
  told: NodeDescription | undefined,
): boolean {
  if (told === undefined) return true
  return known !== undefined && equals(NodeDescriptionSchema, known, told)
}
