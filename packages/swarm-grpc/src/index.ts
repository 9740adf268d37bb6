/** Both ends of SwarmKit's services over mutual TLS, and X.509 with Docker's fields. */
export {
  CALLS_PER_CONNECTION_MAX,
  CALLS_PER_STRANGER_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  KEEPALIVE_INTERVAL_MS,
  STRANGER_IDLE_MS_MAX,
  STRANGER_STAY_MS_MAX,
} from './client-session.ts'
export {
  CALL_TIMEOUT_MS,
  grpcDialer,
  HELD_CALL_TIMEOUT_MS,
  PING_INTERVAL_MS,
  PING_TIMEOUT_MS,
  type GrpcDialerOptions,
} from './grpc-dialer.ts'
export { REQUEST_BYTES_PER_CALLER_MAX } from './inbound-bytes.ts'
export type { ListenErrors } from './listen-errors.ts'
export { CONNECT_MS_MAX } from './manager-socket.ts'
export { nodeCertificates } from './node-certificates.ts'
export { PEM_BYTES_MAX } from './pem.ts'
export { MESSAGE_BYTES_MAX, STRANGER_MESSAGE_BYTES_MAX } from './message-limits.ts'
export {
  CONNECTIONS_MAX,
  CONNECTIONS_PER_NODE_MAX,
  HANDSHAKE_MS_MAX,
  serveManager,
  type ManagerServer,
  type ServeManagerOptions,
} from './serve-manager.ts'
export { STRANGERS_MAX, STRANGERS_PER_HOST_MAX } from './strangers.ts'
