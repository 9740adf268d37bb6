/** Both ends of SwarmKit's services over mutual TLS, and X.509 with Docker's fields. */
export { grpcDialer, type GrpcDialerOptions } from './grpc-dialer.ts'
export { nodeCertificates } from './node-certificates.ts'
export { PEM_BYTES_MAX } from './pem.ts'
export { serveManager, type ManagerServer, type ServeManagerOptions } from './serve-manager.ts'
