/** Networks: /networks. */
import { hasCode } from '@weft/core'
import { swarmError, type Control } from '@weft/swarm'
import type { Hono } from 'hono'
import {
  commandControl,
  networkSights,
  requireControl,
  type EngineContext,
  type EngineEnv,
} from '../engine-context.ts'
import { readFields } from '../json-fields.ts'
import { findNetwork, nameOf } from '../lookup.ts'
import {
  listedNetworkJson,
  networkJson,
  networkSpecOf,
  taken,
  verboseNetworkJson,
} from '../objects/network-object.ts'
import { FilterSet, strictFlagOf } from '../query.ts'
import { nanosOf, parseMoment } from '../timestamps.ts'
import { networkFilter, NETWORK_FILTERS, usedNetworks } from './network-filter.ts'

const PRUNE_FILTERS = ['label', 'label!', 'until'] as const

/** Adds the routes. */
export function networkRoutes(app: Hono<EngineEnv>, context: EngineContext): void {
  const { node } = context
  app.get('/networks', (request) => {
    const filters = FilterSet.parse(request.req.query('filters'), NETWORK_FILTERS)
    const fits = networkFilter(filters, node)
    return request.json(networkSights(context).filter(fits).map(listedNetworkJson))
  })
  app.get('/networks/:id', (request) => {
    const verbose = strictFlagOf('verbose', request.req.query('verbose'))
    const scope = request.req.query('scope') ?? ''
    const sights = scope === '' || scope === 'swarm' ? networkSights(context) : []
    const sight = findNetwork(sights, request.req.param('id'), 'inspect')
    const { nodeAddress } = node.view()
    return request.json(verbose ? verboseNetworkJson(sight, nodeAddress) : networkJson(sight))
  })
  app.post('/networks/create', async (request) => {
    const fields = await readFields(request.req.raw, 'NetworkCreateRequest')
    refuseOnWorker(context)
    const control = requireControl(context)
    const name = fields.text('Name')
    if (control.networks().some((network) => nameOf(network) === name)) throw taken(name, 'network')
    const spec = networkSpecOf(fields)
    const network = await commandControl(context, request).createNetwork(spec)
    return request.json({ Id: network.id, Warning: '' }, 201)
  })
  app.delete('/networks/:id', async (request) => {
    const { network } = findNetwork(networkSights(context), request.req.param('id'), 'remove')
    await commandControl(context, request).removeNetwork(network.id)
    return request.body(null, 204)
  })
  app.post('/networks/prune', async (request) => {
    const filters = FilterSet.parse(request.req.query('filters'), PRUNE_FILTERS)
    const names = await prune(context, filters)
    return request.json({ NetworksDeleted: names.length === 0 ? null : names })
  })
  for (const verb of ['connect', 'disconnect']) {
    app.post(`/networks/:id/${verb}`, () => {
      const message =
        'Weft runs no containers that it could connect: attach a network namespace with ' +
        '"weft attach", and end it with "weft detach"'
      throw swarmError('ERR_UNIMPLEMENTED', message, { subject: verb })
    })
  }
}

/** Docker's words on a worker, which are others for this one call. */
function refuseOnWorker({ node }: EngineContext): void {
  if (node.control !== null || node.view().state === 'inactive') return
  const message =
    'Cannot create a multi-host network from a worker node. Please create the network from a ' +
    'manager node.'
  throw swarmError('ERR_PERMISSION_DENIED', message, { subject: 'manager' })
}

/** Removes what nothing uses; what is taken into use meanwhile stays. Workers have no say. */
async function prune({ node, clock }: EngineContext, filters: FilterSet): Promise<string[]> {
  const until = untilOf(filters, clock.wall())
  const { control } = node
  if (control === null) return []
  const used = usedNetworks(control, node)
  const removed: string[] = []
  for (const network of control.networks()) {
    const { spec, meta } = network
    const labels = spec?.annotations?.labels ?? {}
    if (used.has(network.id) || spec?.ingress === true) continue
    if (!filters.matchLabels('label', labels)) continue
    if (filters.get('label!').length > 0 && filters.matchLabels('label!', labels)) continue
    if (until !== null && nanosOf(meta?.createdAt) >= until) continue
    if (await removes(control, network.id)) removed.push(nameOf(network))
  }
  return removed
}

/** What is younger stays. Throws ERR_INVALID_ARGUMENT. */
function untilOf(filters: FilterSet, wallMs: number): bigint | null {
  const [text, another] = filters.get('until')
  if (another !== undefined) {
    const message = 'more than one until filter specified'
    throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'until' })
  }
  return text === undefined ? null : parseMoment(text, wallMs)
}

async function removes(control: Control, id: string): Promise<boolean> {
  try {
    await control.removeNetwork(id)
    return true
  } catch (error) {
    if (hasCode(error, 'ERR_PRECONDITION') || hasCode(error, 'ERR_NOT_FOUND')) return false
    throw error
  }
}
