/** The client: a thin line from each call to one request. */
import { boundedText } from './bounded-text.ts'
import { callEngine, callForJson, engineClientError, type EngineCall } from './engine-call.ts'
import { attachOutcomes } from './attach-outcomes.ts'
import type {
  AttachmentsClient,
  EngineCallOptions,
  EngineClient,
  EngineFetch,
  EngineResponse,
  EventQuery,
  NetworksClient,
  NodesClient,
  SwarmClient,
} from './engine-client.ts'
import { readJsonLines } from './json-lines.ts'
import type { EventJson, PingJson } from './objects/system-json.ts'

/** A client that sends its requests through `fetch`: `createEngineClient(socketFetch(path))`. */
export function createEngineClient(fetch: EngineFetch): EngineClient {
  const call = callsOf(fetch)
  return {
    networks: networksClient(call),
    nodes: nodesClient(call),
    swarm: swarmClient(call),
    attachments: attachmentsClient(call, fetch),
    ping: async (options) =>
      pingOf(await callEngine(fetch, { ...options, method: 'HEAD', path: '/_ping' })),
    version: (options) => call.get('/version', {}, options),
    info: (options) => call.get('/info', {}, options),
    events: (query = {}, options = {}) => eventsOf(fetch, query, options),
    status: (options) => call.get('/weft/status', {}, options),
    peers: (options) => call.get('/weft/peers', {}, options),
    keys: (options) => call.get('/weft/keys', {}, options),
  }
}

/** The verbs, with a body that is read. */
interface Calls {
  readonly get: <Answer>(
    path: string,
    query: EngineCall['query'],
    options: Given,
  ) => Promise<Answer>
  readonly post: <Answer>(path: string, sent: Sent, options: Given) => Promise<Answer>
  /** The answer has no body, or none that says more than its status. */
  readonly done: (
    method: 'POST' | 'DELETE',
    path: string,
    sent: Sent & EngineCallOptions,
  ) => Promise<void>
}
type Given = EngineCallOptions | undefined
type Sent = Pick<EngineCall, 'query' | 'body'>

function callsOf(fetch: EngineFetch): Calls {
  return {
    get: (path, query, options) => callForJson(fetch, { ...options, method: 'GET', path, query }),
    post: (path, sent, options) =>
      callForJson(fetch, { ...options, ...sent, method: 'POST', path }),
    done: async (method, path, sent) => {
      const response = await callEngine(fetch, { ...sent, method, path })
      await boundedText(response.body, 0)
    },
  }
}

function networksClient({ get, post, done }: Calls): NetworksClient {
  return {
    list: (query, options) => get('/networks', { filters: query?.filters }, options),
    inspect: (id, query, options) => get(`/networks/${segment(id)}`, { ...query }, options),
    create: (request, options) => post('/networks/create', { body: request }, options),
    remove: (id, options) => done('DELETE', `/networks/${segment(id)}`, { ...options }),
    prune: async (query, options) => {
      const sent = { query: { filters: query?.filters } }
      const answer = await post<{ NetworksDeleted: string[] | null }>(
        '/networks/prune',
        sent,
        options,
      )
      return answer.NetworksDeleted ?? []
    },
  }
}

function nodesClient({ get, done }: Calls): NodesClient {
  return {
    list: (query, options) => get('/nodes', { filters: query?.filters }, options),
    inspect: (id, options) => get(`/nodes/${segment(id)}`, {}, options),
    update: (id, { version, spec }, options) =>
      done('POST', `/nodes/${segment(id)}/update`, { ...options, query: { version }, body: spec }),
    remove: (id, query, options) =>
      done('DELETE', `/nodes/${segment(id)}`, { ...options, query: { force: query?.force } }),
  }
}

function swarmClient({ get, post, done }: Calls): SwarmClient {
  return {
    inspect: (options) => get('/swarm', {}, options),
    init: (request, options) => post('/swarm/init', { body: request }, options),
    join: (request, options) => done('POST', '/swarm/join', { ...options, body: request }),
    leave: (query, options) =>
      done('POST', '/swarm/leave', { ...options, query: { force: query?.force } }),
    update: ({ spec, ...query }, options) =>
      done('POST', '/swarm/update', { ...options, query, body: spec }),
  }
}

function attachmentsClient({ get, post, done }: Calls, fetch: EngineFetch): AttachmentsClient {
  return {
    list: (options) => get('/weft/attachments', {}, options),
    create: (request, options) => post('/weft/attachments', { body: request }, options),
    createEach: (requests, options = {}) => attachOutcomes(fetch, requests, options),
    remove: (id, options) => done('DELETE', `/weft/attachments/${segment(id)}`, { ...options }),
  }
}

function segment(id: string): string {
  return encodeURIComponent(id)
}

function pingOf({ headers, status }: EngineResponse): PingJson {
  const apiVersion = headers.get('api-version')
  if (apiVersion === null) {
    const details = { path: '/_ping', status, problem: 'no Api-Version' }
    throw engineClientError('ERR_ENGINE_ANSWER', 'the answer is not from an engine', details)
  }
  const [osType, swarm] = [headers.get('ostype') ?? '', headers.get('swarm') ?? '']
  return { apiVersion, osType, swarm }
}

async function* eventsOf(
  fetch: EngineFetch,
  query: EventQuery,
  options: EngineCallOptions,
): AsyncGenerator<EventJson> {
  const response = await callEngine(fetch, {
    ...options,
    method: 'GET',
    path: '/events',
    query: { ...query },
  })
  if (response.body === null) return
  for await (const event of readJsonLines(response.body)) yield event as EventJson
}
