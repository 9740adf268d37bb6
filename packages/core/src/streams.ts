/** Byte streams as a port: what carries whatever does not fit a datagram between nodes. */
import type { SocketAddress } from './socket-address.ts'

/** What becomes of a stream, told to its owner. No call comes before the handler is attached. */
export interface StreamHandler {
  /** The next bytes, in order; the callee's to keep. */
  onBytes(bytes: Uint8Array): void
  /**
   * Nothing more comes, said once. `clean`: the other side ended it; otherwise it was refused, was
   * reset or timed out. Not called after `close`.
   */
  onEnd(clean: boolean): void
}

/** One connection. Failures are told by `onEnd(false)`, never thrown. */
export interface ByteStream {
  readonly remote: SocketAddress
  /** Send; kept in memory until the other side takes it. Copies nothing: the bytes are gone. */
  write(bytes: Uint8Array): void
  /** Send what was written, then end. Nothing is told to the handler any more. */
  close(): void
}

/** A listening socket. */
export interface StreamListener extends AsyncDisposable {
  readonly local: SocketAddress
  /** Stop listening and end every stream it accepted. */
  close(): Promise<void>
}

/** The network under the overlay, for streams. */
export interface Streams {
  /**
   * Listen. `accept` is called for each connection and returns its handler. Port 0 picks a free
   * one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL.
   */
  listen(
    local: SocketAddress,
    accept: (stream: ByteStream) => StreamHandler,
  ): Promise<StreamListener>
  /** Connect from the address `from`. Bytes may be written before the other side answers. */
  connect(from: SocketAddress['ip'], to: SocketAddress, handler: StreamHandler): ByteStream
}
