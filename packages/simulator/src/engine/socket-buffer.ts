/** What waits for a blocked process: datagrams as far as there is room, and streams. */

/** Linux's default for net.core.rmem_default, in bytes: what a socket holds. */
export const SOCKET_BUFFER_BYTES_MAX = 212_992

/** What the kernel counts for a datagram beside its bytes: sk_buff and skb_shared_info. */
export const DATAGRAM_KERNEL_BYTES = 576

/** In the order in which it came. */
export class SocketBuffer {
  #waiting: (() => void)[] = []
  #bytes = 0

  /** A datagram of this length; false when there is no room. */
  holdDatagram(length: number, take: () => void): boolean {
    const bytes = length + DATAGRAM_KERNEL_BYTES
    if (this.#bytes + bytes > SOCKET_BUFFER_BYTES_MAX) return false
    this.#bytes += bytes
    this.#waiting.push(take)
    return true
  }

  /** Something of a stream: flow control keeps these bounded, not this buffer. */
  holdStream(take: () => void): void {
    this.#waiting.push(take)
  }

  /** Everything that waited. */
  take(): readonly (() => void)[] {
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    return waiting
  }
}
