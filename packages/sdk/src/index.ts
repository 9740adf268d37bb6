/** A node of a cluster in your own process. */
export type { CloseMode } from './close-list.ts'
export { createNode, removeForwarding } from './create-node.ts'
export { nodeMachine, type InterfaceIp, type Machine } from './machine.ts'
export {
  nodeTunables,
  type DataplaneChoice,
  type NodeOptions,
  type NodeTunables,
} from './node-options.ts'
export type { NetworkView, NewNetwork, NewSubnet } from './network-spec.ts'
export type { AttachmentHandle, NetworkHandle, Networks, NewEndpoint } from './networks.ts'
export type { NewProgram, ProgramHandle } from './program.ts'
export { sdkError, type SdkErrors } from './sdk-errors.ts'
export type { WeftNode } from './weft-node.ts'
