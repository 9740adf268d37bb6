/** One TCP connection as a ByteStream. */
import type { Socket } from 'node:net'
import type { ByteStream, SocketAddress, StreamHandler } from '@weft/core'
import { codeOf } from './socket-errors.ts'

/** What a stream needs from what opened it. */
export interface NodeStreamOptions {
  readonly remote: SocketAddress
  /** How long a closed stream may take to deliver what was written. */
  readonly lingerMs: number
  /** Hears the operating system's code when the stream breaks. */
  readonly onFailure: (code: string) => void
  /** Called when the stream was closed and what was written has yet to be delivered. */
  readonly onLinger: (stream: NodeStream) => void
}

/** A connection; without a socket it is one that could not be made. */
export class NodeStream implements ByteStream {
  readonly remote: SocketAddress
  readonly #socket: Socket | null
  readonly #options: NodeStreamOptions
  /** Null until attached, and once nothing more is told. */
  #handler: StreamHandler | null = null
  #isClosed = false
  #hasWritten = false

  constructor(socket: Socket | null, options: NodeStreamOptions) {
    this.remote = options.remote
    this.#socket = socket
    this.#options = options
  }

  /** Tell what happens to this handler, from the next turn on. */
  attach(handler: StreamHandler): void {
    // Who accepts a stream may have closed it before there was a handler.
    if (!this.#isClosed) this.#handler = handler
    const socket = this.#socket
    if (socket === null) {
      queueMicrotask(() => this.#end(false))
      return
    }
    socket.on('data', (data) => this.#receive(data))
    socket.on('end', () => this.#end(true))
    socket.on('error', (error) => {
      this.#options.onFailure(codeOf(error))
      this.#end(false)
    })
    socket.on('close', () => this.#end(false))
  }

  write(bytes: Uint8Array): void {
    const socket = this.#socket
    if (this.#isClosed || socket === null || socket.destroyed) return
    this.#hasWritten = true
    socket.write(bytes)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handler = null
    if (this.#socket !== null) this.#shut(this.#socket)
  }

  /** Close, and do not wait for the other side to end. */
  finish(): void {
    this.close()
    this.#socket?.destroySoon()
  }

  /** End at once, whatever has yet to be delivered. */
  cut(): void {
    this.#socket?.destroy()
  }

  #receive(data: Uint8Array | string): void {
    // Text comes from sockets with an encoding, which this one has not.
    if (typeof data === 'string') return
    // A Uint8Array proper: a Buffer's `slice` would share memory where a copy is expected.
    this.#handler?.onBytes(new Uint8Array(data.buffer, data.byteOffset, data.length))
  }

  #end(clean: boolean): void {
    const handler = this.#handler
    this.#handler = null
    handler?.onEnd(clean)
  }

  /**
   * End our side. A socket that is destroyed with bytes unread resets the connection, and the other
   * side may lose what was written last: so go on reading until it ends as well. But not for ever,
   * or a reader that stopped reading would keep our bytes here.
   */
  #shut(socket: Socket): void {
    if (!this.#hasWritten) {
      socket.destroy()
      return
    }
    socket.end()
    const timer = setTimeout(() => socket.destroy(), this.#options.lingerMs)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
    this.#options.onLinger(this)
  }
}
