/** A cluster of one manager for tests: its root, identities, and services that can be replaced. */
import { create } from '@bufbuild/protobuf'
import { parseIp, silentLogger, type Clock, type SocketAddress } from '@weft/core'
import { nodeRuntime } from '@weft/runtime-node'
import {
  AttachNetworkResponseSchema,
  certificateValidity,
  DetachNetworkResponseSchema,
  GetRootCACertificateResponseSchema,
  HealthCheckResponseSchema,
  HeartbeatResponseSchema,
  IssueNodeCertificateResponseSchema,
  NodeCertificateStatusResponseSchema,
  UpdateTaskStatusResponseSchema,
  type CertificateRole,
  type ConnectionTrust,
  type ManagerConnection,
  type ManagerDialer,
  type ManagerServices,
  type NodeIdentity,
  type RootAuthority,
} from '@weft/swarm'
import { grpcDialer, nodeCertificates, serveManager, type ManagerServer } from '../src/index.ts'

export const CLUSTER_ID = 'clusterclusterclusterclus'
export const DAY_MS = 86_400_000

/** The real clock, except that its wall time can be moved. */
export class ShiftedClock implements Clock {
  shiftMs = 0
  readonly #clock = nodeRuntime().clock
  now: Clock['now'] = () => this.#clock.now()
  schedule: Clock['schedule'] = (at, task) => this.#clock.schedule(at, task)
  wall: Clock['wall'] = () => this.#clock.wall() + this.shiftMs
}

/** What an identity is to be like. */
export interface IdentityOptions {
  readonly role?: CertificateRole
  readonly nodeId?: string
  readonly clusterId?: string
  readonly from?: number
  readonly validityMs?: number
}

export async function identity(
  root: RootAuthority,
  options: IdentityOptions = {},
): Promise<NodeIdentity> {
  const { role = 'worker', clusterId = CLUSTER_ID } = options
  const nodeId = options.nodeId ?? `${role}nodenodenodenodenode`
  const from = options.from ?? nodeRuntime().clock.wall()
  const validity = certificateValidity(from, options.validityMs ?? 90 * DAY_MS)
  const { keyPem, requestPem } = await nodeCertificates.createRequest()
  const facts = { nodeId, clusterId, role, ...validity }
  const certificatePem = await nodeCertificates.sign(root, requestPem, facts)
  return { nodeId, clusterId, role, certificatePem, keyPem, rootPem: root.rootPem }
}

/** Services that answer with nothing. */
export function plainServices(replaced: Partial<ManagerServices> = {}): ManagerServices {
  return {
    getRootCertificate: async () => create(GetRootCACertificateResponseSchema),
    issueNodeCertificate: async () => create(IssueNodeCertificateResponseSchema),
    nodeCertificateStatus: async () => create(NodeCertificateStatusResponseSchema),
    session: async function* () {},
    heartbeat: async () => create(HeartbeatResponseSchema),
    assignments: async function* () {},
    updateTaskStatus: async () => create(UpdateTaskStatusResponseSchema),
    attachNetwork: async () => create(AttachNetworkResponseSchema),
    detachNetwork: async () => create(DetachNetworkResponseSchema),
    checkHealth: async () => create(HealthCheckResponseSchema),
    ...replaced,
  }
}

/** What a world is not to make up. */
export interface WorldOptions {
  readonly root?: RootAuthority
  readonly listen?: SocketAddress
  /** Another than a manager of the root. */
  readonly serveAs?: NodeIdentity
}

type WorldParts = Pick<ManagerWorld, 'root' | 'manager' | 'worker' | 'server' | 'clock'>

/** A manager that is served on this machine, and connections to it. */
export class ManagerWorld implements AsyncDisposable {
  readonly root: RootAuthority
  readonly manager: NodeIdentity
  readonly worker: NodeIdentity
  readonly server: ManagerServer
  readonly clock: ShiftedClock
  readonly #connections: ManagerConnection[] = []

  private constructor(parts: WorldParts) {
    this.root = parts.root
    this.manager = parts.manager
    this.worker = parts.worker
    this.server = parts.server
    this.clock = parts.clock
  }

  static async open(
    services: Partial<ManagerServices> = {},
    given: WorldOptions = {},
  ): Promise<ManagerWorld> {
    const clock = new ShiftedClock()
    const root = given.root ?? (await nodeCertificates.createRoot(clock.wall() - 3_600_000))
    const manager = await identity(root, { role: 'manager' })
    const worker = await identity(root)
    const listen = given.listen ?? { ip: parseIp('127.0.0.1'), port: 0 }
    const options = { listen, identity: given.serveAs ?? manager, log: silentLogger, clock }
    const server = await serveManager(plainServices(services), options)
    return new ManagerWorld({ root, manager, worker, server, clock })
  }

  get dialer(): ManagerDialer {
    return grpcDialer({ log: silentLogger, clock: this.clock })
  }

  get address(): string {
    return `127.0.0.1:${this.server.local.port}`
  }

  dial(trust: ConnectionTrust = { kind: 'identity', identity: this.worker }): ManagerConnection {
    const connection = this.dialer.dial(this.address, trust)
    this.#connections.push(connection)
    return connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((one) => one.close()))
    await this.server.close()
  }
}

/** A promise for one event, and what settles it. */
export type Signal = PromiseWithResolvers<void>
export const newSignal = (): Signal => Promise.withResolvers<void>()
