/** What every format file offers, and the reasons for which bytes are refused. */

/** Every reason to refuse bytes, in no order that matters; for tables of drop counters. */
export const WIRE_FAULTS = [
  /** The window ends before the header, or before the length the header claims. */
  'short',
  /** A flag that must be set is not. */
  'bad-flags',
  /** The version field names another protocol. */
  'bad-version',
  /** A length field contradicts itself or the header around it. */
  'bad-length',
  /** The checksum over the bytes does not hold. */
  'bad-checksum',
  /** A type field names a format that this codec does not read. */
  'bad-type',
  /** An option runs over the end of the options or claims no length. */
  'bad-option',
  /** More nested tags, extension headers or options than the limit. */
  'too-deep',
] as const

/** Why bytes from the wire were refused. Doubles as the drop-counter key. */
export type WireFault = (typeof WIRE_FAULTS)[number]

/**
 * One header format. `check` guards everything that reads: after it returned null, accessors,
 * `payloadStart` and `decode` read inside the window only. `check` and the accessors allocate
 * nothing. Records that `decode` returns share no memory with the bytes they came from.
 */
export interface HeaderCodec<Header> {
  readonly name: string
  /** Bytes of the smallest header, without options or tags. */
  readonly headerLength: number
  /** The fault that makes these bytes unreadable, or null. Total: any bytes, any window. */
  check(bytes: Uint8Array, start: number, end: number): WireFault | null
  /** Where the header that begins at `start` ends: `end` for formats that fill the window. */
  payloadStart(bytes: Uint8Array, start: number, end: number): number
  /** The header as plain data. */
  decode(bytes: Uint8Array, start: number, end: number): Header
  /** Bytes that `write` will fill for this header. */
  lengthOf(header: Header): number
  /** Fill exactly `lengthOf(header)` bytes from `start`, whatever was there before. */
  write(bytes: Uint8Array, start: number, header: Header): void
  /** One line for people. */
  describe(header: Header): string
}

/** Bytes in a window, or -1 when it is not a window of these bytes: any length check refuses it. */
export function windowLength(bytes: Uint8Array, start: number, end: number): number {
  return start < 0 || end > bytes.length ? -1 : end - start
}

/** What a format adds to the common members: reads of single fields that allocate nothing. */
export type Accessors = { readonly [accessor: string]: unknown }
