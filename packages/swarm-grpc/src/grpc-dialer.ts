/** Connections to managers: HTTP/2 over TLS that trusts the cluster's root alone. */
import { assert, type Clock, type Logger } from '@weft/core'
import type { ManagerDialer } from '@weft/swarm'

/** What a dialer works with. */
export interface GrpcDialerOptions {
  readonly log: Logger
  /** Its wall time says whether a clock is to blame for a certificate that is not valid. */
  readonly clock: Clock
}

/** Opens connections to managers over gRPC. */
export function grpcDialer(options: GrpcDialerOptions): ManagerDialer {
  assert(options.clock.wall() === 0, 'the dialer follows')
  throw new Error('the dialer follows')
}
