/** Datagrams as a port: what carries tunnels and gossip between nodes. */
import { defineErrors, type ErrorFactory } from './errors.ts'
import type { SocketAddress } from './socket-address.ts'

/** Called for each datagram; `bytes` is the callee's to keep. */
export type DatagramListener = (bytes: Uint8Array, from: SocketAddress) => void

/** A bound socket. */
export interface DatagramSocket extends AsyncDisposable {
  readonly local: SocketAddress
  /**
   * Send or drop, as datagrams do: never throws for what happens on the way, nor on a closed
   * socket, which drops. Copies `bytes`.
   */
  send(bytes: Uint8Array, to: SocketAddress): void
  close(): Promise<void>
}

/** The network under the overlay. */
export interface Underlay {
  /** Bind a socket. Port 0 picks a free one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL. */
  bind(local: SocketAddress, onDatagram: DatagramListener): Promise<DatagramSocket>
}

/** Errors of binding a socket. */
export type UnderlayErrors = {
  ERR_ADDRESS_IN_USE: { readonly address: string }
  ERR_ADDRESS_NOT_LOCAL: { readonly address: string }
}

/** Makes the errors of binding a socket. */
export const underlayError: ErrorFactory<UnderlayErrors> = defineErrors<UnderlayErrors>()
