/** The nodes of the swarm: /nodes. Managers only. */
import { clone } from '@bufbuild/protobuf'
import { NodeMembership, NodeSpecSchema, swarmError, type Node } from '@weft/swarm'
import type { Hono } from 'hono'
import {
  commandControl,
  requireControl,
  type EngineContext,
  type EngineEnv,
  type EngineRequest,
} from '../engine-context.ts'
import { readFields } from '../json-fields.ts'
import { findNode } from '../lookup.ts'
import { nodeJson, nodeSpecOf, roleText } from '../objects/node-object.ts'
import { FilterSet, flagOf, versionOf } from '../query.ts'

const FILTERS = ['id', 'label', 'membership', 'name', 'node.label', 'role'] as const
const MEMBERSHIP = ['pending', 'accepted'] as const

/** Adds the routes. */
export function nodeRoutes(app: Hono<EngineEnv>, context: EngineContext): void {
  const { node } = context
  app.get('/nodes', (request) => {
    const control = requireControl(context)
    const fits = nodeFilter(FilterSet.parse(request.req.query('filters'), FILTERS))
    return request.json(control.nodes().filter(fits).map(nodeJson))
  })
  app.get('/nodes/:id', (request) => {
    const control = requireControl(context)
    return request.json(nodeJson(findNode(control, request.req.param('id'), node.view().nodeId)))
  })
  app.delete('/nodes/:id', async (request) => {
    const found = findNode(requireControl(context), request.req.param('id'), node.view().nodeId)
    const force = flagOf(request.req.query('force'))
    await commandControl(context, request).removeNode(found.id, { force })
    return request.body(null, 200)
  })
  app.post('/nodes/:id/update', async (request) => {
    await update(context, request, request.req.param('id'))
    return request.body(null, 200)
  })
}

async function update(context: EngineContext, request: EngineRequest, id: string): Promise<void> {
  requireControl(context)
  const version = versionOf('node', request.req.query('version'))
  const spec = nodeSpecOf(await readFields(request.req.raw, 'NodeSpec'))
  const found = findNode(requireControl(context), id, context.node.view().nodeId)
  const changed = clone(NodeSpecSchema, spec)
  changed.membership = found.spec?.membership ?? NodeMembership.ACCEPTED
  await commandControl(context, request).updateNode(found.id, version, changed)
}

function nodeFilter(filters: FilterSet): (node: Node) => boolean {
  checkTerms(filters, 'role', ['worker', 'manager'])
  checkTerms(filters, 'membership', MEMBERSHIP)
  return ({ id, spec, description }) =>
    filters.match('id', (term) => id.startsWith(term)) &&
    filters.match('name', (term) => (description?.hostname ?? '').startsWith(term)) &&
    filters.match('role', (term) => roleText(spec?.desiredRole) === term) &&
    filters.match('membership', (term) => MEMBERSHIP[spec?.membership ?? 0] === term) &&
    filters.matchLabels('node.label', spec?.annotations?.labels ?? {}) &&
    filters.matchLabels('label', description?.engine?.labels ?? {})
}

function checkTerms(filters: FilterSet, name: string, known: readonly string[]): void {
  const odd = filters.get(name).find((term) => !known.includes(term))
  if (odd === undefined) return
  throw swarmError('ERR_INVALID_ARGUMENT', `Invalid ${name} filter: '${odd}'`, { subject: name })
}
