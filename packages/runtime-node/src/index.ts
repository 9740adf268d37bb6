/** The ports of @weft/core on Node: clock, chance, secrets, datagrams and log sinks. */
export {
  atLeast,
  jsonLines,
  LOG_BUFFER_BYTES_MAX,
  readableLines,
  type LineSinkOptions,
  type LineTarget,
} from './log-sinks.ts'
export { nodeAead } from './node-aead.ts'
export { NodeClock, TIMER_DELAY_MS_MAX, type NodeClockOptions } from './node-clock.ts'
export { nodeEntropy } from './node-entropy.ts'
export { nodeRuntime, type NodeRuntime, type NodeRuntimeOptions } from './node-runtime.ts'
export {
  NodeUnderlay,
  nodeUnderlayError,
  type NodeUnderlayCounters,
  type NodeUnderlayErrors,
  type NodeUnderlayOptions,
  type OpenSocket,
} from './node-underlay.ts'
