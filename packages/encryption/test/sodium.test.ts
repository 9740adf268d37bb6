import sodium from 'libsodium-wrappers'
import { hasCode, toHex, type Cipher, type CipherSuite } from '@weft/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encryptionError, openSodium } from '../src/index.ts'
import { hex } from './hex.ts'
import { CHACHA } from './reference-suites.ts'

let suite: CipherSuite
beforeAll(async () => {
  suite = await openSodium()
})

const TAG_BYTES = 16
/** RFC 8439 §2.8.2. */
const RFC_8439 = {
  key: hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
  nonce: hex('070000004041424344454647'),
  associated: hex('50515253c0c1c2c3c4c5c6c7'),
  plain: new Uint8Array(
    Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for " +
        'the future, sunscreen would be it.',
    ),
  ),
  sealed:
    'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69' +
    'da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594' +
    '5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116' +
    '1ae10b594f09e26a7e902ecbd0600691',
}

/** The text sealed in the middle of dirt, which must stay as it is. */
function sealed(cipher: Cipher, plain: Uint8Array, use: typeof RFC_8439): Uint8Array {
  const bytes = new Uint8Array(plain.length + TAG_BYTES + 10).fill(0xa5)
  bytes.set(plain, 5)
  cipher.seal(bytes, 5, 5 + plain.length, use.nonce, use.associated)
  const dirt = [...bytes.subarray(0, 5), ...bytes.subarray(-5)]
  expect(dirt).toEqual(new Array(10).fill(0xa5))
  return bytes.slice(5, -5)
}

describe('ChaCha20-Poly1305 of libsodium', () => {
  it('seals and opens as RFC 8439 §2.8.2 does', () => {
    const { key, plain, nonce, associated } = RFC_8439
    const cipher = suite.open(key)
    const bytes = sealed(cipher, plain, RFC_8439)
    expect(toHex(bytes)).toBe(RFC_8439.sealed)
    expect(cipher.open(bytes, 0, bytes.length, nonce, associated)).toBe(true)
    expect(toHex(bytes.subarray(0, plain.length))).toBe(toHex(plain))
    cipher.close()
  })

  it('agrees with node:crypto on any text', () => {
    const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    const property = fc.property(
      ...[octets(32), octets(12), fc.uint8Array({ maxLength: 40 })],
      fc.uint8Array({ maxLength: 3000 }),
      (key, nonce, associated, plain) => {
        const use = { ...RFC_8439, nonce, associated }
        const [ours, theirs] = [suite.open(key), CHACHA.open(key)]
        const bytes = sealed(ours, plain, use)
        expect(toHex(bytes)).toBe(toHex(sealed(theirs, plain, use)))
        const copy = bytes.slice()
        expect(theirs.open(bytes, 0, bytes.length, nonce, associated)).toBe(true)
        expect(ours.open(copy, 0, copy.length, nonce, associated)).toBe(true)
        expect(toHex(copy)).toBe(toHex(bytes))
        ours.close()
      },
    )
    fc.assert(property, { numRuns: 200 })
  })

  it('refuses every flipped bit, and leaves what it refuses as it is', () => {
    const { key, plain, nonce, associated } = RFC_8439
    const cipher = suite.open(key)
    const good = sealed(cipher, plain, RFC_8439)
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bad = good.slice()
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      const before = toHex(bad)
      expect(cipher.open(bad, 0, bad.length, nonce, associated)).toBe(false)
      expect(toHex(bad)).toBe(before)
    }
    expect(cipher.open(good, 0, good.length, hex('08'.repeat(12)), associated)).toBe(false)
    expect(cipher.open(good, 0, good.length, nonce, hex(''))).toBe(false)
    expect(cipher.open(good, 0, TAG_BYTES - 1, nonce, associated)).toBe(false)
    cipher.close()
  })

  it('takes texts of every size, in any order, when the heap has to grow too', () => {
    const { nonce, associated } = RFC_8439
    const cipher = suite.open(RFC_8439.key)
    const reference = CHACHA.open(RFC_8439.key)
    for (const length of [0, 1, 2047, 2048, 65_535, 10, 20_000_000, 64]) {
      const plain = new Uint8Array(length).fill(length)
      const bytes = sealed(cipher, plain, RFC_8439)
      const expected = sealed(reference, plain, RFC_8439)
      expect(Buffer.compare(bytes, expected), `${length} bytes`).toBe(0)
      expect(cipher.open(bytes, 0, bytes.length, nonce, associated)).toBe(true)
      expect(Buffer.compare(bytes.subarray(0, length), plain)).toBe(0)
    }
    cipher.close()
  })

  it('leaves no key in the heap', () => {
    const key = hex('d15ea5edc0ffee0ff1ce5eedba5eba11facefeeddeadbeefcafef00d0badf00d')
    const heap = (): Buffer => {
      const { HEAPU8 } = Reflect.get(sodium, 'libsodium') as { HEAPU8: Uint8Array }
      return Buffer.from(HEAPU8.buffer)
    }
    const cipher = suite.open(key)
    const bytes = sealed(cipher, RFC_8439.plain, RFC_8439)
    cipher.open(bytes, 0, bytes.length, RFC_8439.nonce, RFC_8439.associated)
    expect(heap().includes(key)).toBe(true)
    cipher.close()
    // Not the first half, either: what is freed is the allocator's to scribble on, not to keep.
    expect(heap().includes(key.subarray(0, 16))).toBe(false)
    expect(heap().includes(key.subarray(16))).toBe(false)
    cipher.close()
  })

  it('is not used after it was closed, nor with keys, nonces or rooms of other sizes', () => {
    const cipher = suite.open(RFC_8439.key)
    const { nonce, associated } = RFC_8439
    const room = new Uint8Array(TAG_BYTES)
    expect(() => cipher.seal(room, 0, 1, nonce, associated)).toThrow('bug: room for a tag')
    expect(() => cipher.seal(room, 0, 0, nonce.subarray(1), associated)).toThrow('bug: a nonce')
    cipher.close()
    expect(() => cipher.seal(room, 0, 0, nonce, associated)).toThrow('bug: a cipher that was')
    expect(() => cipher.open(room, 0, 16, nonce, associated)).toThrow('bug: a cipher that was')
    for (const bytes of [0, 16, 31, 33]) {
      expect(() => suite.open(new Uint8Array(bytes))).toThrow(
        expect.objectContaining({
          code: 'ERR_KEY_SIZE',
          details: { suite: 'chacha20-poly1305', bytes, expected: 32 },
        }),
      )
    }
  })

  it('says so where libsodium is not the one it was made for', async () => {
    const module = Reflect.get(sodium, 'libsodium') as object
    const name = '_crypto_aead_chacha20poly1305_ietf_decrypt'
    const whole: unknown = Reflect.get(module, name)
    Reflect.deleteProperty(module, name)
    try {
      const error: unknown = await openSodium().catch((reason: unknown) => reason)
      expect(hasCode(error, 'ERR_SODIUM_UNUSABLE')).toBe(true)
      const like = encryptionError('ERR_SODIUM_UNUSABLE', '', { missing: [name] })
      expect(error).toMatchObject({ details: like.details })
    } finally {
      Reflect.set(module, name, whole)
    }
  })
})
