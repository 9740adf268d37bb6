/** Bytes as a big-endian number in base 36, the digits of Docker's IDs and tokens. */

/** Lowercase digits 0-9a-z, padded with `0` on the left to `width`; longer when it does not fit. */
export function base36(bytes: Uint8Array, width: number): string {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value.toString(36).padStart(width, '0')
}
