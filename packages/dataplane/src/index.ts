/** The contract every dataplane keeps, the planner they share, and names for what they program. */
export {
  dataplaneError,
  type ApplyReport,
  type Capabilities,
  type Counters,
  type Dataplane,
  type DataplaneBackend,
  type DataplaneErrors,
  type DataplaneEvents,
  type ItemFailure,
  type NetworkCounters,
  type ObservedState,
  type ProbeResult,
} from './dataplane.ts'
export type {
  Attachment,
  DesiredState,
  Encapsulation,
  EndpointId,
  LocalEndpoint,
  NetworkId,
  NetworkSpec,
  NodeId,
  PeerSpec,
  PrefixSpec,
  RemoteEndpoint,
  SubnetSpec,
} from './desired-state.ts'
export type { FramePort } from './frame-port.ts'
export { expectedItems, itemPath, itemText, subnetOf } from './items.ts'
export { MTU_MIN_BYTES, overlayMtu, VXLAN_OVERHEAD_BYTES } from './mtu.ts'
