/** What a manager offers to nodes, apart from how it travels (docker-wire §7.5 to §7.7). */
import type { CancelSignal } from '@weft/core'
import type { CertificateRole } from './certificates.ts'
import type {
  AssignmentsMessage,
  AssignmentsRequest,
  AttachNetworkRequest,
  AttachNetworkResponse,
  DetachNetworkRequest,
  DetachNetworkResponse,
  GetRootCACertificateRequest,
  GetRootCACertificateResponse,
  HealthCheckRequest,
  HealthCheckResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  IssueNodeCertificateRequest,
  IssueNodeCertificateResponse,
  NodeCertificateStatusRequest,
  NodeCertificateStatusResponse,
  SessionMessage,
  SessionRequest,
  UpdateTaskStatusRequest,
  UpdateTaskStatusResponse,
} from './generated/docker/swarmkit/v1/services_pb.ts'

/** Who calls, as its certificate says; the transport has checked it against the root. */
export interface Caller {
  readonly nodeId: string
  readonly clusterId: string
  readonly role: CertificateRole
}

/** One call on the server's side. */
export interface CallContext {
  /** Null: it showed no certificate. */
  readonly caller: Caller | null
  /** Where the call came from: an IP address without port. */
  readonly remoteIp: string
  /** Aborted when the client goes away or the server stops: streams end. */
  readonly signal: CancelSignal
}

/** Methods by name; streams end by returning, or by a SwarmError that travels as a status. */
export interface ManagerServices {
  getRootCertificate(
    request: GetRootCACertificateRequest,
    context: CallContext,
  ): Promise<GetRootCACertificateResponse>
  issueNodeCertificate(
    request: IssueNodeCertificateRequest,
    context: CallContext,
  ): Promise<IssueNodeCertificateResponse>
  /** Held until the state is final. */
  nodeCertificateStatus(
    request: NodeCertificateStatusRequest,
    context: CallContext,
  ): Promise<NodeCertificateStatusResponse>
  session(request: SessionRequest, context: CallContext): AsyncIterable<SessionMessage>
  heartbeat(request: HeartbeatRequest, context: CallContext): Promise<HeartbeatResponse>
  assignments(
    request: AssignmentsRequest,
    context: CallContext,
  ): AsyncIterable<AssignmentsMessage>
  updateTaskStatus(
    request: UpdateTaskStatusRequest,
    context: CallContext,
  ): Promise<UpdateTaskStatusResponse>
  attachNetwork(
    request: AttachNetworkRequest,
    context: CallContext,
  ): Promise<AttachNetworkResponse>
  detachNetwork(
    request: DetachNetworkRequest,
    context: CallContext,
  ): Promise<DetachNetworkResponse>
  checkHealth(request: HealthCheckRequest, context: CallContext): Promise<HealthCheckResponse>
}

/** Names of the methods. */
export type ManagerMethod = keyof ManagerServices

/**
 * Who may call what (docker-wire §7.3). The transport enforces it before a service is reached:
 * 'anyone' needs no certificate, 'node' one of either role, 'manager' a manager's.
 */
export const METHOD_ACCESS = {
  getRootCertificate: 'anyone',
  issueNodeCertificate: 'anyone',
  nodeCertificateStatus: 'anyone',
  session: 'node',
  heartbeat: 'node',
  assignments: 'node',
  updateTaskStatus: 'node',
  attachNetwork: 'node',
  detachNetwork: 'node',
  checkHealth: 'manager',
} as const satisfies { readonly [Method in ManagerMethod]: 'anyone' | 'node' | 'manager' }
