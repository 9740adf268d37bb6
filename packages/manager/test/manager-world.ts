/** A manager on virtual time with nodes that talk to its services directly. */
import { create } from '@bufbuild/protobuf'
import { createLogger, utf8Bytes, utf8Text, type LogFields, type Store } from '@weft/core'
import { SeededRandom, SimEntropy, VirtualClock } from '@weft/core/testing'
import {
  AnnotationsSchema,
  AttachNetworkRequestSchema,
  DetachNetworkRequestSchema,
  DriverSchema,
  HeartbeatRequestSchema,
  IPAMConfigSchema,
  IPAMOptionsSchema,
  IssueNodeCertificateRequestSchema,
  NetworkAttachmentConfigSchema,
  NetworkSpecSchema,
  NodeAvailability,
  NodeDescriptionSchema,
  SessionRequestSchema,
  AssignmentsRequestSchema,
  TaskStatusSchema,
  TaskStatusUpdateSchema,
  UpdateTaskStatusRequestSchema,
  type AssignmentsMessage,
  type CallContext,
  type IPAMConfig,
  type NetworkSpec,
  type NodeIdentity,
  type SessionMessage,
  type Task,
  type TaskState,
} from '@weft/swarm'
import {
  createCluster,
  MemoryStore,
  openManager,
  type InitialCluster,
  type Manager,
  type ManagerPorts,
  type ManagerTunables,
} from '../src/index.ts'
import { PaperCertificates } from './paper-certificates.ts'

/** What tests start a cluster with. */
export const INITIAL: InitialCluster = {
  address: '192.0.2.1:2377',
  availability: NodeAvailability.ACTIVE,
  defaultAddressPools: [],
  subnetSize: 0,
  dataPathPort: 0,
}

/** A log line that a test looks at. */
export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: LogFields
}

/** One cluster: its store outlives its managers. */
export class ManagerWorld {
  readonly clock = new VirtualClock()
  readonly lines: LogLine[] = []
  store: Store
  manager!: Manager
  identity!: NodeIdentity
  readonly #ports: Omit<ManagerPorts, 'store'>
  readonly #tunables: Partial<ManagerTunables>

  private constructor(seed: string, store: Store, tunables: Partial<ManagerTunables>) {
    const random = new SeededRandom(seed)
    const log = createLogger((level, message, fields) => {
      this.lines.push({ level, message, fields })
    })
    const entropy = new SimEntropy(random.fork('entropy'))
    const certificates = new PaperCertificates()
    this.#ports = { clock: this.clock, random, entropy, certificates, log }
    this.store = store
    this.#tunables = tunables
  }

  static async open(
    options: {
      readonly seed?: string
      readonly store?: Store
      readonly tunables?: Partial<ManagerTunables>
      readonly initial?: Partial<InitialCluster>
    } = {},
  ): Promise<ManagerWorld> {
    const { seed = 'manager', store = new MemoryStore(), tunables = {} } = options
    const world = new ManagerWorld(seed, store, tunables)
    world.identity = await createCluster({ ...INITIAL, ...options.initial }, world.ports)
    await world.start()
    return world
  }

  get ports(): ManagerPorts {
    return { ...this.#ports, store: this.store }
  }

  async start(address = INITIAL.address): Promise<Manager> {
    const options = { identity: this.identity, address, tunables: this.#tunables }
    this.manager = await openManager(options, this.ports)
    return this.manager
  }

  /** End the manager and open another one over the same store. */
  async restart(address = INITIAL.address): Promise<Manager> {
    await this.manager.close()
    if (this.store instanceof MemoryStore) this.store = this.store.reopen()
    return this.start(address)
  }

  token(role: 'worker' | 'manager' = 'worker'): string {
    return this.manager.control.cluster().rootCa?.joinTokens?.[role] ?? ''
  }

  /** A node that has joined and said nothing yet. */
  async join(availability: NodeAvailability = NodeAvailability.ACTIVE): Promise<TestNode> {
    const { requestPem } = await this.#ports.certificates.createRequest()
    const request = create(IssueNodeCertificateRequestSchema, {
      csr: utf8Bytes(requestPem),
      token: this.token(),
      availability,
    })
    const { nodeId } = await this.manager.services.issueNodeCertificate(request, stranger())
    return new TestNode(this, nodeId)
  }

  /** A node with a session. */
  async ready(): Promise<TestNode> {
    const node = await this.join()
    await node.register()
    return node
  }
}

/** A call without a certificate. */
export function stranger(): CallContext {
  return { caller: null, remoteIp: '192.0.2.99', signal: new AbortController().signal }
}

/** A stream that is read as it comes. */
export class Reader<Message> {
  readonly messages: Message[] = []
  error: unknown = null
  isDone = false

  constructor(stream: AsyncIterable<Message>) {
    void this.#read(stream)
  }

  get last(): Message {
    const message = this.messages.at(-1)
    if (message === undefined) throw new Error('nothing was read')
    return message
  }

  async #read(stream: AsyncIterable<Message>): Promise<void> {
    try {
      for await (const message of stream) this.messages.push(message)
    } catch (error) {
      this.error = error
    }
    this.isDone = true
  }
}

/** Where all nodes of tests call from. */
export const REMOTE_IP = '192.0.2.7'

/** A node as the manager's services see it. */
export class TestNode {
  readonly world: ManagerWorld
  readonly id: string
  sessionId = ''
  session: Reader<SessionMessage> | null = null
  #abort = new AbortController()

