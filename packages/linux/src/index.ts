/** The only door to the kernel: system calls, netlink, namespaces, TAPs, sockets inside them. */
export {
  Addresses,
  readAddress,
  writeAddress,
  type AddressSpec,
  type LinkAddress,
} from './addresses.ts'
export { AttributeReader } from './attribute-reader.ts'
export type { BridgeAttributes, BridgePortAttributes } from './bridge-attributes.ts'
export {
  CAPTURE_BUFFER_BYTES,
  openCapture,
  type Capture,
  type CaptureCounters,
  type CapturedFrame,
  type CaptureOptions,
} from './capture.ts'
export {
  DatagramReceiver,
  RECEIVE_SLOTS_MAX,
  type ReceiverOptions,
} from './datagram-receiver.ts'
export {
  DatagramSender,
  SEND_MESSAGES_MAX,
  SEND_WAIT_MS,
  type SenderCounters,
  type SenderOptions,
} from './datagram-sender.ts'
export {
  openDatagramSocket,
  openRawDatagramSocket,
  type DatagramOptions,
  type DatagramSocket,
  type DatagramTuning,
  type RawDatagramOptions,
} from './datagram-socket.ts'
export { Destinations, DESTINATIONS_MAX, SEGMENTATION_RETRY_SENDS } from './destinations.ts'
export { packDatagrams, unpackDatagrams } from './datagram-batch.ts'
export { errno, errnoName, errnoText } from './errno.ts'
export {
  isKernelError,
  kernelError,
  linuxError,
  type Attempt,
  type KernelError,
  type KernelFault,
  type LinuxErrors,
} from './errors.ts'
export {
  Features,
  TUNNEL_CHECKSUM_FEATURES,
  type Feature,
  type FeatureStates,
} from './features.ts'
export { sendFrames, type OutgoingFrame } from './frame-sender.ts'
export {
  Forwarding,
  readForwarding,
  writeForwarding,
  type ForwardingEntry,
  type ForwardingOperation,
  type ForwardingSpec,
  type ForwardingTable,
} from './forwarding.ts'
export { probeKernel, type KernelAbility, type KernelFacts } from './kernel-probe.ts'
export { HELD_NAME_BYTES_MAX, holdName, type HeldName } from './held-name.ts'
export { Kernel } from './kernel.ts'
export { readLink, type Link, type LinkCounters, type OperationalState } from './link-reader.ts'
export {
  writeChangeLink,
  writeCreateLink,
  writeDeleteLink,
  type LinkChange,
  type LinkKind,
  type LinkRef,
  type LinkSpec,
  type VethPeer,
} from './link-writer.ts'
export { Links, type LinkFilter } from './links.ts'
export { libcryptoLack, libcryptoSuite } from './libcrypto.ts'
export { MessageWriter } from './message-writer.ts'
export { MessageReader } from './messages.ts'
export {
  MONITOR_BUFFER_BYTES,
  openMonitor,
  type MonitorListener,
  type MonitorOptions,
  type MonitorTopic,
} from './monitor.ts'
export {
  createNamespace,
  deleteNamespace,
  listNamespaces,
  nameNamespace,
  NAMESPACE_DIRECTORY,
  namespacePath,
  type NamespaceName,
} from './named-namespaces.ts'
export { NamespaceIds } from './namespace-ids.ts'
export { findNamespaces, type ReachableNamespace } from './namespace-search.ts'
export {
  inNamespace,
  inNewNamespace,
  namespaceIdentity,
  openNamespace,
  type NamespaceHandle,
} from './namespaces.ts'
export {
  Neighbours,
  neighbourState,
  readNeighbour,
  writeNeighbour,
  type Neighbour,
  type NeighbourOperation,
  type NeighbourSpec,
} from './neighbours.ts'
export { ATTRIBUTE_BYTES_MAX } from './netlink-numbers.ts'
export {
  DUMP_ATTEMPTS_MAX,
  NETLINK_RECEIVE_BUFFER_BYTES,
  NETLINK_SEND_BUFFER_BYTES,
  NetlinkSocket,
  REFUSAL_BYTES_MAX,
  type BatchOutcome,
  type NetlinkBuffers,
  type TransactOptions,
} from './netlink-socket.ts'
export type { Match, PacketKey } from './nft-expressions.ts'
export type { TableFamily, TableRef } from './nft-message.ts'
export { openNftMonitor, readNftNotices, type NftNotice } from './nft-monitor.ts'
export type { SetEntry, SetSpec } from './nft-sets.ts'
export {
  COMMENT_BYTES_MAX,
  type ChainSpec,
  type RuleSpec,
  type TableSpec,
} from './nft-writer.ts'
export { Nftables, type NftRule } from './nftables.ts'
export type { NoticeListener } from './notice-watch.ts'
export { readNotice, readNotices, type Notice } from './notices.ts'
export { SEGMENTED_BYTES_MAX, SEGMENTS_MAX } from './outgoing-messages.ts'
export { probePacketPath, type PacketPathFacts } from './packet-path-probe.ts'
export { PinnedMemory, PLACES_MAX } from './pinned-memory.ts'
export { RING_BYTES, RING_SNAP_BYTES_MAX } from './packet-ring.ts'
export { PollSet, POLL_ENTRIES_MAX, POLL_WAIT_MS_MAX, type PollInterest } from './poll-set.ts'
export { OUTSTANDING_BYTES_MAX, watchSocket, type Watch, type WatchOptions } from './poller.ts'
export { PolledMonitor, POLLED_NOTICES_MAX } from './polled-monitor.ts'
export {
  openRawSocket,
  type RawPacket,
  type RawSocket,
  type RawSocketOptions,
} from './raw-socket.ts'
export { SLOT_BYTES } from './receive-arena.ts'
export {
  readRoute,
  Routes,
  writeRoute,
  type Route,
  type RouteSpec,
  type RouteType,
} from './routes.ts'
export {
  closeFd,
  connectTcp,
  LISTEN_BACKLOG,
  localAddress,
  openTcpListener,
  openUdpSocket,
  type BindOptions,
  type ConnectOptions,
  type SocketPlace,
} from './sockets.ts'
export { sys } from './syscalls.ts'
export {
  openTap,
  TAP_OFFLOADS,
  tapProblem,
  TUN_DEVICE,
  type Tap,
  type TapOffload,
  type TapOptions,
  type TapProblem,
} from './tap.ts'
export { VNET_HEADER_BYTES } from './vnet-header.ts'
export type { PortRange, VxlanAttributes } from './vxlan-attributes.ts'
export { WakeEvent } from './wake-event.ts'
export {
  openXfrmMonitor,
  readXfrmNotices,
  type XfrmListener,
  type XfrmNotice,
} from './xfrm-monitor.ts'
export {
  readXfrmPolicy,
  writeDeleteXfrmPolicy,
  writeXfrmPolicy,
  type XfrmDirection,
  type XfrmPolicy,
  type XfrmPolicyRef,
  type XfrmPolicySpec,
  type XfrmTemplate,
} from './xfrm-policies.ts'
export type { XfrmLimits, XfrmMark, XfrmSelector } from './xfrm-selector.ts'
export {
  readXfrmState,
  REPLAY_WINDOW_PACKETS_MAX,
  writeDeleteXfrmState,
  writeXfrmState,
  type XfrmState,
  type XfrmStateRef,
  type XfrmStateSpec,
} from './xfrm-states.ts'
export { Xfrm } from './xfrm.ts'
