/** Docker's Engine API of swarms, nodes and networks, over a node; its client is in `./client`. */
export { engineApi, type EngineApi } from './engine-api.ts'
export type { EngineApiOptions } from './engine-context.ts'
export { EVENT_LISTENERS_MAX, EVENTS_KEPT_MAX } from './events/event-log.ts'
export { BODY_BYTES_MAX } from './json-fields.ts'
export { machineFacts, type MachineFacts } from './machine-facts.ts'
export { API_VERSION, API_VERSION_OLDEST } from './objects/system-object.ts'
export { FILTERS_BYTES_MAX } from './query.ts'
export { EVENT_BACKLOG_MAX } from './routes/event-routes.ts'
export { DATA_PATH_PORT_MAX, DATA_PATH_PORT_MIN } from './routes/swarm-routes.ts'
export {
  ATTACH_LIST_LENGTH_MAX,
  IFNAME_LENGTH_MAX,
  NETNS_PATH_BYTES_MAX,
} from './routes/weft-routes.ts'
