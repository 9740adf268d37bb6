/** The receiving end of a security association: opens packets where they stand. */
import { assert, type Cipher } from '@weft/core'
import type { EspFault } from './esp-fault.ts'
import {
  CipherInputs,
  ESP_DUMMY,
  ESP_HEADER_BYTES,
  ESP_TRAILER_BYTES,
  payloadEndOf,
  signedAt,
  type AssociationLayout,
} from './esp-layout.ts'
import { ReplayWindow, type ReplayFault } from './replay-window.ts'
import { RunWindows } from './run-windows.ts'
import { lowHalf } from './sequence-number.ts'

/** What a receiving end needs to be told. */
export interface InboundOptions extends AssociationLayout {
  /**
   * Packets within which order may change, REPLAY_WINDOW_PACKETS_MIN to REPLAY_WINDOW_PACKETS_MAX.
   * 0: whatever is authentic is received, as by Docker; extended numbers need a window.
   */
  readonly replayWindowPackets: number
  /**
   * True where the peer may begin with sequence number 1 again without a word: each of its runs
   * has a window (see RunWindows). Not for extended numbers.
   */
  readonly windowPerRun: boolean
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
  readonly #runs: RunWindows | null

  constructor(options: InboundOptions, cipher: Cipher) {
    this.spi = options.spi
    this.#cipher = cipher
    this.#inputs = new CipherInputs(options)
    this.#protocol = options.protocol
    this.#extended = options.extendedSequence
    const packets = options.replayWindowPackets
    const isNone = packets === 0 && !this.#extended
    assert(!this.#extended || !options.windowPerRun, 'extended numbers have one window')
    this.#window = isNone || options.windowPerRun ? null : new ReplayWindow(packets)
    this.#runs = isNone || !options.windowPerRun ? null : new RunWindows(packets)
  }

  /**
   * Open the packet in the window, which carries the association's SPI. What was sealed begins
   * ESP_HEADER_BYTES behind `start` and ends at the number that is returned.
   */
  open(bytes: Uint8Array, start: number, end: number): number | OpenFault {
    const sealedAt = start + ESP_HEADER_BYTES
    const tagAt = end - this.#cipher.suite.tagBytes
    if (tagAt - sealedAt < ESP_TRAILER_BYTES) return 'short'
    const sent = signedAt(bytes, start + 4)
    const low = lowHalf(sent)
    const sequence = this.#extended ? (this.#window?.extend(low) ?? -1) : low
    if (sequence < 0) return 'late'
    const maskHigh = signedAt(bytes, start + 8)
    const maskLow = signedAt(bytes, start + 12) ^ sent
    const refusal = this.#refusal(sequence, maskHigh, maskLow)
    if (refusal !== null) return refusal
    const { nonce, associated } = this.#inputs
    this.#inputs.load(sequence, bytes, start + 8)
    if (!this.#cipher.open(bytes, sealedAt, end, nonce, associated)) return 'bad-icv'
    this.#window?.accept(sequence)
    this.#runs?.accept(sequence, maskHigh, maskLow)
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

  #refusal(sequence: number, maskHigh: number, maskLow: number): ReplayFault | null {
    if (this.#runs !== null) return this.#runs.refusal(sequence, maskHigh, maskLow)
    return this.#window?.refusal(sequence) ?? null
  }
}
