/** What the routes of the API share. */
import type { Clock, Logger } from '@weft/core'
import { swarmError, type Certificates, type ClusterNode, type Control } from '@weft/swarm'
import type { Context } from 'hono'
import type { ErrorRoad } from './engine-answer.ts'
import type { EventLog } from './events/event-log.ts'
import type { MachineFacts } from './machine-facts.ts'
import type { NetworkSight } from './objects/network-object.ts'

/** What the API is told, and what it stands on. */
export interface EngineApiOptions {
  /** Weft's version, as clients shall see it. */
  readonly version: string
  readonly machine: MachineFacts
  readonly certificates: Pick<Certificates, 'readRoot'>
  readonly clock: Clock
  readonly log: Logger
}

/** One API over one node. */
export interface EngineContext extends EngineApiOptions {
  readonly node: ClusterNode
  readonly events: EventLog
}

/** Hono's environment: what an error's answer depends on. */
export interface EngineEnv {
  Variables: { road: ErrorRoad }
}

/** One request. */
export type EngineRequest = Context<EngineEnv>

/** The control plane, for reading. Throws ERR_PRECONDITION in Docker's words when there is none. */
export function requireControl({ node }: EngineContext): Control {
  if (node.control !== null) return node.control
  const message = node.view().state === 'inactive' ? NOT_IN_A_SWARM : NOT_A_MANAGER
  throw swarmError('ERR_PRECONDITION', message, { subject: 'manager' })
}

/** The control plane, for a change: what it refuses from here on is told as gRPC tells it. */
export function commandControl(context: EngineContext, request: EngineRequest): Control {
  const control = requireControl(context)
  request.set('road', 'control')
  return control
}

const NOT_A_MANAGER =
  "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster " +
  'state. Please run this command on a manager node or promote the current node to a manager.'
const NOT_IN_A_SWARM =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect ' +
  'this node to swarm and try again.'

/** Networks as this node knows them: all of the cluster on a manager, elsewhere those that came. */
export function networkSights({ node }: EngineContext): readonly NetworkSight[] {
  const here = new Map(node.networks().map((local) => [local.network.id, local]))
  if (node.control === null) {
    return [...here.values()].map((local) => ({ network: local.network, local }))
  }
  const networks = node.control.networks()
  return networks.map((network) => ({ network, local: here.get(network.id) ?? null }))
}
