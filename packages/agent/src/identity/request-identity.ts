/** How a machine becomes a node: a token is turned into an identity (docker-wire §7.5). */
import type { Cancellable, Clock, Logger, Random } from '@weft/core'
import type {
  Certificates,
  ManagerDialer,
  NodeAvailability,
  NodeIdentity,
} from '@weft/swarm'

/** Asking to be let in. */
export interface IdentityRequest extends Cancellable {
  /** `host:port` of managers; at least one. */
  readonly addresses: readonly string[]
  /** What `swarm join-token` printed. */
  readonly token: string
  readonly availability: NodeAvailability
}

/** What asking needs. */
export interface IdentityPorts {
  readonly dialer: ManagerDialer
  readonly certificates: Certificates
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** A node that was let in. */
export interface GrantedIdentity {
  readonly identity: NodeIdentity
  /** The manager that answered, of those that were given. */
  readonly manager: string
  /** Our own address on the connection to it: what to advertise when nothing is said. */
  readonly localIp: string
}

/**
 * Ask managers in turn for an identity. Throws SwarmErrors: ERR_INVALID_ARGUMENT for a token that
 * is none or not this cluster's, ERR_UNTRUSTED for a root that the token does not name or a clock
 * that is off, ERR_UNAVAILABLE when nobody answered; and the signal's reason.
 */
export async function requestIdentity(
  request: IdentityRequest,
  ports: IdentityPorts,
): Promise<GrantedIdentity> {
  await Promise.resolve()
  throw new Error(`not here yet: ${request.addresses.length} ${ports.clock.now()}`)
}
