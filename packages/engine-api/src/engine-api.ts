/** Docker's Engine API over one node: a function from a request to its answer. */
import { swarmError, type ClusterNode } from '@weft/swarm'
import { Hono } from 'hono'
import { errorAnswer } from './engine-answer.ts'
import type { EngineApiOptions, EngineContext, EngineEnv } from './engine-context.ts'
import { EventLog } from './events/event-log.ts'
import { recordEvents } from './events/event-sources.ts'
import { API_VERSION, API_VERSION_OLDEST } from './objects/system-object.ts'
import { absentRoutes } from './routes/absent-routes.ts'
import { eventRoutes } from './routes/event-routes.ts'
import { networkRoutes } from './routes/network-routes.ts'
import { nodeRoutes } from './routes/node-routes.ts'
import { swarmRoutes } from './routes/swarm-routes.ts'
import { systemRoutes } from './routes/system-routes.ts'
import { weftRoutes } from './routes/weft-routes.ts'

/**
 * The API of one node. Never rejects: what fails is an answer. Whoever may call it may do
 * everything with the node, as with Docker's socket. Disposing ends streams of events, and forgets
 * the node.
 */
export interface EngineApi extends Disposable {
  (request: Request): Promise<Response>
}

/** Makes the API. It listens to the node from now on, to have events for `since`. */
export function engineApi(node: ClusterNode, options: EngineApiOptions): EngineApi {
  const events = new EventLog()
  const context: EngineContext = { ...options, node, events }
  const recording = recordEvents(node, events, options.clock)
  const app = routesOf(context)
  const handle = async (request: Request): Promise<Response> => {
    try {
      return await app.fetch(request)
    } catch (error) {
      // Only what is no Error comes here: a reason that somebody called a request off with.
      return Response.json(errorAnswer(error, 'node', options.log).body, { status: 500 })
    }
  }
  const dispose = (): void => {
    recording[Symbol.dispose]()
    events.end()
  }
  return Object.assign(handle, { [Symbol.dispose]: dispose })
}

const ROUTES = [
  systemRoutes,
  swarmRoutes,
  nodeRoutes,
  networkRoutes,
  eventRoutes,
  weftRoutes,
  absentRoutes,
]

const VERSIONED = /^\/v(\d{1,4})\.(\d{1,4})(\/.*)$/

function routesOf(context: EngineContext): Hono<EngineEnv> {
  const app = new Hono<EngineEnv>({ getPath: (request) => pathOf(request.url).path })
  app.use(async (request, next) => {
    request.set('road', 'node')
    for (const [name, value] of headersOf(context)) request.header(name, value)
    const { version } = pathOf(request.req.url)
    if (version !== null && isTooOld(version)) {
      return request.text(`${tooOld(version)}\n`, 400)
    }
    if (version !== null) refuseTooNew(version)
    return next()
  })
  for (const add of ROUTES) add(app, context)
  app.notFound((request) => request.json({ message: 'page not found' }, 404))
  app.onError((error, request) => {
    const { status, body } = errorAnswer(error, request.get('road'), context.log)
    for (const [name, value] of headersOf(context)) request.header(name, value)
    return request.body(`${JSON.stringify(body)}\n`, status as 500, JSON_TYPE)
  })
  return app
}

const JSON_TYPE = { 'content-type': 'application/json' }

function headersOf({ version, machine }: EngineContext): readonly (readonly [string, string])[] {
  return [
    ['api-version', API_VERSION],
    ['docker-experimental', 'false'],
    ['ostype', machine.osType],
    ['server', `Weft/${version} (${machine.osType})`],
  ]
}

type ApiVersion = readonly [major: number, minor: number]

/** `/v1.41/info` and `/info` are the same place. */
function pathOf(url: string): { readonly path: string; readonly version: ApiVersion | null } {
  const { pathname } = new URL(url)
  const [, major, minor, path] = VERSIONED.exec(pathname) ?? []
  if (path === undefined) return { path: pathname, version: null }
  return { path, version: [Number(major), Number(minor)] }
}

function isBefore(a: ApiVersion, b: ApiVersion): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])
}

function versionOf(text: string): ApiVersion {
  const [major = '', minor = ''] = text.split('.')
  return [Number(major), Number(minor)]
}

function isTooOld(version: ApiVersion): boolean {
  return isBefore(version, versionOf(API_VERSION_OLDEST))
}

/** In plain text, which is what such clients understand. */
function tooOld(version: ApiVersion): string {
  const oldest = `Minimum supported API version is ${API_VERSION_OLDEST}`
  const upgrade = 'please upgrade your client to a newer version'
  return `client version ${version.join('.')} is too old. ${oldest}, ${upgrade}`
}

function refuseTooNew(version: ApiVersion): void {
  if (!isBefore(versionOf(API_VERSION), version)) return
  const newest = `Maximum supported API version is ${API_VERSION}`
  const message = `client version ${version.join('.')} is too new. ${newest}`
  throw swarmError('ERR_INVALID_ARGUMENT', message, { subject: 'version' })
}
