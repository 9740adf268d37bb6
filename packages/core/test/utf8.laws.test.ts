/** Our UTF-8 against the platform's, which the package itself may not use. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Bytes, utf8Text } from '../src/utf8.ts'
import { fromHex } from '../src/bytes.ts'

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0)
const read = (bytes: Uint8Array): string => utf8Text(bytes, 0, bytes.length)

describe('UTF-8', () => {
  it('writes what TextEncoder writes, lone surrogates too', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary-ascii' }))
    fc.assert(
      fc.property(texts, (text) => {
        expect(utf8Bytes(text)).toEqual(new Uint8Array(new TextEncoder().encode(text)))
      }),
    )
    expect(utf8Bytes('a\ud800b')).toEqual(hex('61efbfbd62'))
  })

  it('reads well-formed bytes as TextDecoder does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = new TextEncoder().encode(text)
        expect(read(bytes)).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
      }),
    )
  })

  it.each(['c080', 'e08080', 'eda080', 'f08080', 'f4908080', 'ff', 'c3', '80', 'e282'])(
    'replaces %s, which is not UTF-8, and goes on',
    (text) => {
      const shown = read(hex(`${text}41`))
      expect(shown).toMatch(/^\ufffd+A$/)
    },
  )

  it('never throws, and never makes half a surrogate pair', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(read(bytes).isWellFormed()).toBe(true)
      }),
    )
  })
})
