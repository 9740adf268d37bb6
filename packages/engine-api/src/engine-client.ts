/** A typed client of the Engine API as Weft serves it, and of Weft's own endpoints. */
import type { WeftError } from '@weft/core'
import type { NetworkCreatedJson, NetworkCreateJson, NetworkJson } from './objects/network-json.ts'
import type { NodeJson, NodeSpecJson } from './objects/node-json.ts'
import type {
  SwarmInitJson,
  SwarmJoinJson,
  SwarmJson,
  SwarmSpecJson,
} from './objects/swarm-json.ts'
import type { EventJson, InfoJson, PingJson, VersionInfoJson } from './objects/system-json.ts'
import type {
  AttachJson,
  AttachmentJson,
  KeyJson,
  PeerJson,
  StatusJson,
} from './objects/weft-json.ts'

/**
 * How requests travel: the global `fetch` fits, and so does `socketFetch(path)`. These are plain
 * shapes because a `Request` costs a program that has none yet 85 ms of processor time.
 */
export type EngineFetch = (url: string, request: EngineRequest) => Promise<EngineResponse>

/** What goes out: a part of the standard's `RequestInit`. */
export interface EngineRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly headers: Record<string, string>
  readonly body: string | null
  readonly signal: AbortSignal | null
}

/** What comes back: a part of the standard's `Response`. */
export interface EngineResponse {
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: AsyncIterable<Uint8Array> | null
}

/** What every call can be given. */
export interface EngineCallOptions {
  /** Rejects the call with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Docker's filters: what is named twice is one or the other, different names are all. */
export type Filters = Readonly<Record<string, readonly string[]>>

/** GET /networks, POST /networks/create and so on. */
export interface NetworksClient {
  list(query?: { readonly filters?: Filters }, options?: EngineCallOptions): Promise<NetworkJson[]>
  /** Name, ID, or a unique prefix of an ID. */
  inspect(
    id: string,
    query?: { readonly verbose?: boolean; readonly scope?: string },
    options?: EngineCallOptions,
  ): Promise<NetworkJson>
  create(request: NetworkCreateJson, options?: EngineCallOptions): Promise<NetworkCreatedJson>
  remove(id: string, options?: EngineCallOptions): Promise<void>
  /** Removes what nothing uses; resolves with names. */
  prune(query?: { readonly filters?: Filters }, options?: EngineCallOptions): Promise<string[]>
}

/** GET /nodes and so on: managers only. */
export interface NodesClient {
  list(query?: { readonly filters?: Filters }, options?: EngineCallOptions): Promise<NodeJson[]>
  /** ID, a unique prefix of one, a host name, or `self`. */
  inspect(id: string, options?: EngineCallOptions): Promise<NodeJson>
  /** `version` is `Version.Index` of the node as it was read. */
  update(
    id: string,
    request: { readonly version: number; readonly spec: NodeSpecJson },
    options?: EngineCallOptions,
  ): Promise<void>
  remove(
    id: string,
    query?: { readonly force?: boolean },
    options?: EngineCallOptions,
  ): Promise<void>
}

/** GET /swarm, POST /swarm/init and so on. */
export interface SwarmClient {
  inspect(options?: EngineCallOptions): Promise<SwarmJson>
  /** Resolves with the node's ID. */
  init(request: SwarmInitJson, options?: EngineCallOptions): Promise<string>
  join(request: SwarmJoinJson, options?: EngineCallOptions): Promise<void>
  leave(query?: { readonly force?: boolean }, options?: EngineCallOptions): Promise<void>
  update(request: SwarmUpdate, options?: EngineCallOptions): Promise<void>
}

/** POST /swarm/update. `version` is `Version.Index` of the swarm as it was read. */
export interface SwarmUpdate {
  readonly version: number
  readonly spec: SwarmSpecJson
  readonly rotateWorkerToken?: boolean
  readonly rotateManagerToken?: boolean
}

/** What came of one of several attachments; `index` is its place among those asked for. */
export type AttachOutcome =
  | { readonly index: number; readonly attachment: AttachmentJson; readonly error: null }
  | { readonly index: number; readonly attachment: null; readonly error: WeftError }

/** Endpoints of this node: /weft/attachments. */
export interface AttachmentsClient {
  list(options?: EngineCallOptions): Promise<AttachmentJson[]>
  /** Resolves when the endpoint is up and programmed. */
  create(request: AttachJson, options?: EngineCallOptions): Promise<AttachmentJson>
  /**
   * Many by one request, all at once; yields what came of each, in the order in which it is known.
   * Each stands for itself. Throws ERR_INVALID_ARGUMENT before any is begun, and ERR_UNAVAILABLE
   * when the answer breaks off. Who leaves the loop calls off what is not attached by then.
   */
  createEach(
    requests: readonly AttachJson[],
    options?: EngineCallOptions,
  ): AsyncIterable<AttachOutcome>
  /** Endpoint ID, attachment ID, or `network/name`. */
  remove(id: string, options?: EngineCallOptions): Promise<void>
}

/** Which events to hear of. Instants as Docker takes them: epoch seconds, or RFC 3339. */
export interface EventQuery {
  readonly filters?: Filters
  readonly since?: string
  readonly until?: string
}

/**
 * The API by topic. Every call throws a WeftError: what the server said, by `code`; ERR_UNAVAILABLE
 * when nobody answers; ERR_ENGINE_ANSWER when what answers is no such server.
 */
export interface EngineClient {
  readonly networks: NetworksClient
  readonly nodes: NodesClient
  readonly swarm: SwarmClient
  readonly attachments: AttachmentsClient
  ping(options?: EngineCallOptions): Promise<PingJson>
  version(options?: EngineCallOptions): Promise<VersionInfoJson>
  info(options?: EngineCallOptions): Promise<InfoJson>
  /** Ends when the server ends it, or the loop is left. */
  events(query?: EventQuery, options?: EngineCallOptions): AsyncIterable<EventJson>
  status(options?: EngineCallOptions): Promise<StatusJson>
  peers(options?: EngineCallOptions): Promise<PeerJson[]>
  keys(options?: EngineCallOptions): Promise<KeyJson[]>
}
