/** UTF-8 (RFC 3629) for the few strings in binary formats; pure packages have no TextEncoder. */
import { setU8, u8 } from './bytes.ts'

const REPLACEMENT = 0xfffd

/** The bytes of a text; half a surrogate pair becomes U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(3 * text.length)
  let at = 0
  for (const character of text) {
    const point = character.codePointAt(0) ?? REPLACEMENT
    const isSurrogate = point >= 0xd800 && point <= 0xdfff
    at = writePoint(bytes, at, isSurrogate ? REPLACEMENT : point)
  }
  return bytes.slice(0, at)
}

function writePoint(bytes: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    setU8(bytes, at, point)
    return at + 1
  }
  const following = point < 0x800 ? 1 : point < 0x1_0000 ? 2 : 3
  const lead = (0xff00 >>> (following + 1)) & 0xff
  setU8(bytes, at, lead | (point >>> (6 * following)))
  for (let i = following - 1, next = at + 1; i >= 0; i--, next++) {
    setU8(bytes, next, 0x80 | ((point >>> (6 * i)) & 0x3f))
  }
  return at + 1 + following
}

/** The text of the bytes from `start` to `end`; what is not UTF-8 becomes U+FFFD. */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let at = start
  while (at < end) {
    const length = sequenceLength(bytes, at, end)
    text += String.fromCodePoint(length === 0 ? REPLACEMENT : readPoint(bytes, at, length))
    at += Math.max(length, 1)
  }
  return text
}

/** Bytes of the well-formed sequence at `at`, or 0: too short, too long, or a surrogate. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = u8(bytes, at)
  if (lead < 0x80) return 1
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  if (lead < 0xc2 || lead > 0xf4 || at + length > end) return 0
  for (let i = 1; i < length; i++) if (u8(bytes, at + i) >>> 6 !== 2) return 0
  const point = readPoint(bytes, at, length)
  const tooSmall = (length === 3 && point < 0x800) || (length === 4 && point < 0x1_0000)
  const isSurrogate = point >= 0xd800 && point <= 0xdfff
  return tooSmall || isSurrogate || point > 0x10_ffff ? 0 : length
}

function readPoint(bytes: Uint8Array, at: number, length: number): number {
  if (length === 1) return u8(bytes, at)
  let point = u8(bytes, at) & (0x7f >>> length)
  for (let i = 1; i < length; i++) point = (point << 6) | (u8(bytes, at + i) & 0x3f)
  return point
}
