/** Msgpack as it is written: every header at the edges of its width. */
import { toHex } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { FIELD, FIELD_KEYS, FIELD_KINDS, FIELDS, findField } from '../src/memberlist/field.ts'
import { MsgpackScanner } from '../src/memberlist/msgpack-scanner.ts'
import { MsgpackWriter } from '../src/memberlist/msgpack-writer.ts'

function written(write: (writer: MsgpackWriter) => void): Uint8Array {
  const writer = new MsgpackWriter()
  write(writer)
  return writer.take()
}

describe('what is written', () => {
  it.each([
    [0, '00'],
    [0x7f, '7f'],
    [0x80, 'cc80'],
    [0xff, 'ccff'],
    [0x100, 'cd0100'],
    [0xffff, 'cdffff'],
    [0x1_0000, 'ce00010000'],
    [0xffff_ffff, 'ceffffffff'],
  ])('the number %d in as few bytes as it takes', (number, bytes) => {
    expect(toHex(written((to) => to.uint(number)))).toBe(bytes)
  })

  it.each([
    [1, 'a1'],
    [31, 'bf'],
    [32, 'da0020'],
    [255, 'da00ff'],
    [256, 'da0100'],
    [0xffff, 'daffff'],
    [0x1_0000, 'db00010000'],
  ])('%d bytes, as text and as bytes, in the old raw family', (length, head) => {
    const text = 'x'.repeat(length)
    const bytes = new Uint8Array(length).fill(0x78)
    const raw = written((to) => to.raw(bytes))
    expect(toHex(raw.subarray(0, head.length / 2))).toBe(head)
    expect(raw).toHaveLength(head.length / 2 + length)
    expect(written((to) => to.text(text))).toEqual(raw)
  })

  it('texts by their bytes, not by their characters', () => {
    expect(toHex(written((to) => to.text('\u00e9')))).toBe('a2c3a9')
    expect(toHex(written((to) => to.text('\u00e9'.repeat(16))))).toBe(`da0020${'c3a9'.repeat(16)}`)
    expect(toHex(written((to) => to.text('')))).toBe('a0')
    expect(toHex(written((to) => to.raw(new Uint8Array(0))))).toBe('c0')
  })

  it('messages one after the other, however long', () => {
    const writer = new MsgpackWriter()
    const long = new Uint8Array(100_000).fill(7)
    writer.append(long)
    writer.byte(1)
    expect(writer.take()).toEqual(Uint8Array.of(...long, 1))
    writer.flag(true)
    expect(toHex(writer.take())).toBe('c3')
    expect(writer.take()).toHaveLength(0)
  })
})

describe('fields', () => {
  it('are found by their names, and by nothing else', () => {
    expect([FIELDS, FIELD_KINDS.length, Object.keys(FIELD).length]).toEqual([23, 23, 23])
    for (const [field, key] of FIELD_KEYS.entries()) {
      expect(findField(key, 1, key.length - 1)).toBe(field)
      expect(findField(key, 1, key.length - 2)).not.toBe(field)
      for (let at = 1; at < key.length; at++) {
        const other = key.with(at, (key[at] ?? 0) ^ 0x20)
        expect(findField(other, 1, other.length - 1)).toBe(-1)
      }
    }
    expect(findField(new Uint8Array(300), 0, 300)).toBe(-1)
  })
})

describe('the scanner', () => {
  const value = written((to) => {
    to.map(2)
    to.key(FIELD.seqNo)
    to.uint(70_000)
    to.key(FIELD.payload)
    to.raw(new Uint8Array(300))
  })

  it('finds the end of a value that arrives byte by byte', () => {
    const scanner = new MsgpackScanner()
    scanner.begin(0)
    for (let end = 0; end < value.length; end++) expect(scanner.scan(value, end)).toBe('partial')
    expect(scanner.scan(value, value.length)).toBe('complete')
    expect(scanner.at).toBe(value.length)
  })

  it('looks at a byte once, however small the pieces', () => {
    // 4096 arrays within each other, a byte at a time: a stack, or starting anew, would show.
    const nested = new Uint8Array(4096).fill(0x91)
    const scanner = new MsgpackScanner()
    scanner.begin(0)
    for (let end = 1; end <= nested.length; end++) {
      expect(scanner.scan(nested, end)).toBe('partial')
      expect(scanner.at).toBe(end)
    }
  })
})
