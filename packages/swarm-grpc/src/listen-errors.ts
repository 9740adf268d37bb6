/** What the operating system says when a port cannot be listened on. */
import {
  defineErrors,
  formatSocketAddress,
  underlayError,
  type SocketAddress,
} from '@weft/core'

/** Errors of listening beyond ERR_ADDRESS_IN_USE and ERR_ADDRESS_NOT_LOCAL. */
export type ListenErrors = {
  /** The operating system refused; `diagnostic` is its code, like EACCES. */
  ERR_BIND_FAILED: { readonly address: string; readonly diagnostic: string }
}

const refused = defineErrors<ListenErrors>()

/** Why nothing listens at `local`. */
export function listenError(error: unknown, local: SocketAddress): Error {
  const address = formatSocketAddress(local)
  const diagnostic = codeOf(error)
  if (diagnostic === 'EADDRINUSE') {
    return underlayError('ERR_ADDRESS_IN_USE', 'another socket has it', { address }, error)
  }
  if (diagnostic === 'EADDRNOTAVAIL') {
    return underlayError('ERR_ADDRESS_NOT_LOCAL', 'not an address of this host', { address }, error)
  }
  const facts = { address, diagnostic }
  return refused('ERR_BIND_FAILED', 'the system refused the socket', facts, error)
}

/** The system's code of an error, like ECONNREFUSED; its text when it has none. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : String(error)
}
