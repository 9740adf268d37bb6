/** The client's door: what programs that talk to a daemon need, and nothing of the server. */
export type {
  AttachmentsClient,
  AttachOutcome,
  EngineCallOptions,
  EngineClient,
  EngineFetch,
  EngineRequest,
  EngineResponse,
  EventQuery,
  Filters,
  NetworksClient,
  NodesClient,
  SwarmClient,
  SwarmUpdate,
} from './engine-client.ts'
export type {
  IpamConfigJson,
  IpamJson,
  NetworkContainerJson,
  NetworkCreatedJson,
  NetworkCreateJson,
  NetworkJson,
  NetworkServiceJson,
  NetworkTaskJson,
} from './objects/network-json.ts'
export type { NodeDescriptionJson, NodeJson, NodeSpecJson } from './objects/node-json.ts'
export type {
  ClusterJson,
  SwarmInitJson,
  SwarmJoinJson,
  SwarmJson,
  SwarmSpecJson,
  TlsInfoJson,
  VersionJson,
} from './objects/swarm-json.ts'
export type {
  EventJson,
  InfoJson,
  PingJson,
  SwarmInfoJson,
  VersionInfoJson,
} from './objects/system-json.ts'
export type {
  AttachedJson,
  AttachFailureJson,
  AttachJson,
  AttachmentJson,
  KeyJson,
  PeerJson,
  StatusJson,
} from './objects/weft-json.ts'
export { createEngineClient } from './create-engine-client.ts'
export { ANSWER_BYTES_MAX, engineClientError, type EngineClientErrors } from './engine-call.ts'
export { LINE_BYTES_MAX } from './json-lines.ts'
export { socketFetch } from './socket-fetch.ts'
