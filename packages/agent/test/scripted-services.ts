/** A manager that says what the test says: for what a real one does only when it is in trouble. */
import { create } from '@bufbuild/protobuf'
import {
  AssignmentAction,
  AssignmentsMessageSchema,
  AssignmentsType,
  DetachNetworkResponseSchema,
  durationOf,
  GetRootCACertificateResponseSchema,
  HealthCheckResponseSchema,
  HeartbeatResponseSchema,
  SessionMessageSchema,
  swarmError,
  TaskSchema,
  UpdateTaskStatusResponseSchema,
  type AssignmentsMessage,
  type AttachNetworkRequest,
  type AttachNetworkResponse,
  type CallContext,
  type DetachNetworkRequest,
  type HeartbeatRequest,
  type IssueNodeCertificateRequest,
  type ManagerServices,
  type SessionMessage,
  type SessionRequest,
  type Task,
  type TaskStatusUpdate,
  type UpdateTaskStatusRequest,
} from '@weft/swarm'
import { onCancelled } from '../src/async/cancel-source.ts'

/** Something that a stream waits for. */
class Mailbox<Message> {
  readonly #waiting: (Message | Error)[] = []
  #wake = Promise.withResolvers<void>()

  put(message: Message | Error): void {
    this.#waiting.push(message)
    this.#wake.resolve()
  }

  async *follow(signal: CallContext['signal']): AsyncIterable<Message> {
    using _signal = onCancelled(signal, () => this.#wake.resolve())
    while (!signal.aborted) {
      const next = this.#waiting.shift()
      if (next === undefined) {
        await this.#wake.promise
        this.#wake = Promise.withResolvers<void>()
      } else if (next instanceof Error) throw next
      else yield next
    }
  }
}

/** A task that wants an endpoint. */
export function attachmentTask(
  id: string,
  containerId: string,
  more: Partial<Pick<Task, 'desiredState'>> & { readonly address?: string } = {},
): Task {
  const { address = '10.0.1.5/24', desiredState = 512 } = more
  return create(TaskSchema, {
    id,
    desiredState,
    spec: { runtime: { case: 'attachment', value: { containerId } } },
    networks: [
      {
        addresses: [address],
        network: {
          id: 'net1',
          spec: { annotations: { name: 'blue' }, driverConfig: { name: 'overlay' } },
          driverState: {
            name: 'overlay',
            options: { 'com.docker.network.driver.overlay.vxlanid_list': '4097' },
          },
          ipam: { configs: [{ family: 4, subnet: '10.0.1.0/24', gateway: '10.0.1.1' }] },
        },
      },
    ],
  })
}

/** An assignments message. */
export function assignments(
  tasks: readonly Task[],
  more: {
    readonly base?: string
    readonly result: string
    readonly removed?: readonly string[]
  },
): AssignmentsMessage {
  const { base, result, removed = [] } = more
  return create(AssignmentsMessageSchema, {
    type: base === undefined ? AssignmentsType.COMPLETE : AssignmentsType.INCREMENTAL,
    appliesTo: base ?? '',
    resultsIn: result,
    changes: [
      ...tasks.map((value) => ({ assignment: { item: { case: 'task' as const, value } } })),
      ...removed.map((id) => ({
        action: AssignmentAction.REMOVE,
        assignment: { item: { case: 'task' as const, value: create(TaskSchema, { id }) } },
      })),
    ],
  })
}

/** Six keys, named from `first` on. */
export function sixKeys(first: number): SessionMessage['networkBootstrapKeys'] {
  const message = create(SessionMessageSchema, {
    networkBootstrapKeys: Array.from({ length: 6 }, (_, i) => ({
      subsystem: i < 3 ? 'networking:gossip' : 'networking:ipsec',
      key: new Uint8Array(16).fill(first + i),
      lamportTime: BigInt(first + i),
    })),
  })
  return message.networkBootstrapKeys
}

/** What managers were told. */
interface Notes {
  readonly sessionRequests: SessionRequest[]
  readonly heartbeats: { readonly at: number; readonly sessionId: string }[]
  readonly updates: TaskStatusUpdate[]
  readonly released: string[]
}

/** What a manager is to say; all of it may change while it is up. */
class Script {
  readonly notes: Notes = { sessionRequests: [], heartbeats: [], updates: [], released: [] }
  readonly sessions: Mailbox<SessionMessage>[] = []
  readonly streams: Mailbox<AssignmentsMessage>[] = []
  /** What the first message of the next session is; null: none comes. */
  first: () => SessionMessage | Error | null
  /** What begins the next stream of assignments. */
  firstAssignments: AssignmentsMessage | null = assignments([], { result: '1' })
  periodMs = 5000
  heartbeatError: Error | null = null
  attach: (containerId: string) => Promise<AttachNetworkResponse> = () => {
    throw swarmError('ERR_NOT_FOUND', 'network blue not found', { subject: 'blue' })
  }

