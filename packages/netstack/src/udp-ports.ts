/** Which socket has which port. */
import { underlayError, type Random } from '@weft/core'
import type { QuotedPacket } from './icmp-error.ts'
import type { Outlet } from './outlet.ts'
import type { ReceiveDrop } from './stack-counters.ts'
import { stackError, type Unreachable } from './stack-errors.ts'
import { BoundSocket, checkPort, type UdpMessage, type UdpSocket } from './udp-socket.ts'

/** Sockets of one stack. */
export const SOCKETS_MAX = 1024

/** Ports that are given to sockets that ask for none in particular: RFC 6335 §6. */
const EPHEMERAL_PORT_MIN = 49_152
const EPHEMERAL_PORT_COUNT = 16_384

/** The sockets of a stack. */
export class UdpPorts {
  readonly #outlet: Outlet
  readonly #random: Random
  readonly #sockets = new Map<number, BoundSocket>()

  constructor(outlet: Outlet, random: Random) {
    this.#outlet = outlet
    this.#random = random.fork('ports')
  }

  /** Throws ERR_ADDRESS_IN_USE, ERR_TOO_MANY, ERR_INVALID_VALUE. */
  bind(wanted: number | undefined): UdpSocket {
    if (this.#sockets.size >= SOCKETS_MAX) {
      const details = { what: 'sockets', max: SOCKETS_MAX } as const
      throw stackError('ERR_TOO_MANY', 'too many sockets are bound', details)
    }
    if (wanted !== undefined) checkPort(wanted)
    const port = wanted ?? this.#freePort()
    if (this.#sockets.has(port)) {
      const details = { address: `port ${port}` }
      throw underlayError('ERR_ADDRESS_IN_USE', 'the port is in use', details)
    }
    const socket = new BoundSocket(port, this.#outlet, () => void this.#sockets.delete(port))
    this.#sockets.set(port, socket)
    return socket
  }

  /** A datagram came for a port. */
  received(port: number, message: UdpMessage): ReceiveDrop | null {
    const socket = this.#sockets.get(port)
    return socket === undefined ? 'no-socket' : socket.received(message)
  }

  /** A datagram did not arrive. */
  failed({ words }: QuotedPacket, what: Unreachable): ReceiveDrop | null {
    const [sourcePort, port] = words
    const socket = this.#sockets.get(sourcePort)
    if (socket === undefined) return 'unexpected'
    socket.undelivered({ ...what, port })
    return null
  }

  /** The stack ends. */
  close(): void {
    for (const socket of [...this.#sockets.values()]) socket[Symbol.dispose]()
  }

  /** There are more such ports than sockets, so that one is found. */
  #freePort(): number {
    let offset = this.#random.below(EPHEMERAL_PORT_COUNT)
    while (this.#sockets.has(EPHEMERAL_PORT_MIN + offset)) {
      offset = (offset + 1) % EPHEMERAL_PORT_COUNT
    }
    return EPHEMERAL_PORT_MIN + offset
  }
}
