/** Hosts made of network namespaces, joined by a routed underlay, with taps on every wire. */
export { atExit } from './at-exit.ts'
export { captureFile, type CaptureSource } from './capture-file.ts'
export {
  Container,
  CONTAINER_IFNAME,
  type ContainerOptions,
  type InterfaceFacts,
} from './container.ts'
export { STDERR_KEPT_CHARACTERS } from './dataplane-owner.ts'
export {
  DataplaneProcess,
  OwnerPool,
  type DataplaneProcessOptions,
  type OwnerSource,
} from './dataplane-process.ts'
export { BUSYBOX_IMAGE } from './docker-images.ts'
export {
  DOCKER_HOSTS_MAX,
  DockerLab,
  type DockerLabOptions,
  type EngineHost,
  type EngineOptions,
} from './docker-lab.ts'
export { DOCKER_PROGRAMS } from './docker-tier.ts'
export { ECHO_OVERHEAD_BYTES, EchoSocket, type EchoOptions, type EchoOutcome } from './echo.ts'
export {
  GUEST_PACE,
  LOCAL_PACE,
  runEncryptedPair,
  type PairEnd,
  type PairPace,
} from './encrypted/run-encrypted-pair.ts'
export { openGuestHost } from './encrypted/guest-encrypted-host.ts'
export {
  localEncryptedHost,
  PAIR_IFNAME,
  type LocalEncryptedHost,
} from './encrypted/local-encrypted-host.ts'
export { runLocalPair } from './encrypted/run-local-pair.ts'
export type { EncryptedHost, EncryptedHostSpec } from './encrypted/encrypted-host.ts'
export { ERROR_CAUSES_MAX } from './error-record.ts'
export { eventually, type Patience } from './eventually.ts'
export { FRAME_SNAP_BYTES, FrameTap, type TapOptions } from './frame-tap.ts'
export {
  CONSOLE_KEPT_CHARACTERS,
  Guest,
  GUEST_BOOT_MS,
  GUEST_CALL_MS,
  type GuestCard,
  type GuestFunction,
  type GuestOptions,
} from './guest.ts'
export {
  ESP_GUEST_MODULES,
  GUEST_SLOWNESS,
  runGuestSuite,
  type GuestRun,
  type GuestSuite,
} from './guest-compliance.ts'
export { guestKernel, type GuestKernel } from './guest-kernel.ts'
export { labError, type LabErrors } from './lab-errors.ts'
export { LabNamespace } from './lab-namespace.ts'
export { LabWires } from './lab-wires.ts'
export {
  collect,
  OUTPUT_CHARACTERS_MAX,
  runOn,
  startOn,
  tryOn,
  type Finished,
  type Machine,
  type MachineProcess,
  type RunOptions,
} from './machine.ts'
export {
  MemberlistProcess,
  type MemberlistEvent,
  type MemberlistMember,
  type MemberlistOptions,
  type MemberlistRoad,
  type MemberlistTiming,
} from './memberlist-process.ts'
export {
  buildMemberlistProgram,
  memberlistPackages,
  type MemberlistProgram,
} from './memberlist-program.ts'
export { NamespaceMachine } from './namespace-machine.ts'
export {
  hostDataplane,
  openHostDataplane,
  type HostBackend,
  type HostDataplane,
} from './host-dataplane.ts'
export { netnsLabs, openNetnsLab, type Backends, type NetnsLabs } from './netns-lab.ts'
export {
  becomePrivate,
  insidePrivateWorld,
  privateWorldCommand,
  runPrivately,
  WORLD_VARIABLE,
  type Command,
} from './private-world.ts'
export { RemoteDataplane } from './remote-dataplane.ts'
export { sabotage, type NetworkNamespaces } from './sabotage.ts'
export {
  checkRequiredTiers,
  netnsTier,
  requiredTiers,
  tierReport,
  TIERS,
  type Privilege,
  type Tier,
  type TierReport,
} from './tier-report.ts'
export {
  Traffic,
  type Flood,
  type FloodOptions,
  type FloodReport,
  type TrafficEnd,
  type TrafficPath,
  type TransferOptions,
  type TransferReport,
} from './traffic.ts'
export { FLOOD_HEADER_BYTES } from './flood-ends.ts'
export { DIGEST_LATER_BYTES_MAX, PATTERN_BYTES } from './transfer-ends.ts'
export {
  LAB_HOSTS_MAX,
  planHost,
  planUnderlay,
  UNDERLAY_MTU_DEFAULT_BYTES,
  UNDERLAY_MTU_RANGE_BYTES,
  type HostPlan,
  type SubnetPlan,
  type UnderlayOptions,
  type UnderlayPlan,
} from './underlay-plan.ts'
export { Underlay, type LabHost } from './underlay.ts'
export { WEFT_SOCKET, WeftHost, type Client } from './weft-host.ts'