  constructor(world: ManagerWorld, id: string) {
    this.world = world
    this.id = id
  }

  get context(): CallContext {
    const { clusterId } = this.world.identity
    const caller = { nodeId: this.id, clusterId, role: 'worker' } as const
    return { caller, remoteIp: REMOTE_IP, signal: this.#abort.signal }
  }

  /** Open a Session stream and wait for its first message, or for its end. */
  async register(options: { sessionId?: string; hostname?: string } = {}): Promise<
    Reader<SessionMessage>
  > {
    const { sessionId = '', hostname = `host-${this.id.slice(0, 4)}` } = options
    const description = create(NodeDescriptionSchema, { hostname })
    const request = create(SessionRequestSchema, { sessionId, description })
    const reader = new Reader(this.world.manager.services.session(request, this.context))
    await settle(() => reader.messages.length > 0 || reader.isDone)
    if (reader.messages.length > 0) {
      this.session = reader
      this.sessionId = reader.last.sessionId
    }
    return reader
  }

  assignments(): Reader<AssignmentsMessage> {
    const request = create(AssignmentsRequestSchema, { sessionId: this.sessionId })
    return new Reader(this.world.manager.services.assignments(request, this.context))
  }

  async heartbeat(sessionId = this.sessionId): Promise<number> {
    const request = create(HeartbeatRequestSchema, { sessionId })
    const { period } = await this.world.manager.services.heartbeat(request, this.context)
    return Number(period?.seconds ?? 0n) * 1000 + (period?.nanos ?? 0) / 1_000_000
  }

  async attach(
    target: string,
    wish: { containerId?: string; addresses?: string[] } = {},
  ): Promise<string> {
    const { containerId = '', addresses = [] } = wish
    const config = create(NetworkAttachmentConfigSchema, { target, addresses })
    const request = create(AttachNetworkRequestSchema, { config, containerId })
    const { services } = this.world.manager
    const { attachmentId } = await services.attachNetwork(request, this.context)
    return attachmentId
  }

  async detach(attachmentId: string): Promise<void> {
    const request = create(DetachNetworkRequestSchema, { attachmentId })
    await this.world.manager.services.detachNetwork(request, this.context)
  }

  async report(taskId: string, state: TaskState, message = ''): Promise<void> {
    const status = create(TaskStatusSchema, { state, message })
    const updates = [create(TaskStatusUpdateSchema, { taskId, status })]
    const request = create(UpdateTaskStatusRequestSchema, { sessionId: this.sessionId, updates })
    await this.world.manager.services.updateTaskStatus(request, this.context)
  }

  /** The client goes away: streams end. */
  hangUp(): void {
    this.#abort.abort()
    this.#abort = new AbortController()
  }
}

/** Wait until it holds; only promises that virtual parts settle are awaited. */
export async function settle(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (done()) return
    await new Promise((resolve) => void setImmediate(resolve))
  }
  throw new Error('it never came to be')
}

/** A network's spec; attachable unless said otherwise. */
export function networkSpec(
  name: string,
  wish: {
    readonly options?: { [name: string]: string }
    readonly configs?: readonly Partial<Omit<IPAMConfig, '$typeName' | '$unknown'>>[]
    readonly fields?: Partial<Omit<NetworkSpec, '$typeName' | '$unknown'>>
  } = {},
): NetworkSpec {
  const { options = {}, configs = [], fields = {} } = wish
  return create(NetworkSpecSchema, {
    annotations: create(AnnotationsSchema, { name }),
    driverConfig: create(DriverSchema, { name: 'overlay', options }),
    attachable: true,
    ipam: create(IPAMOptionsSchema, {
      configs: configs.map((config) => create(IPAMConfigSchema, config)),
    }),
    ...fields,
  })
}

/** Addresses of a task, in CIDR form. */
export function addressesOf(task: Task | undefined): readonly string[] {
  return task?.networks.flatMap(({ addresses }) => addresses) ?? []
}

/** Text of bytes. */
export function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : utf8Text(bytes, 0, bytes.length)
}
