/** The swarm as a whole: /swarm, /swarm/init, join, leave, update, unlock. */
import { create } from '@bufbuild/protobuf'
import {
  ClusterSchema,
  isSwarmError,
  METHOD_ACCESS,
  swarmError,
  type Cluster,
  type InitRequest,
  type JoinRequest,
  type RootFacts,
} from '@weft/swarm'
import type { Hono } from 'hono'
import {
  commandControl,
  requireControl,
  type EngineContext,
  type EngineEnv,
  type EngineRequest,
} from '../engine-context.ts'
import { readFields, type JsonFields } from '../json-fields.ts'
import { availabilityOf } from '../objects/node-object.ts'
import { swarmJson } from '../objects/swarm-object.ts'
import { flagOf, strictFlagOf, versionOf } from '../query.ts'
import { inListenersWords } from './listener-words.ts'
import { changedSettings, checkInitialSpec } from './swarm-settings.ts'

/** The lowest port of the VTEP that Docker takes. */
export const DATA_PATH_PORT_MIN = 1024
/** The highest. */
export const DATA_PATH_PORT_MAX = 49_151

/** Adds the routes. */
export function swarmRoutes(app: Hono<EngineEnv>, context: EngineContext): void {
  app.get('/swarm', async (request) => {
    const cluster = requireControl(context).cluster()
    return request.json(swarmJson(cluster, await rootFactsOf(context, cluster)))
  })
  app.post('/swarm/init', async (request) => request.json(await init(context, request)))
  app.post('/swarm/join', async (request) => {
    await join(context, request)
    return request.body(null, 200)
  })
  app.post('/swarm/leave', async (request) => {
    await leave(context, request)
    return request.body(null, 200)
  })
  app.post('/swarm/update', async (request) => {
    await update(context, request)
    return request.body(null, 200)
  })
  app.get('/swarm/unlockkey', (request) => {
    requireControl(context)
    return request.json({ UnlockKey: '' })
  })
  app.post('/swarm/unlock', () => {
    requireControl(context)
    const details = { subject: 'swarm', owner: '' }
    throw swarmError('ERR_ALREADY_EXISTS', 'swarm is not locked', details)
  })
}

/** What the cluster's root says of itself. */
export async function rootFactsOf(
  { certificates }: EngineContext,
  cluster: Cluster,
): Promise<RootFacts> {
  return certificates.readRoot(new TextDecoder().decode(cluster.rootCa?.caCert))
}

async function init(context: EngineContext, request: EngineRequest): Promise<string> {
  const fields = await readFields(request.req.raw, 'InitRequest')
  const wanted = initRequestOf(fields)
  const spec = fields.fields('Spec')
  checkInitialSpec(spec)
  refuseWhenPart(context)
  changedSettings(FRESH, spec)
  const { signal } = request.req.raw
  const nodeId = await inListenersWords(() => context.node.init(wanted, { signal }))
  const { control } = context.node
  if (control === null) return nodeId
  const cluster = control.cluster()
  const settings = changedSettings(cluster, spec)
  if (Object.keys(settings).length === 0) return nodeId
  request.set('road', 'control')
  try {
    await control.updateCluster(cluster.meta?.version?.index ?? 0n, settings)
  } catch (error) {
    // All of it or nothing, as with Docker.
    await context.node.leave({ force: true })
    throw error
  }
  return nodeId
}

/** A swarm as it is made: what cannot be changed of it cannot be asked for at first either. */
const FRESH = create(ClusterSchema, { spec: { annotations: { name: 'default' } } })

function initRequestOf(fields: JsonFields): InitRequest {
  for (const field of ['ForceNewCluster', 'AutoLockManagers']) {
    if (fields.flag(field)) throw unavailable(field)
  }
  const dataPathPort = fields.count('DataPathPort')
  const isPort = dataPathPort >= DATA_PATH_PORT_MIN && dataPathPort <= DATA_PATH_PORT_MAX
  if (dataPathPort !== 0 && !isPort) {
    const range = `${DATA_PATH_PORT_MIN}-${DATA_PATH_PORT_MAX}`
    const message = `Datapath port number is not in valid range (${range}) : ${dataPathPort}`
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'DataPathPort' })
  }
  return {
    ...placementOf(fields),
    dataPathPort,
    defaultAddressPools: fields.texts('DefaultAddrPool'),
    subnetSize: fields.count('SubnetSize'),
  }
}