  constructor(address: string) {
    this.first = () => this.message([address])
  }

  /** A complete session message. */
  message(managers: readonly string[], more: { readonly keys?: number } = {}): SessionMessage {
    return create(SessionMessageSchema, {
      sessionId: 's1',
      node: { id: 'node1', vxlanUdpPort: 0, spec: { desiredRole: 0 } },
      managers: managers.map((addr, i) => ({ peer: { nodeId: `m${i}`, addr }, weight: 10n })),
      networkBootstrapKeys: sixKeys(more.keys ?? 10),
    })
  }

  /** Through the newest session, and the newest stream of assignments. */
  say(message: SessionMessage | Error): void {
    this.sessions.at(-1)?.put(message)
  }

  assign(message: AssignmentsMessage | Error): void {
    this.streams.at(-1)?.put(message)
  }
}

/** Says what the script says, and notes what it is told. */
export class ScriptedServices extends Script implements ManagerServices {
  readonly #now: () => number

  constructor(now: () => number, address: string) {
    super(address)
    this.#now = now
  }

  async *session(
    request: SessionRequest,
    { signal }: CallContext,
  ): AsyncIterable<SessionMessage> {
    this.notes.sessionRequests.push(request)
    const mailbox = new Mailbox<SessionMessage>()
    this.sessions.push(mailbox)
    const first = this.first()
    if (first !== null) mailbox.put(first)
    yield* mailbox.follow(signal)
  }

  async *assignments(
    _request: unknown,
    { signal }: CallContext,
  ): AsyncIterable<AssignmentsMessage> {
    const mailbox = new Mailbox<AssignmentsMessage>()
    this.streams.push(mailbox)
    if (this.firstAssignments !== null) mailbox.put(this.firstAssignments)
    yield* mailbox.follow(signal)
  }

  async heartbeat({ sessionId }: HeartbeatRequest): ReturnType<ManagerServices['heartbeat']> {
    this.notes.heartbeats.push({ at: this.#now(), sessionId })
    if (this.heartbeatError !== null) throw this.heartbeatError
    return create(HeartbeatResponseSchema, { period: durationOf(this.periodMs) })
  }

  async updateTaskStatus({
    updates,
  }: UpdateTaskStatusRequest): ReturnType<ManagerServices['updateTaskStatus']> {
    this.notes.updates.push(...updates)
    return create(UpdateTaskStatusResponseSchema)
  }

  async attachNetwork({
    containerId,
  }: AttachNetworkRequest): ReturnType<ManagerServices['attachNetwork']> {
    return this.attach(containerId)
  }

  async detachNetwork({
    attachmentId,
  }: DetachNetworkRequest): ReturnType<ManagerServices['detachNetwork']> {
    this.notes.released.push(attachmentId)
    return create(DetachNetworkResponseSchema)
  }

  async checkHealth(): ReturnType<ManagerServices['checkHealth']> {
    return create(HealthCheckResponseSchema)
  }

  async getRootCertificate(): ReturnType<ManagerServices['getRootCertificate']> {
    return create(GetRootCACertificateResponseSchema)
  }

  async issueNodeCertificate(
    _request: IssueNodeCertificateRequest,
  ): ReturnType<ManagerServices['issueNodeCertificate']> {
    throw swarmError('ERR_UNAVAILABLE', 'not now', { subject: 'certificate' })
  }

  async nodeCertificateStatus(): ReturnType<ManagerServices['nodeCertificateStatus']> {
    throw swarmError('ERR_UNAVAILABLE', 'not now', { subject: 'certificate' })
  }
}
