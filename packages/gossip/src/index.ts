/** Membership and replicated tables that speak memberlist and NetworkDB, as pure state machines. */
export { Gossip, type GossipEvents, type GossipOptions, type GossipSnapshot } from './gossip.ts'
export type { GossipCore } from './gossip-core.ts'
export { openShell, type Shell } from './gossip-shell.ts'
export type { JoinSignal } from './join-attempt.ts'
export type { FaultCounts, GossipFault } from './memberlist/faults.ts'
export {
  KEY_BYTES,
  KeyRing,
  keyRingError,
  KEYS_MAX,
  type GossipKey,
  type KeyRingErrors,
  type KeyView,
} from './memberlist/key-ring.ts'
export { decodeLzw } from './memberlist/lzw-decode.ts'
export { encodeLzw } from './memberlist/lzw-encode.ts'
export type {
  NodeStateName,
  PacketMessage,
  PushPull,
  PushPullNode,
  StreamMessage,
  Versions,
} from './memberlist/messages.ts'
export { PacketCodec } from './memberlist/packet-codec.ts'
export { decodePacketMessage, encodePacketMessage } from './memberlist/packet-messages.ts'
export { wrapStreamMessage } from './memberlist/stream-frame.ts'
export { StreamReader } from './memberlist/stream-reader.ts'
export type { WrapOptions } from './memberlist/wrap-options.ts'
export type { MembershipDelegate } from './membership/membership-delegate.ts'
export type { GossipPorts, MembershipOptions } from './membership/membership-options.ts'
export { Membership } from './membership/membership.ts'
export { pushPullScale } from './membership/scale.ts'
export type { KnownMember, Member } from './membership/member.ts'
export type { Roster } from './membership/roster.ts'
export type { StreamInputs } from './membership/stream-inputs.ts'
export type { MembershipCounters } from './membership/tally.ts'
export { decodeNetworkDb } from './networkdb/decode.ts'
export { encodeNetworkDb } from './networkdb/encode.ts'
export { endpointTable, type EndpointRecord } from './networkdb/endpoint-record.ts'
export type { NetworkDbMessage, NetworkEntry, TableEvent } from './networkdb/messages.ts'
export { peerTable, type PeerRecord } from './networkdb/peer-record.ts'
export type { TableSchema } from './networkdb/table-schema.ts'
export { openGossip, type GossipHandle, type OpenGossipOptions } from './open-gossip.ts'
export { openGossipError, type OpenGossipErrors } from './open-gossip-errors.ts'
export type { GossipOutput, StreamId } from './output.ts'
export {
  dockerProfile,
  lanProfile,
  wanProfile,
  type GossipProfile,
  type MembershipProfile,
  type TablesProfile,
} from './profile.ts'
export { BucketSet } from './reconcile/bucket-set.ts'
export { decodeExchange } from './reconcile/exchange-decode.ts'
export { encodeExchange } from './reconcile/exchange-encode.ts'
export type { ExchangeMessage } from './reconcile/exchange-messages.ts'
export { PORT_ATTEMPTS_MAX, type ShellPorts } from './shell-sockets.ts'
export { applicationMeta, isWeftMeta, weftMeta } from './tables/capability.ts'
export { TableView, type ValueChange } from './tables/table-view.ts'
export type { AttachmentChange, Road, Row, RowChange } from './tables/table.ts'
export { tablesError, type TablesErrors } from './tables/tables-errors.ts'
export type { NetworkView, TablesCounters } from './tables/tables-view.ts'
export { Tables, type RowName, type RowWrite } from './tables/tables.ts'
export type { WatchFilter } from './tables/watch-filter.ts'