/** What init and join have in common. */
type Placement = Omit<JoinRequest, 'remoteAddresses' | 'token'>

function placementOf(fields: JsonFields): Placement {
  return {
    listenAddress: fields.textOrNull('ListenAddr'),
    advertiseAddress: fields.textOrNull('AdvertiseAddr'),
    dataPathAddress: fields.textOrNull('DataPathAddr'),
    availability: availabilityOf(fields.textOrNull('Availability') ?? 'active'),
  }
}

async function join(context: EngineContext, request: EngineRequest): Promise<void> {
  const fields = await readFields(request.req.raw, 'JoinRequest')
  const wanted: JoinRequest = {
    ...placementOf(fields),
    remoteAddresses: fields.texts('RemoteAddrs'),
    token: fields.text('JoinToken'),
  }
  refuseWhenPart(context)
  if (wanted.remoteAddresses.length === 0) {
    const message = 'at least 1 RemoteAddr is required to join'
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'RemoteAddrs' })
  }
  try {
    await context.node.join(wanted, { signal: request.req.raw.signal })
  } catch (error) {
    if (isFromManager(error)) request.set('road', 'control')
    throw error
  }
}

/** What a manager elsewhere refused names the method; dockerd hands it on in gRPC's words. */
function isFromManager(error: unknown): boolean {
  return isSwarmError(error) && Object.hasOwn(METHOD_ACCESS, String(error.details['subject']))
}

/** Docker's words, whatever the node says. */
function refuseWhenPart({ node }: EngineContext): void {
  if (node.view().state === 'inactive') return
  const message =
    'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and ' +
    'join another one.'
  throw swarmError('ERR_PRECONDITION', message, { subject: 'swarm' })
}

async function leave({ node }: EngineContext, request: EngineRequest): Promise<void> {
  const force = flagOf(request.req.query('force'))
  if (node.view().state === 'inactive') {
    throw swarmError('ERR_PRECONDITION', 'This node is not part of a swarm', { subject: 'swarm' })
  }
  const managers = node.control?.nodes().filter(({ managerStatus }) => managerStatus !== undefined)
  if (!force && managers !== undefined && managers.length <= 1) {
    const message =
      'You are attempting to leave the swarm on a node that is participating as a manager. ' +
      'Removing the last manager erases all current state of the swarm. Use `--force` to ignore ' +
      'this message. '
    throw swarmError('ERR_PRECONDITION', message, { subject: 'manager' })
  }
  // Half a departure is worse than one that nobody waits for: it is not called off.
  await node.leave({ force })
}

async function update(context: EngineContext, request: EngineRequest): Promise<void> {
  requireControl(context)
  const version = versionOf('swarm', request.req.query('version'))
  const rotates = (role: string): boolean =>
    strictFlagOf(`rotate${role}Token`, request.req.query(`rotate${role}Token`))
  const [worker, manager] = [rotates('Worker'), rotates('Manager')]
  if (flagOf(request.req.query('rotateManagerUnlockKey'))) throw unavailable('AutoLockManagers')
  const spec = await readFields(request.req.raw, 'Spec')
  const cluster = requireControl(context).cluster()
  const settings = changedSettings(cluster, spec)
  const control = commandControl(context, request)
  if (cluster.meta?.version?.index !== version) {
    throw swarmError('ERR_OUT_OF_SEQUENCE', 'update out of sequence', { subject: cluster.id })
  }
  if (Object.keys(settings).length > 0) await control.updateCluster(version, settings)
  if (worker) await control.rotateJoinToken('worker')
  if (manager) await control.rotateJoinToken('manager')
}

function unavailable(field: string): Error {
  const message = `Weft does not have ${field}`
  return swarmError('ERR_UNIMPLEMENTED', message, { subject: field })
}
