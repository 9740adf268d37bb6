/** The ciphers of libcrypto against those of node:crypto. */
import { CIPHER_SUITES, hasCode, type CipherSuite, type CipherSuiteName } from '@weft/core'
import fc from 'fast-check'
import { createCipheriv, type CipherGCMTypes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { libcryptoLack, libcryptoSuite } from '../src/index.ts'

const NAMES = Object.keys(CIPHER_SUITES) as CipherSuiteName[]

function suiteOf(name: CipherSuiteName): CipherSuite {
  const suite = libcryptoSuite(name)
  expect(suite).not.toBeNull()
  return suite as CipherSuite
}

/** What node:crypto makes of a text: the text sealed, and the tag behind it. */
function expected(
  name: CipherSuiteName,
  [key, nonce, associated, text]: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array],
): Uint8Array {
  const algorithm = (name.startsWith('aes') ? 'aes-128-gcm' : name) as CipherGCMTypes
  const { tagBytes } = CIPHER_SUITES[name]
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(associated, { plaintextLength: text.length })
  return Uint8Array.from([...cipher.update(text), ...cipher.final(), ...cipher.getAuthTag()])
}

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

it('is in every Node that this runs on', () => {
  expect(libcryptoLack()).toBeNull()
})

describe.each(NAMES)('%s', (name) => {
  const { keyBytes, tagBytes } = CIPHER_SUITES[name]
  const cases = fc.tuple(
    bytes(keyBytes),
    bytes(12),
    fc.constantFrom(0, 8, 12).chain(bytes),
    fc.uint8Array({ maxLength: 1600 }),
  )

  it('seals what node:crypto seals, in its window only, and opens it', () => {
    const suite = suiteOf(name)
    fc.assert(
      fc.property(cases, fc.nat(70), ([key, nonce, associated, text], before) => {
        const room = new Uint8Array(before + text.length + tagBytes + 5).fill(0xa5)
        room.set(text, before)
        const end = before + text.length
        const cipher = suite.open(key)
        cipher.seal(room, before, end, nonce, associated)
        const sealed = expected(name, [key, nonce, associated, text])
        expect(room.slice(before, end + tagBytes)).toEqual(sealed)
        expect(cipher.open(room, before, end + tagBytes, nonce, associated)).toBe(true)
        expect(room.slice(before, end)).toEqual(text)
        expect(room.slice(0, before).every((byte) => byte === 0xa5)).toBe(true)
        expect(room.slice(end + tagBytes)).toEqual(new Uint8Array(5).fill(0xa5))
        cipher.close()
      }),
    )
  })

  it('refuses every changed bit, and leaves what it refuses as it was', () => {
    const cipher = suiteOf(name).open(new Uint8Array(keyBytes).fill(3))
    const [nonce, associated] = [new Uint8Array(12).fill(1), new Uint8Array(8).fill(2)]
    const packet = new Uint8Array(40 + tagBytes)
    cipher.seal(packet, 0, 40, nonce, associated)
    for (let bit = 0; bit < 8 * packet.length; bit++) {
      const forged = packet.slice()
      forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const copy = forged.slice()
      expect(cipher.open(forged, 0, forged.length, nonce, associated)).toBe(false)
      expect(forged).toEqual(copy)
    }
    expect(cipher.open(packet, 0, packet.length, new Uint8Array(12), associated)).toBe(false)
    expect(cipher.open(packet, 0, packet.length, nonce, new Uint8Array(8))).toBe(false)
    expect(cipher.open(packet, 0, tagBytes - 1, nonce, associated)).toBe(false)
    expect(cipher.open(packet, 0, packet.length, nonce, associated)).toBe(true)
    cipher.close()
  })

  it('takes keys of its size only, and none of them again once it is closed', () => {
    const suite = suiteOf(name)
    expect(() => suite.open(new Uint8Array(keyBytes + 1))).toThrow(
      expect.toSatisfy((error) => hasCode(error, 'ERR_KEY_SIZE')),
    )
    const cipher = suite.open(new Uint8Array(keyBytes))
    cipher.close()
    cipher.close()
    const packet = new Uint8Array(32)
    const nonce = new Uint8Array(12)
    expect(() => cipher.seal(packet, 0, 8, nonce, new Uint8Array(8))).toThrow('closed')
  })

  it('does not read or write outside of the array', () => {
    const cipher = suiteOf(name).open(new Uint8Array(keyBytes))
    const packet = new Uint8Array(32)
    const [nonce, associated] = [new Uint8Array(12), new Uint8Array(8)]
    expect(() => cipher.seal(packet, 0, 33 - tagBytes, nonce, associated)).toThrow('room')
    expect(() => cipher.seal(packet, -1, 3, nonce, associated)).toThrow('room')
    expect(() => cipher.open(packet, 0, 33, nonce, associated)).toThrow('inside')
    expect(() => cipher.open(packet, -1, 30, nonce, associated)).toThrow('inside')
    cipher.close()
  })
})
