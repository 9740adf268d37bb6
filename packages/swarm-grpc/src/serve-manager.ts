/** A manager's door: SwarmKit's services over gRPC, HTTP/2 and mutual TLS. */
import type { Clock, Logger, SocketAddress } from '@weft/core'
import type { ManagerServices, NodeIdentity } from '@weft/swarm'

/** Where to listen, and as whom. */
export interface ServeManagerOptions {
  /** Port 0 picks a free one; Docker's is 2377. */
  readonly listen: SocketAddress
  readonly identity: NodeIdentity
  readonly log: Logger
  /** Its wall time decides whether a client's certificate is still valid. */
  readonly clock: Clock
}

/** A manager that is being served. */
export interface ManagerServer extends AsyncDisposable {
  readonly local: SocketAddress
  /** A renewed certificate, or another root: for new connections. Streams go on. */
  replaceIdentity(identity: NodeIdentity): void
  /** Stop listening and end every call. Closing again does nothing. */
  close(): Promise<void>
}

/** Listen and serve. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL. */
export async function serveManager(
  services: ManagerServices,
  options: ServeManagerOptions,
): Promise<ManagerServer> {
  throw new Error(`the server of ${Object.keys(services).length} follows, ${options.listen.port}`)
}
