/** Attachments: nodes ask for a place on a network and get an address, or a reason (P11). */
import { create } from '@bufbuild/protobuf'
import { ipFamily, type Clock, type Entropy, type Ip } from '@weft/core'
import {
  AttachNetworkResponseSchema,
  createId,
  DetachNetworkResponseSchema,
  isTerminalState,
  NetworkAttachmentConfigSchema,
  NetworkAttachmentSchema,
  NetworkAttachmentSpecSchema,
  NodeAvailability,
  NodeState,
  swarmError,
  TaskSchema,
  TaskSpecSchema,
  TaskState,
  TaskStatusSchema,
  timestampOf,
  type AttachNetworkRequest,
  type AttachNetworkResponse,
  type CallContext,
  type DetachNetworkRequest,
  type DetachNetworkResponse,
  type Network,
  type NetworkAttachmentConfig,
  type Node,
  type Task,
} from '@weft/swarm'
import type { Allocator } from './allocator.ts'
import { knownNode, notFound } from './cluster-facts.ts'
import { unauthenticated } from './dispatcher-errors.ts'
import type { Draft } from './draft.ts'
import { leasesOf } from './network-object.ts'
import { invalid } from './network-spec.ts'
import type { Objects } from './objects.ts'
import { readIp } from './subnet-wish.ts'
import { networkName, type Tables } from './tables.ts'

/** Tasks of one node. */
export const TASKS_PER_NODE_MAX = 4_096

/**
 * Bytes of a node's tasks at which it gets no more: it is sent all of them in one message, which
 * has 4 MiB in Docker's engines too, with the frames around them and what nodes report.
 */
export const TASK_BYTES_PER_NODE_MAX = 3 << 20

/** Characters of a container's ID; Docker's have 64. */
export const CONTAINER_ID_LENGTH_MAX = 256

/** Docker's word for a task that was made for its node. */
const ASSIGNED_MESSAGE = 'scheduler confirmed task can run on preassigned node'

/** What attachments need. */
export interface AttachmentPorts {
  readonly clock: Clock
  readonly entropy: Entropy
}

/** An attachment in words. */
interface Request {
  readonly nodeId: string
  readonly target: string
  readonly containerId: string
  readonly wanted: readonly Ip[]
}

/**
 * The ResourceAllocator service. What Docker does in the background, and reports in a log, happens
 * within the call: an attachment that was answered has its address, durably.
 */
export class AttachmentDesk {
  readonly #objects: Objects
  readonly #allocator: Allocator
  readonly #ports: AttachmentPorts

  constructor(objects: Objects, allocator: Allocator, ports: AttachmentPorts) {
    this.#objects = objects
    this.#allocator = allocator
    this.#ports = ports
  }

  /**
   * The same container asking again for the same network gets the same attachment. Throws
   * ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_PERMISSION_DENIED, ERR_PRECONDITION,
   * ERR_ALREADY_EXISTS, ERR_EXHAUSTED.
   */
  async attach(
    { config, containerId }: AttachNetworkRequest,
    { caller }: CallContext,
  ): Promise<AttachNetworkResponse> {
    if (caller === null) throw unauthenticated()
    if (config === undefined) throw invalid('invalid argument', 'config')
    if (containerId.length > CONTAINER_ID_LENGTH_MAX) {
      throw invalid('invalid argument', 'container ID')
    }
    const wanted = checkConfig(config)
    const request = { nodeId: caller.nodeId, target: config.target, containerId, wanted }
    await this.#dropFailed(request)
    const attachmentId = await this.#objects.transact((draft) => this.#plan(draft, request))
    return create(AttachNetworkResponseSchema, { attachmentId })
  }

  /** Throws ERR_NOT_FOUND, ERR_PERMISSION_DENIED, ERR_INVALID_ARGUMENT. */
  async detach(
    { attachmentId }: DetachNetworkRequest,
    { caller }: CallContext,
  ): Promise<DetachNetworkResponse> {
    if (caller === null) throw unauthenticated()
    const { nodeId } = caller
    if (attachmentId === '') throw invalid('invalid argument', 'attachment ID')
    await this.#objects.transact((draft) => {
      knownNode(draft.tables, nodeId)
      const task = draft.tables.get('task', attachmentId)
      if (task?.spec?.runtime.case !== 'attachment') throw notFound('attachment', attachmentId)
      if (task.nodeId !== nodeId) {
        const message = `attachment ${attachmentId} doesn't belong to this node`
        throw swarmError('ERR_PERMISSION_DENIED', message, { subject: attachmentId })
      }
      draft.remove('task', attachmentId)
    })
    return create(DetachNetworkResponseSchema)
  }

  /** What failed makes room before it is tried again: its address may be asked for. */
  async #dropFailed({ nodeId, target, containerId }: Request): Promise<void> {
    const find = (tables: Tables): Task | null => {
      const network = tables.get('network', target) ?? tables.networkNamed(target)
      const task = network === null ? null : tables.attachmentOf(nodeId, network.id, containerId)
      return isTerminalState(task?.status?.state ?? TaskState.NEW) ? task : null
    }
    if (find(this.#objects.tables) === null) return
    await this.#objects.transact((draft) => {
      const failed = find(draft.tables)
      if (failed !== null) draft.remove('task', failed.id)
    })
  }

  #plan(draft: Draft, request: Request): string {
    const { nodeId, containerId } = request
    const node = knownNode(draft.tables, nodeId)
    const network = attachableNetwork(draft.tables, request.target)
    const known = draft.tables.attachmentOf(nodeId, network.id, containerId)
    if (known !== null) return checkSame(known, request)
    checkNode(node, draft.tables)
    const id = createId(this.#ports.entropy)
    const { wanted } = request
    const addresses = this.#allocator.planAddresses(draft, network, { holder: id, wanted })
    const wall = this.#ports.clock.wall()
    draft.put('task', attachmentTask({ id, wall, request, network, addresses }))
    return id
  }
}

