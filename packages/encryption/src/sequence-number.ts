/** Sequence numbers of ESP: whole inside, 32 bits on the wire (RFC 4303 §2.2). */

/** The last sequence number without extension: the next one would be the first again. */
export const SEQUENCE_MAX = 0xffff_ffff

/** The last extended one that is kept exactly: 28 years at ten million packets a second. */
export const EXTENDED_SEQUENCE_MAX = Number.MAX_SAFE_INTEGER

/** Numbers that 32 bits tell apart. */
export const SEQUENCE_SPACE = 2 ** 32

/** The half that is on the wire. */
export function lowHalf(sequence: number): number {
  return sequence >>> 0
}

/** The half that is not, and that an extended number authenticates all the same. */
export function highHalf(sequence: number): number {
  return sequence < SEQUENCE_SPACE ? 0 : Math.floor(sequence / SEQUENCE_SPACE)
}
