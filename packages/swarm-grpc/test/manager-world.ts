/** A cluster of one manager for tests: its root, identities, and services that can be replaced. */
import { create } from '@bufbuild/protobuf'
import { silentLogger, type Clock } from '@weft/core'
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
  type CallContext,
  type CertificateRole,
  type ConnectionTrust,
  type ManagerConnection,
  type ManagerServices,
  type NodeIdentity,
  type RootAuthority,
} from '@weft/swarm'
import { parseIp } from '@weft/core'
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
  const { role = 'worker', nodeId = `${role}nodenodenodenodenode`, clusterId = CLUSTER_ID } = options
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
    healthCheck: async () => create(HealthCheckResponseSchema),
    ...replaced,
  }
}

/** A manager that is served on this machine, and connections to it. */
export class ManagerWorld implements AsyncDisposable {
  readonly root: RootAuthority
  readonly manager: NodeIdentity
  readonly worker: NodeIdentity
  readonly server: ManagerServer
  readonly clock: ShiftedClock
  readonly #connections: ManagerConnection[] = []

  private constructor(parts: Omit<ManagerWorld, 'dial' | 'address' | 'replace'>) {
    this.root = parts.root
    this.manager = parts.manager
    this.worker = parts.worker
    this.server = parts.server
    this.clock = parts.clock
  }

  static async open(services: Partial<ManagerServices> = {}): Promise<ManagerWorld> {
    const clock = new ShiftedClock()
    const root = await nodeCertificates.createRoot(clock.wall() - 3_600_000)
    const manager = await identity(root, { role: 'manager' })
    const worker = await identity(root)
    const listen = { ip: parseIp('127.0.0.1'), port: 0 }
    const options = { listen, identity: manager, log: silentLogger, clock }
    const server = await serveManager(plainServices(services), options)
    return new ManagerWorld({ root, manager, worker, server, clock } as ManagerWorld)
  }

  get address(): string {
    return `127.0.0.1:${this.server.local.port}`
  }

  dial(trust: ConnectionTrust = { kind: 'identity', identity: this.worker }): ManagerConnection {
    const connection = grpcDialer({ log: silentLogger, clock: this.clock }).dial(
      this.address,
      trust,
    )
    this.#connections.push(connection)
    return connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((one) => one.close()))
    await this.server.close()
  }
}

/** Remembers the contexts of calls. */
export class Contexts {
  readonly all: CallContext[] = []
  get last(): CallContext | undefined {
    return this.all.at(-1)
  }
}
