/** A program's UDP socket: datagrams out by call, in by iteration. */
import {
  Emitter,
  PORT_MAX,
  valueError,
  type Cancellable,
  type EventSource,
  type Ip,
  type SocketAddress,
} from '@weft/core'
import { udp, udpFrame } from '@weft/wire'
import type { Outlet } from './outlet.ts'
import type { ReceiveDrop } from './stack-counters.ts'
import { stackError, type Unreachable } from './stack-errors.ts'

/** Datagrams that a socket holds for its reader; beyond them new ones are dropped. */
export const UDP_QUEUE_LENGTH_MAX = 256

/** A datagram that came. */
export interface UdpMessage {
  readonly from: SocketAddress
  /** Which address of ours it was sent to. */
  readonly to: Ip
  readonly bytes: Uint8Array
}

/** A datagram of ours that did not arrive. */
export type UndeliveredDatagram = Unreachable & { readonly port: number }

/** What a socket announces. */
export type UdpSocketEvents = {
  /** It was sent, and then something on the way, or nobody there, had no place for it. */
  unreachable: UndeliveredDatagram
}

/** Bound to a port on all addresses of the stack. Disposing closes it. */
export interface UdpSocket extends Disposable {
  readonly port: number
  readonly events: EventSource<UdpSocketEvents>
  /**
   * Send or drop, as datagrams do, and never cut in fragments. Copies `bytes`. Throws ERR_NO_ROUTE,
   * ERR_MESSAGE_TOO_LONG, ERR_CLOSED, and ERR_INVALID_VALUE for port 0.
   */
  send(to: SocketAddress, bytes: Uint8Array): void
  /**
   * Datagrams as they come, each to one reader. Ends when the socket is closed; throws the
   * signal's reason.
   */
  messages(options?: Cancellable): AsyncIterable<UdpMessage>
}

/** The socket as its stack has it. */
export class BoundSocket implements UdpSocket {
  readonly port: number
  readonly #outlet: Outlet
  readonly #release: () => void
  readonly #events = new Emitter<UdpSocketEvents>()
  readonly #queue: UdpMessage[] = []
  #wakened = Promise.withResolvers<void>()
  #isClosed = false

  constructor(port: number, outlet: Outlet, release: () => void) {
    this.port = port
    this.#outlet = outlet
    this.#release = release
  }

  get events(): EventSource<UdpSocketEvents> {
    return this.#events
  }

  send(to: SocketAddress, bytes: Uint8Array): void {
    if (this.#isClosed) {
      throw stackError('ERR_CLOSED', 'the socket was closed', { what: 'socket' })
    }
    checkPort(to.port)
    const way = this.#outlet.wayFor(to.ip, udp.headerLength, bytes.length)
    const ports = { sourcePort: this.port, destinationPort: to.port }
    this.#outlet.transmit(way, udpFrame(way.envelope, { ...ports, payload: bytes }))
  }

  async *messages({ signal }: Cancellable = {}): AsyncGenerator<UdpMessage, void, undefined> {
    const wake = (): void => this.#wake()
    signal?.addEventListener('abort', wake)
    try {
      for (;;) {
        if (signal?.aborted === true) throw signal.reason
        const message = this.#queue.shift()
        if (message !== undefined) yield message
        else if (this.#isClosed) return
        else await this.#wakened.promise
      }
    } finally {
      signal?.removeEventListener('abort', wake)
    }
  }

  /** A datagram for this port. */
  received(message: UdpMessage): ReceiveDrop | null {
    if (this.#queue.length >= UDP_QUEUE_LENGTH_MAX) return 'socket-full'
    this.#queue.push(message)
    this.#wake()
    return null
  }

  /** A datagram from this port did not arrive. */
  undelivered(what: UndeliveredDatagram): void {
    this.#events.emit('unreachable', what)
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#queue.length = 0
    this.#release()
    this.#wake()
  }

  #wake(): void {
    const { resolve } = this.#wakened
    this.#wakened = Promise.withResolvers<void>()
    resolve()
  }
}

/** Throws ERR_INVALID_VALUE. */
export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= PORT_MAX) return
  const details = { kind: 'port', text: String(port), expected: `1 to ${PORT_MAX}` }
  throw valueError('ERR_INVALID_VALUE', 'not a port', details)
}
