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
  NetnsAttachment,
  NetworkId,
  NetworkSpec,
  NodeId,
  PeerSpec,
  PrefixSpec,
  RemoteEndpoint,
  SubnetSpec,
} from './desired-state.ts'
export { FailureLog, hostError, itemErrorOf, type HostRefusal } from './failure-log.ts'
export { faulty, type FaultPlan } from './faulty.ts'
export type { FramePort } from './frame-port.ts'
export type { AcceptedNetwork, AcceptedState } from './accepted-state.ts'
export { ApplyQueue } from './apply-queue.ts'
export { openContainer, type NamespaceDoor, type OpenedNamespace } from './container.ts'
export { captured, type PcapSink } from './captured.ts'
export { capabilityName, capabilityNames } from './capability-name.ts'
export {
  changedItems,
  order,
  removedItems,
  type Change,
  type ForwardingChange,
  type KnownSubnetShape,
  type LocalChange,
  type NeighbourChange,
  type NetworkChange,
  type NetworkShape,
  type PlacedEndpoint,
  type SubnetChange,
  type SubnetShape,
} from './change.ts'
export { diff } from './diff.ts'
export { diffProgrammed, NOTHING_PROGRAMMED } from './diff-programmed.ts'
export {
  IFNAME_BYTES_MAX,
  NAME_CHARS_MAX,
  nameProblem,
  NETNS_PATH_BYTES_MAX,
  type Problem,
} from './item-checks.ts'
export {
  AUDIT_INTERVAL_MS,
  hostOptions,
  INSTANCE_LENGTH_MAX,
  type GivenOptions,
  type HostOptions,
} from './host-options.ts'
export { conflictError, dependencyError, missingError, type ItemError } from './item-errors.ts'
export { expectedItems, itemPath, itemText, subnetOf } from './items.ts'
export { ESP_OVERHEAD_BYTES, MTU_MIN_BYTES, overlayMtu, VXLAN_OVERHEAD_BYTES } from './mtu.ts'
export {
  programmedItems,
  programmedOf,
  type ProgrammedEndpoint,
  type ProgrammedNetwork,
  type ProgrammedState,
  type ProgrammedSubnet,
} from './programmed-state.ts'
export {
  associationTags,
  sealedPeers,
  type AssociationTags,
  type SealedPeer,
} from './sealing.ts'
export { SubnetFinder, subnetFinder, type SubnetMatch } from './subnet-finder.ts'
export { traced, TRACED_FAILURES_MAX } from './traced.ts'
export {
  keysProblem,
  TUNNEL_KEY_BYTES,
  TUNNEL_KEYS_MAX,
  type TunnelKey,
} from './tunnel-key.ts'
export { validate, Validator, type NodeFacts, type Validated } from './validator.ts'
