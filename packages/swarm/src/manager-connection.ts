/** A node's side of a conversation with one manager, apart from how it travels. */
import type { Cancellable } from '@weft/core'
import type { ManagerMethod, ManagerServices } from './manager-services.ts'
import type { NodeIdentity } from './certificates.ts'

/** The same methods as `ManagerServices`, called from afar; each throws SwarmErrors. */
export type ManagerConnection = {
  readonly [Method in ManagerMethod]: (
    request: Parameters<ManagerServices[Method]>[0],
    options?: CallOptions,
  ) => ReturnType<ManagerServices[Method]>
} & AsyncDisposable & {
    /** Our own address on the connection, without port: what to advertise when nothing is said. */
    localIp(): Promise<string>
    /** Calls under way fail with ERR_UNAVAILABLE. */
    close(): Promise<void>
  }

/** How long to wait, and what calls it off. */
export interface CallOptions extends Cancellable {
  /** Unset for streams: they last. */
  readonly timeoutMs?: number
}

/** How sure to be of the other side, and how to show who we are. */
export type ConnectionTrust =
  /** Anyone at all: only for GetRootCACertificate, whose answer a digest proves. */
  | { readonly kind: 'none' }
  /** A certificate of this root that is good for `swarm-ca`; we have none yet. */
  | { readonly kind: 'root'; readonly rootPem: string }
  /** A manager of our cluster; we show our certificate. */
  | { readonly kind: 'identity'; readonly identity: NodeIdentity }

/** Opens connections to managers. */
export interface ManagerDialer {
  /** `address` is `host:port`. Opens nothing until the first call. */
  dial(address: string, trust: ConnectionTrust): ManagerConnection
}
