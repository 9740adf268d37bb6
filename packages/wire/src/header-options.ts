/** The option list that IPv4 (RFC 791 §3.1) and TCP (RFC 9293 §3.1) share: kind, length, body. */
import { assert, setU8, u8 } from '@weft/core'
import type { WireFault } from './header-codec.ts'

/** Ends the list; bytes behind it are padding. */
export const OPTION_END = 0
/** A single byte that means nothing. */
export const OPTION_NO_OPERATION = 1

const WORD_BYTES = 4

/**
 * One option as it stands in the header. For OPTION_END the body is the padding behind it, and an
 * end that only pads the list to whole words with zeros is not listed at all.
 */
export interface HeaderOption {
  readonly type: number
  /** The bytes behind kind and length. */
  readonly body: Uint8Array
}

/** The fault of an option list, or null. Never reads at or beyond `end`. */
export function checkHeaderOptions(
  bytes: Uint8Array,
  start: number,
  end: number,
): WireFault | null {
  let at = start
  while (at < end) {
    const type = u8(bytes, at)
    if (type === OPTION_END) return null
    if (type === OPTION_NO_OPERATION) at++
    else if (at + 1 >= end) return 'bad-option'
    else {
      const length = u8(bytes, at + 1)
      if (length < 2 || at + length > end) return 'bad-option'
      at += length
    }
  }
  return null
}

/** The options of a list that was checked. */
export function readHeaderOptions(bytes: Uint8Array, start: number, end: number): HeaderOption[] {
  const options: HeaderOption[] = []
  let at = start
  while (at < end) {
    const type = u8(bytes, at)
    if (type === OPTION_END) {
      const padding = bytes.slice(at + 1, end)
      const implied = padding.length + 1 < WORD_BYTES && padding.every((byte) => byte === 0)
      if (!implied) options.push({ type, body: padding })
      return options
    }
    const length = type === OPTION_NO_OPERATION ? 1 : u8(bytes, at + 1)
    options.push({ type, body: bytes.slice(at + Math.min(length, 2), at + length) })
    at += length
  }
  return options
}

function optionLength(option: HeaderOption): number {
  return option.type <= OPTION_NO_OPERATION ? 1 + option.body.length : 2 + option.body.length
}

/** Bytes the list fills, padded to whole words. */
export function headerOptionsLength(options: readonly HeaderOption[]): number {
  let length = 0
  for (const option of options) length += optionLength(option)
  return Math.ceil(length / WORD_BYTES) * WORD_BYTES
}

/** Write the list and its padding; returns where it ends. */
export function writeHeaderOptions(
  bytes: Uint8Array,
  start: number,
  options: readonly HeaderOption[],
): number {
  const end = start + headerOptionsLength(options)
  let at = start
  for (const option of options) {
    const bodiless = option.type === OPTION_NO_OPERATION
    assert(!bodiless || option.body.length === 0, 'no-operation is a single byte')
    setU8(bytes, at, option.type)
    if (option.type > OPTION_NO_OPERATION) setU8(bytes, at + 1, optionLength(option))
    at += optionLength(option)
    bytes.set(option.body, at - option.body.length)
  }
  bytes.fill(OPTION_END, at, end)
  return end
}
