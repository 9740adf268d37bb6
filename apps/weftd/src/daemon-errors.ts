/** Why a daemon does not start. */
import { defineErrors } from '@weft/core'

/** Errors of starting. */
export type DaemonErrors = {
  /** A flag, or an entry of the file, is unknown or has no such value. `origin` says where. */
  ERR_OPTION: { readonly origin: string; readonly name: string; readonly problem: string }
  /** Another daemon answers at the socket. */
  ERR_SOCKET_IN_USE: { readonly path: string }
  /** The socket cannot be made there; `diagnostic` is the machine's own word. */
  ERR_SOCKET: { readonly path: string; readonly diagnostic: string }
}

/** Makes errors of starting. */
export const daemonError = defineErrors<DaemonErrors>()
