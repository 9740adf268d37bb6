/** The laws every codec obeys, as data, so that mutants can be put before them too. */
import { fromHex, toHex } from '@weft/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HeaderCodec, WireFault } from '../src/index.ts'

/** What the laws need to know about a codec. */
export interface CodecSubject<Header> {
  readonly codec: HeaderCodec<Header>
  /** Valid headers of every shape. */
  readonly headers: fc.Arbitrary<Header>
  /** Bytes that must follow the header for its length fields to hold; none unless given. */
  readonly behind?: (header: Header) => number
  /** Windows shorter than this are `short`; header and what is behind it, unless given. */
  readonly shortBelow?: (header: Header) => number
  /** Bytes that somebody else wrote, and what they mean. */
  readonly samples: readonly { readonly hex: string; readonly header: Header }[]
  /** Bytes to refuse, and why; `repaired` ones have their checksum made right first. */
  readonly refusals: readonly Refusal[]
  /** Make changed bytes consistent again, so that they get past the checksum. */
  readonly repair?: (bytes: Uint8Array, start: number, end: number) => void
  /** Law 7: whether a checksum over these bytes holds. Formats without one leave it out. */
  readonly verify?: (bytes: Uint8Array, start: number, end: number) => boolean
}

/** Bytes to refuse. */
export interface Refusal {
  readonly hex: string
  readonly fault: WireFault
  readonly repaired?: true
}

/** A law, ready to be run: it throws when it is broken. */
export interface Law {
  readonly name: string
  run(): void
}

const OFFSET_MAX = 9
const offsets = fc.nat({ max: OFFSET_MAX })
const dirt = fc.uint8Array({ minLength: 64, maxLength: 64 })

/** A buffer full of dirt, `before` bytes in front of and some behind a gap of `length`. */
function dirtyBuffer(pattern: Uint8Array, before: number, length: number): Uint8Array {
  const bytes = new Uint8Array(before + length + OFFSET_MAX)
  for (let i = 0; i < bytes.length; i++) bytes[i] = pattern[i % pattern.length] ?? 0
  return bytes
}

interface Written {
  readonly bytes: Uint8Array
  readonly start: number
  /** Behind the header. */
  readonly headerEnd: number
  /** Behind the bytes that must follow it. */
  readonly end: number
}

/** All runs of a law draw a header, an offset and dirt, and write the one into the others. */
function written<Header>(
  subject: CodecSubject<Header>,
  law: (header: Header, at: Written, pattern: Uint8Array) => void,
): void {
  const { codec, headers, behind } = subject
  const property = fc.property(headers, offsets, dirt, (header, start, pattern) => {
    const length = codec.lengthOf(header)
    const total = length + (behind?.(header) ?? 0)
    const bytes = dirtyBuffer(pattern, start, total)
    codec.write(bytes, start, header)
    law(header, { bytes, start, headerEnd: start + length, end: start + total }, pattern)
  })
  fc.assert(property, { numRuns: 200 })
}

function readsBack<Header>(subject: CodecSubject<Header>): void {
  const { codec } = subject
  written(subject, (header, { bytes, start, headerEnd, end }) => {
    expect(codec.check(bytes, start, end)).toBe(null)
    expect(codec.payloadStart(bytes, start, end)).toBe(headerEnd)
    expect(codec.decode(bytes, start, end)).toEqual(header)
    expect(codec.describe(header)).toMatch(/^[^\n]{4,}$/)
  })
}

function staysInside<Header>(subject: CodecSubject<Header>): void {
  written(subject, (_header, { bytes, start, headerEnd, end }, pattern) => {
    const before = dirtyBuffer(pattern, start, end - start)
    expect(toHex(bytes.subarray(0, start))).toBe(toHex(before.subarray(0, start)))
    expect(toHex(bytes.subarray(headerEnd))).toBe(toHex(before.subarray(headerEnd)))
  })
}

function fillsAll<Header>(subject: CodecSubject<Header>): void {
  const { codec } = subject
  written(subject, (header, { bytes, start, headerEnd }) => {
    const length = headerEnd - start
    for (const fill of [0x00, 0xff, 0xa5]) {
      const other = new Uint8Array(length).fill(fill)
      codec.write(other, 0, header)
      expect(toHex(other)).toBe(toHex(bytes.subarray(start, headerEnd)))
    }
  })
}

function prefixesAreShort<Header>(subject: CodecSubject<Header>): void {
  const { codec, shortBelow } = subject
  written(subject, (header, { bytes, start, end }) => {
    const below = shortBelow === undefined ? end - start : shortBelow(header)
    for (let length = 0; length < below; length++) {
      expect(codec.check(bytes, start, start + length)).toBe('short')
      // The same when nothing at all stands behind the window.
      const cut = bytes.slice(0, start + length)
      expect(codec.check(cut, start, cut.length)).toBe('short')
      expect(codec.check(cut, start, end)).not.toBe(null)
    }
  })
}

/** Windows worth trying: valid ones with a few bytes changed or cut, and plain noise. */
function windows<Header>(subject: CodecSubject<Header>): fc.Arbitrary<Uint8Array> {
  const { codec, headers, behind, repair } = subject
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }))
  const changes = fc.array(change, { maxLength: 4 })
  const nearly = fc.tuple(headers, changes, fc.nat({ max: 12 }), fc.boolean())
  const changed = nearly.map(([header, edits, cut, repaired]) => {
    const bytes = new Uint8Array(codec.lengthOf(header) + (behind?.(header) ?? 0))
    codec.write(bytes, 0, header)
    for (const [at, value] of edits) bytes[at % bytes.length] = value
    const window = cut > 4 ? bytes : bytes.slice(0, Math.max(0, bytes.length - cut))
    if (repaired && window.length >= codec.headerLength) repair?.(window, 0, window.length)
    return window
  })
  return fc.oneof(changed, changed, fc.uint8Array({ maxLength: 96 }))
}

