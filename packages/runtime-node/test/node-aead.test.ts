import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, fromHex, toHex } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { nodeAead } from '../src/index.ts'

function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === null) throw new Error(`not hexadecimal: ${text}`)
  return bytes
}

const NONE = new Uint8Array(0)

/** The GCM specification (McGrew and Viega, revised), test cases 4, 10 and 16. */
const P =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24' +
  '49a6b525b16aedf5aa0de657ba637b39'
const A = 'feedfacedeadbeeffeedfacedeadbeefabaddad2'
const NONCE = 'cafebabefacedbaddecaf888'
const gcm = [
  {
    bits: 128,
    key: 'feffe9928665731c6d6a8f9467308308',
    sealed:
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a' +
      'ac84aa051ba30b396a0aac973d58e091' +
      '5bc94fbc3221a5db94fae95ae7121a47',
  },
  {
    bits: 192,
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c',
    sealed:
      '3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18' +
      'c84a3f4718e2448b2fe324d9ccda2710' +
      '2519498e80f1478f37ba55bd6d27618c',
  },
  {
    bits: 256,
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    sealed:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10' +
      '56828838c5f61e6393ba7a0abcc9f662' +
      '76fc6ece0f4e1768cddf8853bb2d551b',
  },
]

describe('AES-GCM', () => {
  it.each(gcm)('$bits bits seal and open as specified', ({ key, sealed }) => {
    const use = { key: hex(key), nonce: hex(NONCE), associated: hex(A) }
    expect(toHex(nodeAead.seal(use, hex(P)))).toBe(sealed)
    expect(toHex(nodeAead.open(use, hex(sealed)) ?? NONE)).toBe(P)
  })

  it("opens a gossip packet of docker-wire's Appendix A", () => {
    const nonce = hex('101112131415161718191a1b')
    const use = { key: hex('000102030405060708090a0b0c0d0e0f'), nonce, associated: NONE }
    const sealed = hex('c6aca4ff6e36da8076b99d5094429a705596a5a87625f9b53afb0e911366153bcbf3')
    const ack = '0282a75061796c6f6164c0a55365714e6f2a'
    expect(toHex(nodeAead.open(use, sealed) ?? NONE)).toBe(ack)
    expect(nodeAead.seal(use, hex(ack))).toEqual(sealed)
  })

  it('seals nothing at all into a tag', () => {
    const use = { key: new Uint8Array(16), nonce: new Uint8Array(12), associated: NONE }
    // Test case 1 of the specification.
    expect(toHex(nodeAead.seal(use, NONE))).toBe('58e2fccefa7e3061367f1d57a4e7455a')
    expect(nodeAead.open(use, nodeAead.seal(use, NONE))).toEqual(NONE)
  })
})

describe('what was changed', () => {
  const use = { key: hex(gcm[0]?.key ?? ''), nonce: hex(NONCE), associated: hex(A) }
  const sealed = nodeAead.seal(use, hex(P))

  it('in any byte is not opened', () => {
    for (let i = 0; i < sealed.length; i++) {
      expect(nodeAead.open(use, flipped(sealed, i))).toBeNull()
    }
  })

  it('in key, nonce or associated data is not opened', () => {
    expect(nodeAead.open({ ...use, key: flipped(use.key, 3) }, sealed)).toBeNull()
    expect(nodeAead.open({ ...use, nonce: flipped(use.nonce, 11) }, sealed)).toBeNull()
    expect(nodeAead.open({ ...use, associated: flipped(use.associated, 0) }, sealed)).toBeNull()
    expect(nodeAead.open({ ...use, associated: NONE }, sealed)).toBeNull()
  })

  it('by cutting is not opened, down to nothing', () => {
    for (let end = 0; end < sealed.length; end++) {
      expect(nodeAead.open(use, sealed.subarray(0, end))).toBeNull()
    }
  })
})

describe('what comes out', () => {
  it('is of its own and a Uint8Array proper', () => {
    const use = { key: new Uint8Array(32), nonce: new Uint8Array(12), associated: NONE }
    const plain = Uint8Array.of(1, 2, 3)
    const sealed = nodeAead.seal(use, plain)
    const opened = nodeAead.open(use, sealed)
    sealed.fill(0)
    expect(opened).toEqual(plain)
    expect(Object.getPrototypeOf(opened)).toBe(Uint8Array.prototype)
  })

  it.each([
    [0, AEAD_NONCE_BYTES],
    [15, AEAD_NONCE_BYTES],
    [33, AEAD_NONCE_BYTES],
    [16, AEAD_NONCE_BYTES - 1],
    [16, AEAD_NONCE_BYTES + 4],
  ])('is a bug with a key of %i bytes and a nonce of %i', (keyBytes, nonceBytes) => {
    const key = new Uint8Array(keyBytes)
    const use = { key, nonce: new Uint8Array(nonceBytes), associated: NONE }
    expect(() => nodeAead.seal(use, NONE)).toThrow('bug:')
    expect(() => nodeAead.open(use, new Uint8Array(AEAD_TAG_BYTES))).toThrow('bug:')
  })
})

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
}
