/** Indexed access to bytes. Callers have checked the window; reading outside is their bug. */

/** The byte at `at`. */
export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

/** Big-endian 16 bits. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/** Big-endian 24 bits. */
export function u24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | u16(bytes, at + 1)
}

/** Big-endian 32 bits, unsigned. */
export function u32(bytes: Uint8Array, at: number): number {
  return ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0
}

/** Little-endian 16 bits. */
export function u16le(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}

/** Little-endian 32 bits, unsigned. */
export function u32le(bytes: Uint8Array, at: number): number {
  return (u16le(bytes, at) | (u16le(bytes, at + 2) << 16)) >>> 0
}

/** Write one byte. */
export function setU8(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
}

/** Write big-endian 16 bits. */
export function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

/** Write big-endian 24 bits. */
export function setU24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 16
  setU16(bytes, at + 1, value)
}

/** Write big-endian 32 bits. */
export function setU32(bytes: Uint8Array, at: number, value: number): void {
  setU16(bytes, at, value >>> 16)
  setU16(bytes, at + 2, value)
}

/** Write little-endian 16 bits. */
export function setU16le(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

/** Write little-endian 32 bits. */
export function setU32le(bytes: Uint8Array, at: number, value: number): void {
  setU16le(bytes, at, value)
  setU16le(bytes, at + 2, value >>> 16)
}

/** True when both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lower-case hexadecimal, two digits a byte, no separators. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Bytes from hexadecimal; white space is passed over; null when it is not hexadecimal. */
export function fromHex(text: string): Uint8Array | null {
  const digits = text.replace(/\s+/g, '')
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) return null
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
