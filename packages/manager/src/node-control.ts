/** Nodes as people change them: availability, labels, removal. */
import { create, toBinary } from '@bufbuild/protobuf'
import { utf8Text, type Clock } from '@weft/core'
import {
  BlacklistedCertificateSchema,
  isSwarmError,
  NodeAvailability,
  NodeMembership,
  NodeRole,
  NodeSpecSchema,
  NodeState,
  swarmError,
  timestampOf,
  type Certificates,
  type Cluster,
  type Node,
  type NodeSpec,
} from '@weft/swarm'
import { clusterOf, liveBlacklist, nodeCertificateValidityMs, notFound } from './cluster-facts.ts'
import type { Draft } from './draft.ts'
import { invalid } from './network-spec.ts'
import type { Objects } from './objects.ts'
import { planTaskSweep, sweepTasks } from './task-sweep.ts'
import { checkVersion } from './versions.ts'

/** Bytes of a node's spec: its labels. */
export const NODE_SPEC_BYTES_MAX = 64 << 10

/** Certificates taken back that are remembered; a removed node that is forgotten is unknown. */
export const BLACKLIST_MAX = 10_000

/** What changes of nodes need. */
export interface NodeControlPorts {
  readonly certificates: Certificates
  readonly clock: Clock
}

/** Changes nodes for people. */
export class NodeControl {
  readonly #objects: Objects
  readonly #ports: NodeControlPorts

  constructor(objects: Objects, ports: NodeControlPorts) {
    this.#objects = objects
    this.#ports = ports
  }

  /**
   * Throws ERR_NOT_FOUND, ERR_OUT_OF_SEQUENCE, ERR_INVALID_ARGUMENT, ERR_PRECONDITION for the last
   * manager's demotion, ERR_UNIMPLEMENTED for a second manager.
   */
  async update(id: string, version: bigint, spec: NodeSpec): Promise<Node> {
    checkSpec(spec)
    return this.#objects.transact((draft) => {
      const node = draft.tables.get('node', id)
      if (node === null) throw notFound('node', id)
      checkVersion(node, version)
      checkRole(node, spec.desiredRole)
      return draft.put('node', { ...node, spec })
    })
  }

  /** Throws ERR_NOT_FOUND, ERR_PRECONDITION. Its attachments are gone when this resolves. */
  async remove(id: string, { force }: { readonly force: boolean }): Promise<void> {
    const expiry = await this.#expiryOf(id)
    await this.#objects.transact((draft) => {
      const node = draft.tables.get('node', id)
      if (node === null) throw notFound('node', id)
      checkRemovable(node, force)
      draft.put('cluster', this.#blacklisted(draft, id, expiry))
      draft.remove('node', id)
      planTaskSweep(draft, id)
    })
    await sweepTasks(this.#objects, id, ({ tables }) => tables.get('node', id) === null)
  }

  /** Tasks of nodes that are gone: a removal that a crash cut short. */
  async finishRemovals(): Promise<void> {
    const { tables } = this.#objects
    const owners = new Set([...tables.all('task').values()].map(({ nodeId }) => nodeId))
    for (const id of owners) {
      await sweepTasks(this.#objects, id, (draft) => draft.tables.get('node', id) === null)
    }
  }

  /** When the node's certificate ends by itself, at the latest; in epoch ms. */
  async #expiryOf(id: string): Promise<number> {
    const { certificates, clock } = this.#ports
    const cluster = clusterOf(this.#objects.tables)
    const latest = clock.wall() + nodeCertificateValidityMs(cluster)
    const certificate = this.#objects.tables.get('node', id)?.certificate?.certificate
    const root = cluster.rootCa?.caCert
    if (certificate === undefined || root === undefined) return latest
    try {
      return (await certificates.read(textOf(certificate), textOf(root))).notAfter
    } catch (error) {
      // A certificate that does not read must not keep its node from being removed.
      if (!isSwarmError(error)) throw error
      return latest
    }
  }

  #blacklisted(draft: Draft, id: string, expiry: number): Cluster {
    const cluster = clusterOf(draft.tables)
    const live = Object.entries(liveBlacklist(cluster, this.#ports.clock.wall()))
    const kept = live.slice(Math.max(0, live.length - (BLACKLIST_MAX - 1)))
    const entry = create(BlacklistedCertificateSchema, { expiry: timestampOf(expiry) })
    const blacklistedCertificates = { ...Object.fromEntries(kept), [id]: entry }
    return { ...cluster, blacklistedCertificates }
  }
}

function checkSpec(spec: NodeSpec): void {
  if (toBinary(NodeSpecSchema, spec).length > NODE_SPEC_BYTES_MAX) {
    throw invalid(`the labels exceed ${NODE_SPEC_BYTES_MAX} bytes`, 'labels')
  }
  if (!AVAILABILITIES.has(spec.availability)) {
    throw invalid(`invalid node availability: ${spec.availability}`, 'availability')
  }
  if (spec.membership !== NodeMembership.ACCEPTED) {
    throw invalid('a node that was accepted stays so: remove it', 'membership')
  }
}

function checkRole({ id, spec }: Node, desired: NodeRole): void {
  if (desired === spec?.desiredRole) return
  if (desired === NodeRole.WORKER) {
    const message = 'attempting to demote the last manager of the swarm'
    throw swarmError('ERR_PRECONDITION', message, { subject: id })
  }
  const message = 'this swarm has one manager and cannot take another yet'
  throw swarmError('ERR_UNIMPLEMENTED', message, { subject: id })
}

function checkRemovable({ id, managerStatus, status }: Node, force: boolean): void {
  if (managerStatus !== undefined) {
    const message =
      `node ${id} is a cluster manager and is a member of the raft cluster. ` +
      'It must be demoted to worker before removal'
    throw swarmError('ERR_PRECONDITION', message, { subject: id })
  }
  if (force || status?.state !== NodeState.READY) return
  const message = `node ${id} is not down and can't be removed`
  throw swarmError('ERR_PRECONDITION', message, { subject: id })
}

function textOf(bytes: Uint8Array): string {
  return utf8Text(bytes, 0, bytes.length)
}

const AVAILABILITIES: ReadonlySet<number> = new Set(Object.values(NodeAvailability))
