/** An underlay that knows how many of its sockets are open, so that a leak has a number. */
import type { DatagramListener, DatagramSocket, SocketAddress, Underlay } from '@weft/core'

/** Passes everything on to the underlay it was made from. */
export class CountedUnderlay implements Underlay {
  readonly #underlay: Underlay
  readonly #open = new Set<DatagramSocket>()

  constructor(underlay: Underlay) {
    this.#underlay = underlay
  }

  get openSockets(): number {
    return this.#open.size
  }

  async bind(local: SocketAddress, onDatagram: DatagramListener): Promise<DatagramSocket> {
    const socket = await this.#underlay.bind(local, onDatagram)
    const close = async (): Promise<void> => {
      this.#open.delete(counted)
      await socket.close()
    }
    const counted: DatagramSocket = {
      local: socket.local,
      send: (bytes, to) => socket.send(bytes, to),
      close,
      [Symbol.asyncDispose]: close,
    }
    this.#open.add(counted)
    return counted
  }
}
