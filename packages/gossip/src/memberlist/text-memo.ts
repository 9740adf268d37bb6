/** Texts that come again and again, kept once. */
import { u8 } from '@weft/core'

/** Texts remembered at most; a power of two. */
export const TEXT_MEMO_SLOTS = 4096

/**
 * Gives the same string for the same ASCII bytes, most of the time. Names of nodes, networks and
 * tables stand in every event: without this each row would keep copies of its own. What two texts
 * that fall on one slot cost is time only; the network cannot make it grow.
 */
export class TextMemo {
  readonly #slots: string[] = new Array<string>(TEXT_MEMO_SLOTS).fill('')

  /** The text of the bytes from `start` to `end`, or null when they are not all ASCII. */
  ascii(bytes: Uint8Array, start: number, end: number): string | null {
    let hash = end - start
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + u8(bytes, i)) | 0
    const slot = (hash ^ (hash >>> 15)) & (TEXT_MEMO_SLOTS - 1)
    const known = this.#slots[slot] ?? ''
    if (isTextOf(known, bytes, { start, end })) return known
    const text = asciiText(bytes, start, end)
    if (text !== null) this.#slots[slot] = text
    return text
  }
}

/** The text of the bytes from `start` to `end`, or null when they are not all ASCII. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string | null {
  const codes = new Array<number>(end - start)
  for (let i = start; i < end; i++) {
    const code = u8(bytes, i)
    if (code > 0x7f) return null
    codes[i - start] = code
  }
  return String.fromCharCode.apply(null, codes)
}

function isTextOf(
  text: string,
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): boolean {
  if (text.length !== end - start) return false
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== u8(bytes, start + i)) return false
  }
  return true
}
