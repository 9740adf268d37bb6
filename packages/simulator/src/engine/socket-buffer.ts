/** What waits while a process or its network stands still, in both directions. */
import type { GossipOutput } from '@weft/gossip'

/** Linux's default for net.core.rmem_default, in bytes: what a socket holds. */
export const SOCKET_BUFFER_BYTES_MAX = 212_992

/** What the kernel counts for a datagram beside its bytes: sk_buff and skb_shared_info. */
export const DATAGRAM_KERNEL_BYTES = 576

/** In the order in which it came. */
export class SocketBuffer {
  #waiting: (() => void)[] = []
  #outputs: GossipOutput[] = []
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

  /** What the process wanted while its network stood still. */
  holdOutputs(outputs: readonly GossipOutput[]): void {
    this.#outputs.push(...outputs)
  }

  /** All that it wanted. */
  takeOutputs(): readonly GossipOutput[] {
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  /** Everything that waited to be heard. */
  take(): readonly (() => void)[] {
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    return waiting
  }
}
