/** Where a received datagram came from, as the engine wants it. */
import type { DatagramReceiver } from '@weft/linux/packets'
import type { UnderlaySource } from './engine/engine-state.ts'

/** IPv4-mapped addresses (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffff

/** One source that is written again for each datagram. */
export class DatagramSource {
  readonly source: UnderlaySource = { word0: 0, word1: 0, word2: 0, word3: 0 }
  readonly #words = new Int32Array(4)

  /** The source of datagram `index` of the last `receive`. */
  read(receiver: DatagramReceiver, index: number): UnderlaySource {
    const from = this.source
    if (receiver.familyOf(index) === 4) {
      from.word0 = 0
      from.word1 = 0
      from.word2 = MAPPED
      from.word3 = receiver.sourceIpOf(index)
      return from
    }
    receiver.copySourceIp6(index, this.#words, 0)
    from.word0 = this.#words[0] as number
    from.word1 = this.#words[1] as number
    from.word2 = this.#words[2] as number
    from.word3 = this.#words[3] as number
    return from
  }
}
