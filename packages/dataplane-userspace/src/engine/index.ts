/** Door of the switch: a pure state machine over buffers. */
export { DROP_REASONS, type DropReason } from './drop-reason.ts'
export type {
  EngineSecurity,
  EnginePort,
  EngineState,
  EngineSubnet,
  SealingParts,
  SecurityProblem,
  SwitchCounters,
  SwitchOptions,
  SwitchSink,
  UnderlaySource,
} from './engine-state.ts'
export { GSO_ECN, GSO_TYPE, NEEDS_CHECKSUM, PacketView, PORT_OFFLOAD } from './packet-view.ts'
export {
  SEALED_MTU_MAX_BYTES,
  SWITCH_ARENA_BYTES,
  SWITCH_MTU_MAX_BYTES,
  SwitchEngine,
} from './switch-engine.ts'
export { TRANSMIT_BYTES_MAX, TRANSMIT_SEGMENTS_MAX } from './transmit-lanes.ts'
