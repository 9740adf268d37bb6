/** ManagerServices as gRPC methods: each call authorized, called off with its caller, and named. */
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextKey,
  type ConnectRouter,
  type HandlerContext,
} from '@connectrpc/connect'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import type { Clock, Logger } from '@weft/core'
import {
  CA,
  Dispatcher,
  Health,
  NodeCA,
  ResourceAllocator,
  type AssignmentsRequest,
  type AttachNetworkRequest,
  type CallContext,
  type DetachNetworkRequest,
  type GetRootCACertificateRequest,
  type HealthCheckRequest,
  type HeartbeatRequest,
  type IssueNodeCertificateRequest,
  type ManagerMethod,
  type ManagerServices,
  type NodeCertificateStatusRequest,
  type SessionRequest,
  type UpdateTaskStatusRequest,
} from '@weft/swarm'
import { authorize } from './authorize.ts'
import { MESSAGE_BYTES_MAX, STRANGER_MESSAGE_BYTES_MAX } from './message-limits.ts'
import type { Origin } from './origin.ts'
import { toStatus } from './statuses.ts'
import { unlessAborted, untilAborted } from './unless-aborted.ts'

/** Where a request's connection is found among its context values. */
export const originKey = createContextKey<Origin>(
  { peer: { kind: 'stranger' }, remoteIp: '' },
  { description: 'connection' },
)

/** What routes work with. */
export interface RouteOptions {
  readonly clusterId: () => string
  readonly clock: Clock
  readonly log: Logger
  /** Aborted when the server stops; its reason is the status that callers get. */
  readonly shutdownSignal: AbortSignal
}

const METHODS: ReadonlyMap<object, ManagerMethod> = new Map<object, ManagerMethod>([
  [CA.method.getRootCACertificate, 'getRootCertificate'],
  [NodeCA.method.issueNodeCertificate, 'issueNodeCertificate'],
  [NodeCA.method.nodeCertificateStatus, 'nodeCertificateStatus'],
  [Dispatcher.method.session, 'session'],
  [Dispatcher.method.heartbeat, 'heartbeat'],
  [Dispatcher.method.assignments, 'assignments'],
  [Dispatcher.method.updateTaskStatus, 'updateTaskStatus'],
  [ResourceAllocator.method.attachNetwork, 'attachNetwork'],
  [ResourceAllocator.method.detachNetwork, 'detachNetwork'],
  [Health.method.check, 'checkHealth'],
])

/** Handlers by path, like `/docker.swarmkit.v1.Dispatcher/Session`. */
export function managerRoutes(
  services: ManagerServices,
  options: RouteOptions,
): ReadonlyMap<string, UniversalHandler> {
  const calls = new Calls(options)
  const router = createConnectRouter({
    connect: false,
    grpcWeb: false,
    acceptCompression: [],
    readMaxBytes: MESSAGE_BYTES_MAX,
    writeMaxBytes: MESSAGE_BYTES_MAX,
    shutdownSignal: options.shutdownSignal,
    requestGate: (context) => calls.gate(context),
  })
  addStrangerRoutes(router, services, calls)
  addNodeRoutes(router, services, calls)
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]))
}

function addStrangerRoutes(router: ConnectRouter, services: ManagerServices, calls: Calls): void {
  const options = { readMaxBytes: STRANGER_MESSAGE_BYTES_MAX }
  const root = calls.unary((request: GetRootCACertificateRequest, context) =>
    services.getRootCertificate(request, context),
  )
  const issue = calls.unary((request: IssueNodeCertificateRequest, context) =>
    services.issueNodeCertificate(request, context),
  )
  const status = calls.unary((request: NodeCertificateStatusRequest, context) =>
    services.nodeCertificateStatus(request, context),
  )
  router
    .service(CA, { getRootCACertificate: root }, options)
    .service(NodeCA, { issueNodeCertificate: issue, nodeCertificateStatus: status }, options)
}

function addNodeRoutes(router: ConnectRouter, services: ManagerServices, calls: Calls): void {
  router
    .service(Dispatcher, {
      session: calls.stream((request: SessionRequest, context) =>
        services.session(request, context),
      ),
      heartbeat: calls.unary((request: HeartbeatRequest, context) =>
        services.heartbeat(request, context),
      ),
      assignments: calls.stream((request: AssignmentsRequest, context) =>
        services.assignments(request, context),
      ),
      updateTaskStatus: calls.unary((request: UpdateTaskStatusRequest, context) =>
        services.updateTaskStatus(request, context),
      ),
    })
    .service(ResourceAllocator, {
      attachNetwork: calls.unary((request: AttachNetworkRequest, context) =>
        services.attachNetwork(request, context),
      ),
      detachNetwork: calls.unary((request: DetachNetworkRequest, context) =>
        services.detachNetwork(request, context),
      ),
    })
    .service(Health, {
      check: calls.unary((request: HealthCheckRequest, context) =>
        services.checkHealth(request, context),
      ),
    })
}

class Calls {
  readonly #options: RouteOptions

  constructor(options: RouteOptions) {
    this.#options = options
  }

  /** Before a request's body is read: who may not call costs nothing more. */
  gate(context: HandlerContext): void {
    try {
      this.#admit(context)
    } catch (error) {
      throw this.#statusOf(error, context)
    }
  }

  unary<Request, Answer>(
    call: (request: Request, context: CallContext) => Promise<Answer>,
  ): (request: Request, context: HandlerContext) => Promise<Answer> {
    return async (request, context) => {
      try {
        return await unlessAborted(call(request, this.#admit(context)), context.signal)
      } catch (error) {
        throw this.#statusOf(error, context)
      }
    }
  }

  stream<Request, Message>(
    call: (request: Request, context: CallContext) => AsyncIterable<Message>,
  ): (request: Request, context: HandlerContext) => AsyncIterable<Message> {
    const admit = (context: HandlerContext): CallContext => this.#admit(context)
    const statusOf = (error: unknown, context: HandlerContext): unknown =>
      this.#statusOf(error, context)
    return async function* (request, context) {
      try {
        yield* untilAborted(call(request, admit(context)), context.signal)
      } catch (error) {
        throw statusOf(error, context)
      }
    }
  }

  #admit(context: HandlerContext): CallContext {
    const method = METHODS.get(context.method)
    if (method === undefined) throw new ConnectError('unknown method', Code.Unimplemented)
    const { peer, remoteIp } = context.values.get(originKey)
    const admission = { method, peer, clusterId: this.#options.clusterId() }
    const caller = authorize({ ...admission, wall: this.#options.clock.wall() })
    return { caller, remoteIp, signal: context.signal }
  }

  /** Callers are told what is meant for them; the rest is logged, and an internal error to them. */
  #statusOf(error: unknown, context: HandlerContext): unknown {
    const status = toStatus(error)
    if (status !== null) return status
    if (context.signal.aborted) return error
    this.#options.log.error('a call failed', { method: context.method.name, error: String(error) })
    return new ConnectError('internal error', Code.Internal)
  }
}
