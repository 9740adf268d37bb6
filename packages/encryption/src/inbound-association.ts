/** The receiving end of a security association: opens packets where they stand. */
import { u32, type Cipher } from '@weft/core'
import type { EspFault } from './esp-fault.ts'
import {
  CipherInputs,
  ESP_DUMMY,
  ESP_HEADER_BYTES,
  ESP_TRAILER_BYTES,
  payloadEndOf,
  type AssociationLayout,
} from './esp-layout.ts'
import { ReplayWindow } from './replay-window.ts'

/** What a receiving end needs to be told. */
export interface InboundOptions extends AssociationLayout {
  /**
   * Packets within which order may change, REPLAY_WINDOW_PACKETS_MIN to REPLAY_WINDOW_PACKETS_MAX.
   * 0: whatever is authentic is received, as by Docker; extended numbers need a window.
   */
  readonly replayWindowPackets: number
}

/** What opening a packet can come to, other than a packet. */
export type OpenFault = Exclude<EspFault, 'unknown-spi' | 'no-peer' | 'no-key' | 'exhausted'>

/**
 * Opens packets of one peer under one key, in transport mode. Only what is authentic moves the
 * window (RFC 4303 §3.4.3); what is refused before that leaves no trace, in the packet neither.
 */
export class InboundAssociation {
  readonly spi: number
  readonly #cipher: Cipher
  readonly #inputs: CipherInputs
  readonly #protocol: number
  readonly #extended: boolean
  readonly #window: ReplayWindow | null

  constructor(options: InboundOptions, cipher: Cipher) {
    this.spi = options.spi
    this.#cipher = cipher
    this.#inputs = new CipherInputs(options)
    this.#protocol = options.protocol
    this.#extended = options.extendedSequence
    const packets = options.replayWindowPackets
    this.#window = packets === 0 && !this.#extended ? null : new ReplayWindow(packets)
  }

  /**
   * Open the packet in the window, which carries the association's SPI. What was sealed begins
   * ESP_HEADER_BYTES behind `start` and ends at the number that is returned.
   */
  open(bytes: Uint8Array, start: number, end: number): number | OpenFault {
    const sealedAt = start + ESP_HEADER_BYTES
    const tagAt = end - this.#cipher.suite.tagBytes
    if (tagAt - sealedAt < ESP_TRAILER_BYTES) return 'short'
    const low = u32(bytes, start + 4)
    const sequence = this.#extended ? (this.#window?.extend(low) ?? -1) : low
    if (sequence < 0) return 'late'
    const refusal = this.#window?.refusal(sequence) ?? null
    if (refusal !== null) return refusal
    const { nonce, associated } = this.#inputs
    this.#inputs.load(sequence, bytes, start + 8)
    if (!this.#cipher.open(bytes, sealedAt, end, nonce, associated)) return 'bad-icv'
    this.#window?.accept(sequence)
    const payloadEnd = payloadEndOf(bytes, sealedAt, tagAt)
    if (payloadEnd < 0) return 'bad-padding'
    const protocol = bytes[tagAt - 1]
    if (protocol === this.#protocol) return payloadEnd
    return protocol === ESP_DUMMY ? 'dummy' : 'bad-protocol'
  }

  /** Zero the key. */
  close(): void {
    this.#cipher.close()
  }
}