/** At most one address of each family; aliases stay with the node (docker-wire §7.12). */
function checkConfig(config: NetworkAttachmentConfig): readonly Ip[] {
  if (config.target === '') throw invalid('network target is empty', 'target')
  const [option] = Object.keys(config.driverAttachmentOpts)
  if (option !== undefined) throw invalid(`unknown driver option: ${option}`, option)
  const wanted = config.addresses.map((text) => {
    const address = readIp(text)
    if (address !== null) return address
    throw invalid(`invalid IP address: ${text}`, text)
  })
  const families = new Set(wanted.map(ipFamily))
  if (families.size === wanted.length) return wanted
  throw invalid('at most one address of each family can be asked for', 'addresses')
}

/** By ID, or by exact name. */
function attachableNetwork(tables: Tables, target: string): Network {
  const network = tables.get('network', target) ?? tables.networkNamed(target)
  if (network === null) throw notFound('network', target)
  if (network.spec?.attachable === true) return network
  const message = `network ${target} not manually attachable`
  throw swarmError('ERR_PERMISSION_DENIED', message, { subject: networkName(network) })
}

/** A retry gets what was given before, if that is what it asks for. */
function checkSame(task: Task, { wanted }: Request): string {
  const held: readonly Ip[] = leasesOf(task).map(([, address]) => address)
  if (wanted.every((address) => held.includes(address))) return task.id
  const facts = { subject: wanted.join(', '), owner: `attachment ${task.id}` }
  const message = `the container has ${held.join(', ')} already: attachment ${task.id}`
  throw swarmError('ERR_ALREADY_EXISTS', message, facts)
}

function checkNode(node: Node, tables: Tables): void {
  if (node.status?.state !== NodeState.READY) throw notNow(node, 'is not ready')
  const availability = node.spec?.availability ?? NodeAvailability.ACTIVE
  if (availability === NodeAvailability.DRAIN) throw notNow(node, 'is drained')
  if (availability === NodeAvailability.PAUSE) throw notNow(node, 'is paused')
  if (tables.tasksOn(node.id).size >= TASKS_PER_NODE_MAX) {
    throw exhausted(node, `has ${TASKS_PER_NODE_MAX} attachments`)
  }
  if (tables.bytesOn(node.id) >= TASK_BYTES_PER_NODE_MAX) {
    throw exhausted(node, 'has as many attachments to networks of such a size as it can be told of')
  }
}

function exhausted({ id }: Node, why: string): Error {
  return swarmError('ERR_EXHAUSTED', `node ${id} ${why}`, { subject: id })
}

function notNow({ id }: Node, why: string): Error {
  const message = `node ${id} ${why}: it takes no new attachments`
  return swarmError('ERR_PRECONDITION', message, { subject: id })
}

/** As a stock worker is sent it (docker-wire §7.12). */
function attachmentTask({
  id,
  wall,
  request,
  network,
  addresses,
}: {
  readonly id: string
  readonly wall: number
  readonly request: Request
  readonly network: Network
  readonly addresses: readonly string[]
}): Task {
  const { containerId, nodeId, wanted } = request
  const target = create(NetworkAttachmentConfigSchema, {
    target: network.id,
    addresses: [...wanted],
  })
  const attachment = create(NetworkAttachmentSpecSchema, { containerId })
  return create(TaskSchema, {
    id,
    nodeId,
    spec: create(TaskSpecSchema, {
      runtime: { case: 'attachment', value: attachment },
      networks: [target],
    }),
    status: create(TaskStatusSchema, {
      timestamp: timestampOf(wall),
      state: TaskState.ASSIGNED,
      message: ASSIGNED_MESSAGE,
    }),
    desiredState: TaskState.RUNNING,
    networks: [create(NetworkAttachmentSchema, { network, addresses: [...addresses] })],
  })
}
