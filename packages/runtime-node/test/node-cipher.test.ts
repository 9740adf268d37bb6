import { CIPHER_NONCE_BYTES, CIPHER_SUITES, fromHex, toHex, type CipherSuiteName } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { nodeCipherSuites } from '../src/index.ts'

function hex(text: string): Uint8Array {
  const bytes = fromHex(text)
  if (bytes === null) throw new Error(`not hexadecimal: ${text}`)
  return bytes
}

const NAMES = Object.keys(CIPHER_SUITES) as CipherSuiteName[]

const GCM_TEXT =
  '45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f7564' +
  '700373697009637962657263697479' +
  '02646b000021000101020201'
const GCM_SEALED =
  'fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4' +
  'a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732'

const vectors: readonly {
  readonly name: CipherSuiteName
  readonly of: string
  readonly key: string
  readonly nonce: string
  readonly associated: string
  readonly plain: string
  readonly sealed: string
}[] = [
  {
    name: 'aes-128-gcm-16',
    of: 'draft-mcgrew-gcm-test-01, case 1 (RFC 4106)',
    key: '4c80cdefbb5d10da906ac73c3613a634',
    nonce: '2e443b684956ed7e3b244cfe',
    associated: '000043218765432100000000',
    plain: GCM_TEXT,
    sealed: `${GCM_SEALED}459018148f6cbe722fd04796562dfdb4`,
  },
  {
    name: 'aes-128-gcm-8',
    of: 'the same, with the tag cut (RFC 4106 §6)',
    key: '4c80cdefbb5d10da906ac73c3613a634',
    nonce: '2e443b684956ed7e3b244cfe',
    associated: '000043218765432100000000',
    plain: GCM_TEXT,
    sealed: `${GCM_SEALED}459018148f6cbe72`,
  },
  {
    name: 'aes-128-gcm-16',
    of: 'the GCM specification, case 2',
    key: '00'.repeat(16),
    nonce: '00'.repeat(12),
    associated: '',
    plain: '00'.repeat(16),
    sealed: '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf',
  },
  {
    name: 'chacha20-poly1305',
    of: 'RFC 8439 §2.8.2',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: '070000004041424344454647',
    associated: '50515253c0c1c2c3c4c5c6c7',
    plain:
      '4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966' +
      '204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f72207468652066757475' +
      '72652c2073756e73637265656e20776f756c642062652069742e',
    sealed:
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69' +
      'da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594' +
      '5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
  },
  {
    name: 'chacha20-poly1305',
    of: 'RFC 7634, appendix B',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: 'a0a1a2a31011121314151617',
    associated: 'c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029',
    plain: '0000000c000040010000000a00',
    sealed: '610394701f8d017f7c129248896b71bfe25236efd7cdc67066906315b2',
  },
]

describe.each(vectors)('$name of $of', ({ name, key, nonce, associated, plain, sealed }) => {
  it('seals and opens where the text stands', () => {
    const cipher = nodeCipherSuites[name].open(hex(key))
    const length = hex(plain).length
    const bytes = new Uint8Array(hex(sealed).length + 6).fill(0xa5)
    bytes.set(hex(plain), 3)
    cipher.seal(bytes, 3, 3 + length, hex(nonce), hex(associated))
    expect(toHex(bytes)).toBe(`a5a5a5${sealed}a5a5a5`)
    expect(cipher.open(bytes, 3, bytes.length - 3, hex(nonce), hex(associated))).toBe(true)
    expect(toHex(bytes.subarray(3, 3 + length))).toBe(plain)
    cipher.close()
  })
})

describe.each(NAMES)('%s', (name) => {
  const suite = nodeCipherSuites[name]
  const key = new Uint8Array(suite.keyBytes).fill(1)
  const nonce = new Uint8Array(CIPHER_NONCE_BYTES)
  const associated = hex('0102030405060708')

  function sealed(): Uint8Array {
    const bytes = new Uint8Array(20 + suite.tagBytes).fill(9)
    suite.open(key).seal(bytes, 0, 20, nonce, associated)
    return bytes
  }

  it('refuses every flipped bit, and leaves what it refuses as it is', () => {
    const cipher = suite.open(key)
    const good = sealed()
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bad = good.slice()
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
      const before = toHex(bad)
      expect(cipher.open(bad, 0, bad.length, nonce, associated)).toBe(false)
      expect(toHex(bad)).toBe(before)
    }
    for (let end = 0; end < good.length; end++) {
      expect(cipher.open(good, 0, end, nonce, associated)).toBe(false)
    }
    expect(cipher.open(good, 0, good.length, nonce, hex('0102030405060709'))).toBe(false)
    expect(cipher.open(good, 0, good.length, nonce.map(() => 1), associated)).toBe(false)
    expect(cipher.open(good, 0, good.length, nonce, associated)).toBe(true)
  })

  it('copies its key, and is not used after it was closed', () => {
    const own = key.slice()
    const cipher = suite.open(own)
    own.fill(0)
    const bytes = sealed()
    expect(cipher.open(bytes, 0, bytes.length, nonce, associated)).toBe(true)
    cipher.close()
    expect(own).toEqual(new Uint8Array(suite.keyBytes))
    expect(() => cipher.seal(bytes, 0, 1, nonce, associated)).toThrow('bug: a cipher that was')
    expect(() => cipher.open(bytes, 0, 9, nonce, associated)).toThrow('bug: a cipher that was')
  })

  it('refuses keys of other sizes, and knows its own', () => {
    expect(suite).toMatchObject({ name, ...CIPHER_SUITES[name] })
    for (const bytes of [0, suite.keyBytes - 1, suite.keyBytes + 1, 24]) {
      expect(() => suite.open(new Uint8Array(bytes))).toThrow(
        expect.objectContaining({
          code: 'ERR_KEY_SIZE',
          details: { suite: name, bytes, expected: suite.keyBytes },
        }),
      )
    }
    const cipher = suite.open(key)
    const bytes = new Uint8Array(suite.tagBytes)
    expect(() => cipher.seal(bytes, 0, 1, nonce, associated)).toThrow('bug: room for a tag')
    expect(() => cipher.seal(bytes, 0, 0, key.subarray(1), associated)).toThrow('bug: a nonce')
    cipher.seal(bytes, 0, 0, nonce, associated)
    expect(cipher.open(bytes, 0, bytes.length, nonce, associated)).toBe(true)
  })
})
