/** What the operating system says of sockets, as errors and addresses of ours. */
import {
  defineErrors,
  formatSocketAddress,
  parseIp,
  underlayError,
  type ErrorFactory,
  type SocketAddress,
} from '@weft/core'

/** Errors of binding a socket on this machine beyond those every underlay has. */
export type NodeUnderlayErrors = {
  /** The operating system refused the socket; `diagnostic` is its code, like EACCES. */
  ERR_BIND_FAILED: { readonly address: string; readonly diagnostic: string }
}

/** Makes the errors of binding a socket on this machine. */
export const nodeUnderlayError: ErrorFactory<NodeUnderlayErrors> =
  defineErrors<NodeUnderlayErrors>()

/** What a failure to bind is called: ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL, ERR_BIND_FAILED. */
export function bindError(error: unknown, local: SocketAddress): Error {
  const address = formatSocketAddress(local)
  const code = codeOf(error)
  if (code === 'EADDRINUSE') {
    return underlayError('ERR_ADDRESS_IN_USE', 'another socket has it', { address }, error)
  }
  if (code === 'EADDRNOTAVAIL') {
    return underlayError('ERR_ADDRESS_NOT_LOCAL', 'not an address of this host', { address }, error)
  }
  const facts = { address, diagnostic: code }
  return nodeUnderlayError('ERR_BIND_FAILED', 'the system refused the socket', facts, error)
}

/** The operating system's code of an error, like EADDRINUSE; the error's text when it has none. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : String(error)
}

/** The other side; an interface zone (`fe80::1%eth0`) is no part of an address. */
export function remoteOf(address: string, port: number): SocketAddress {
  const zone = address.indexOf('%')
  return { ip: parseIp(zone < 0 ? address : address.slice(0, zone)), port }
}