/** What a codec says about a window. */
function verdict<Header>(codec: HeaderCodec<Header>, bytes: Uint8Array, span: [number, number]) {
  const [start, end] = span
  const fault = codec.check(bytes, start, end)
  if (fault !== null) return { fault }
  const header = codec.decode(bytes, start, end)
  const length = codec.payloadStart(bytes, start, end) - start
  expect(length).toBeLessThanOrEqual(end - start)
  return { header, length, text: codec.describe(header) }
}

function isTotal<Header>(subject: CodecSubject<Header>): void {
  const { codec } = subject
  const property = fc.property(windows(subject), offsets, dirt, (window, start, pattern) => {
    const end = start + window.length
    const bytes = dirtyBuffer(pattern, start, window.length)
    bytes.set(window, start)
    const inverse = dirtyBuffer(pattern.map((byte) => ~byte), start, window.length)
    inverse.set(window, start)
    const here = verdict(codec, bytes, [start, end])
    expect(verdict(codec, inverse, [start, end])).toEqual(here)
    expect(verdict(codec, window, [0, window.length])).toEqual(here)
    expect(codec.check(bytes, -1, end)).not.toBe(null)
    expect(codec.check(bytes, start, bytes.length + 1)).not.toBe(null)
    expect(codec.check(bytes, end, start - 1)).not.toBe(null)
  })
  fc.assert(property, { numRuns: 500 })
}

function losesNothing<Header>(subject: CodecSubject<Header>): void {
  const { codec } = subject
  const property = fc.property(windows(subject), (window) => {
    if (codec.check(window, 0, window.length) !== null) return
    const header = codec.decode(window, 0, window.length)
    const again = new Uint8Array(codec.payloadStart(window, 0, window.length)).fill(0xa5)
    expect(codec.lengthOf(header)).toBe(again.length)
    codec.write(again, 0, header)
    expect(toHex(again)).toBe(toHex(window.subarray(0, again.length)))
  })
  fc.assert(property, { numRuns: 500 })
}

/** Bytes from hexadecimal, with room for the payload that a length field promises. */
function bytesOf(hex: string, behind = 0): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes === null) throw new Error(`not hexadecimal: ${hex}`)
  const padded = new Uint8Array(bytes.length + behind)
  padded.set(bytes)
  return padded
}

function recordsHold<Header>(subject: CodecSubject<Header>): void {
  const { codec, samples, refusals, behind, repair } = subject
  expect(samples.length).toBeGreaterThan(0)
  for (const { hex, header } of samples) {
    const bytes = bytesOf(hex, behind?.(header))
    expect(codec.check(bytes, 0, bytes.length)).toBe(null)
    expect(codec.decode(bytes, 0, bytes.length)).toEqual(header)
    const again = new Uint8Array(codec.lengthOf(header)).fill(0xa5)
    codec.write(again, 0, header)
    expect(toHex(again)).toBe(hex)
  }
  for (const { hex, fault, repaired } of refusals) {
    const bytes = bytesOf(hex)
    if (repaired === true) repair?.(bytes, 0, bytes.length)
    expect(codec.check(bytes, 0, bytes.length), hex).toBe(fault)
  }
}

function noticesFlips<Header>(
  subject: CodecSubject<Header>,
  verify: NonNullable<CodecSubject<Header>['verify']>,
): void {
  written(subject, (_header, { bytes, start, headerEnd }) => {
    expect(verify(bytes, start, headerEnd)).toBe(true)
    for (let bit = 8 * start; bit < 8 * headerEnd; bit++) {
      const [at, mask] = [bit >>> 3, 1 << (bit & 7)]
      bytes[at] = (bytes[at] ?? 0) ^ mask
      expect(verify(bytes, start, headerEnd), `bit ${bit - 8 * start}`).toBe(false)
      bytes[at] = (bytes[at] ?? 0) ^ mask
    }
  })
}

/** All laws for one codec. */
export function codecLaws<Header>(subject: CodecSubject<Header>): readonly Law[] {
  const { verify } = subject
  const laws = new Map<string, () => void>([
    ['1: it reads back what it wrote, in dirty buffers, at any offset', () => readsBack(subject)],
    ['2: it writes only inside its own header', () => staysInside(subject)],
    ['3: it writes the same bytes whatever was there before', () => fillsAll(subject)],
    ['4: every strict prefix of a valid header is short', () => prefixesAreShort(subject)],
    ['5: check is total, decode after it reads the window only', () => isTotal(subject)],
    ['6: recorded bytes decode to the recorded header and back', () => recordsHold(subject)],
  ])
  if (verify !== undefined) {
    laws.set('7: every single-bit flip is noticed', () => noticesFlips(subject, verify))
  }
  laws.set('8: what check accepts is written back without loss', () => losesNothing(subject))
  return [...laws].map(([name, run]) => ({ name, run }))
}

/** Put a codec under the laws. */
export function describeCodecLaws<Header>(subject: CodecSubject<Header>): void {
  describe(`${subject.codec.name} obeys the codec laws`, () => {
    for (const law of codecLaws(subject)) it(law.name, () => law.run())
  })
}
