/** A program on a network: a small IP stack behind a frame port. */
export { ADDRESSES_MAX, MTU_MAX_BYTES, type StackConfig } from './addressing.ts'
export { QUOTE_BYTES_MAX } from './icmp-error.ts'
export { ERRORS_PER_SECOND_MAX, INBOX_LENGTH_MAX, NetStack, type StackPorts } from './net-stack.ts'
export {
  NEIGHBOUR_QUEUE_LENGTH_MAX,
  NEIGHBOUR_REACHABLE_MS,
  NEIGHBOUR_RETRY_MS,
  NEIGHBOUR_TRIES_MAX,
  NEIGHBOURS_MAX,
} from './neighbour-cache.ts'
export {
  PING_BODY_BYTES,
  PING_TIMEOUT_MS,
  PINGS_MAX,
  type PingOptions,
  type PingReply,
} from './pings.ts'
export type { ReceiveDrop, StackCounters, TransmitDrop } from './stack-counters.ts'
export {
  stackError,
  type RouteProblem,
  type StackErrors,
  type Unreachable,
  type UnreachableReason,
} from './stack-errors.ts'
export { SOCKETS_MAX } from './udp-ports.ts'
export {
  UDP_QUEUE_LENGTH_MAX,
  type UdpMessage,
  type UdpSocket,
  type UdpSocketEvents,
  type UndeliveredDatagram,
} from './udp-socket.ts'
