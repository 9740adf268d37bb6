/** The ports of @weft/core on Node: clock, chance, sockets, encryption, files, stores and logs. */
export {
  atLeast,
  jsonLines,
  LOG_BUFFER_BYTES_MAX,
  readableLines,
  type LineSinkOptions,
  type LineTarget,
} from './log-sinks.ts'
export { nodeAead } from './node-aead.ts'
export { nodeCipherSuites } from './node-cipher.ts'
export { NodeClock, TIMER_DELAY_MS_MAX, type NodeClockOptions } from './node-clock.ts'
export { nodeEntropy } from './node-entropy.ts'
export { nodeFiles } from './node-files.ts'
export { nodeRuntime, type NodeRuntime, type NodeRuntimeOptions } from './node-runtime.ts'
export {
  LINGERING_MAX,
  NodeStreams,
  type NodeStreamsCounters,
  type NodeStreamsOptions,
  type OpenConnection,
  type OpenListener,
} from './node-streams.ts'
export {
  NodeUnderlay,
  type NodeUnderlayCounters,
  type NodeUnderlayOptions,
  type OpenSocket,
} from './node-underlay.ts'
export { openSqliteStore } from './sqlite-store.ts'
export { nodeUnderlayError, type NodeUnderlayErrors } from './socket-errors.ts'
