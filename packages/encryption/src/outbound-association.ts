/** The sending end of a security association: seals packets where they stand. */
import { assert, setU32, type Cipher, type Entropy } from '@weft/core'
import {
  CipherInputs,
  ESP_HEADER_BYTES,
  ESP_IV_BYTES,
  ESP_TRAILER_BYTES,
  paddingBytes,
  signedAt,
  writePadding,
  type AssociationLayout,
} from './esp-layout.ts'
import { EXTENDED_SEQUENCE_MAX, highHalf, lowHalf, SEQUENCE_MAX } from './sequence-number.ts'

/** What a sending end needs to be told. */
export interface OutboundOptions extends AssociationLayout {
  /** The last sequence number that was used; 0 for one that never sent. */
  readonly sequenceAfter: number
}

/**
 * Seals packets of one peer under one key, in transport mode. The vector of each packet is its
 * sequence number under a mask of 64 random bits, as Linux has it: one key serves all nodes of a
 * cluster (docker-wire §5.1) and outlives our process, so the bare number would come to the same
 * nonce twice, after a restart or where two SPIs agree. The mask also tells a receiver our runs
 * apart (see RunWindows). No sequence number is used twice, whatever is asked.
 */
export class OutboundAssociation {
  readonly spi: number
  /** The sequence number from which on a new key is wanted: three quarters of all. */
  readonly rekeyAt: number
  readonly #cipher: Cipher
  readonly #inputs: CipherInputs
  readonly #protocol: number
  readonly #sequenceMax: number
  #sequence: number
  /** Signed, as `signedAt` says. */
  readonly #maskHigh: number
  readonly #maskLow: number
  readonly #signedSpi: number

  constructor(options: OutboundOptions, cipher: Cipher, entropy: Entropy) {
    this.spi = options.spi
    this.#signedSpi = options.spi | 0
    this.#cipher = cipher
    this.#inputs = new CipherInputs(options)
    this.#protocol = options.protocol
    this.#sequence = options.sequenceAfter
    this.#sequenceMax = options.extendedSequence ? EXTENDED_SEQUENCE_MAX : SEQUENCE_MAX
    this.rekeyAt = 3 * Math.floor(this.#sequenceMax / 4)
    const mask = new Uint8Array(ESP_IV_BYTES)
    entropy.fill(mask)
    this.#maskHigh = signedAt(mask, 0)
    this.#maskLow = signedAt(mask, 4)
  }

  /** The sequence number of the last packet; what a successor must begin behind. */
  get sequence(): number {
    return this.#sequence
  }

  /**
   * Seal the packet in the window, whose protocol is the association's. The sealed one begins
   * ESP_HEADER_BYTES before the window, and ends at the number that is returned: there must be
   * room for both. `exhausted`: nothing was written, and this association will never seal again.
   */
  seal(bytes: Uint8Array, start: number, end: number): number | 'exhausted' {
    if (this.#sequence >= this.#sequenceMax) return 'exhausted'
    const at = start - ESP_HEADER_BYTES
    const padding = paddingBytes(end - start)
    const tagAt = end + padding + ESP_TRAILER_BYTES
    const sealedEnd = tagAt + this.#cipher.suite.tagBytes
    assert(at >= 0 && start <= end && sealedEnd <= bytes.length, 'room to seal a packet')
    this.#sequence++
    setU32(bytes, at, this.#signedSpi)
    setU32(bytes, at + 4, lowHalf(this.#sequence))
    setU32(bytes, at + 8, this.#maskHigh ^ highHalf(this.#sequence))
    setU32(bytes, at + 12, this.#maskLow ^ lowHalf(this.#sequence))
    bytes[writePadding(bytes, end, padding)] = this.#protocol
    const { nonce, associated } = this.#inputs
    this.#inputs.load(this.#sequence, bytes, at + 8)
    this.#cipher.seal(bytes, start, tagAt, nonce, associated)
    return sealedEnd
  }

  /** Zero the key. */
  close(): void {
    this.#cipher.close()
    this.#sequence = this.#sequenceMax
  }
}
