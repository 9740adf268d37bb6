/** What a daemon says of itself: /_ping, /version, /info. */
import type { Hono } from 'hono'
import type { EngineContext, EngineEnv } from '../engine-context.ts'
import { infoJson, swarmHeader, versionJson, type InfoFacts } from '../objects/system-object.ts'
import { rootFactsOf } from './swarm-routes.ts'

/** Adds the routes. */
export function systemRoutes(app: Hono<EngineEnv>, context: EngineContext): void {
  const { node, version, machine } = context
  app.get('/_ping', (request) => {
    request.header('cache-control', 'no-cache, no-store, must-revalidate')
    request.header('pragma', 'no-cache')
    request.header('swarm', swarmHeader(node.view()))
    return request.text('OK')
  })
  app.get('/version', (request) => request.json(versionJson(version, machine)))
  app.get('/info', async (request) => {
    const managed = await managedFacts(context)
    const [view, wallMs] = [node.view(), context.clock.wall()]
    const { listeners } = context.events
    return request.json(infoJson({ version, machine, view, wallMs, listeners, managed }))
  })
}

async function managedFacts(context: EngineContext): Promise<InfoFacts['managed']> {
  const { control } = context.node
  if (control === null) return null
  const cluster = control.cluster()
  return { cluster, nodes: control.nodes(), root: await rootFactsOf(context, cluster) }
}
