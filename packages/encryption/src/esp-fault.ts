/** Why a packet was neither sealed nor opened. */

/** Every reason, in no order that matters; each is a drop counter too. */
export const ESP_FAULTS = [
  /** The window ends before header, trailer and tag. */
  'short',
  /** No association has this SPI from this source: a key we lack, or a stranger. */
  'unknown-spi',
  /** The sequence number was received already. */
  'replayed',
  /** The sequence number is too old to know. */
  'late',
  /** The tag does not hold: forged, damaged, or sealed with another key. */
  'bad-icv',
  /** Authentic, but the padding is not what a sender must write. */
  'bad-padding',
  /** Authentic, but it carries another protocol than the association is for. */
  'bad-protocol',
  /** Authentic, and meant to be dropped: cover traffic (RFC 4303 §2.6). */
  'dummy',
  /** To be sealed for a peer that nobody announced. */
  'no-peer',
  /** To be sealed while there is no key: it is held back or dropped, never sent in clear. */
  'no-key',
  /** To be sealed behind the last sequence number: another key is needed. */
  'exhausted',
] as const

/** Why a packet was neither sealed nor opened. */
export type EspFault = (typeof ESP_FAULTS)[number]
