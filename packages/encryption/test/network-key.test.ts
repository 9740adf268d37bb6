import { inspect } from 'node:util'
import { formatFields, hasCode, plainFields, toHex } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { dockerOrder, encryptionError, KeyRing, NetworkKey, RING_KEYS_MAX } from '../src/index.ts'
import { hex } from './hex.ts'
import { CHACHA, GCM_8 } from './reference-suites.ts'

const MATERIAL = 'deadbeefcafef00d0123456789abcdef'

function keyOf(lamportTime: number, bytes = MATERIAL): NetworkKey {
  return new NetworkKey({ lamportTime: BigInt(lamportTime), bytes: hex(bytes) })
}

/** All the ways in which a value gets printed. */
function printed(value: object): string {
  const deep = { value, list: [value], map: new Map([[value, value]]) }
  return [
    JSON.stringify(deep),
    inspect(deep, { depth: 9, showHidden: true, getters: true }),
    inspect(value),
    formatFields({ value, deep }),
    JSON.stringify(plainFields({ value, deep })),
    Object.values(value).join(),
    Object.prototype.toString.call(value),
  ].join('\n')
}

/** Material in hexadecimal, decimal or octets would show in one of these. */
function expectNoMaterial(text: string): void {
  expect(text).not.toMatch(/dead|beef|cafe|f00d|222, ?173|190, ?239|0xde/i)
}

describe('a key', () => {
  it('is known by the low half of its Lamport time', () => {
    expect(keyOf(0x1234).tag).toBe(0x1234)
    const late = new NetworkKey({ lamportTime: 0x1_ffff_fffen, bytes: hex(MATERIAL) })
    expect(late.tag).toBe(0xffff_fffe)
  })

  it('shows its tag and nothing else, whoever prints it', () => {
    const key = keyOf(7)
    expect(JSON.stringify({ key })).toBe('{"key":"[key 7]"}')
    expect(inspect({ key })).toBe('{ key: [key 7] }')
    expect(`${key}`).toBe('[key 7]')
    expectNoMaterial(printed(key))
    const ring = new KeyRing()
    ring.replace([key, keyOf(8)])
    expectNoMaterial(printed(ring))
    expect(JSON.stringify(ring)).toBe('[{"tag":7,"isPrimary":true},{"tag":8,"isPrimary":false}]')
  })

  it('shows nothing in errors about it', () => {
    const ring = new KeyRing()
    ring.replace([keyOf(7)])
    for (const keys of [[keyOf(7, '00'.repeat(16))], [keyOf(9), keyOf(9)]]) {
      let caught: unknown
      try {
        ring.replace(keys)
      } catch (error) {
        caught = error
      }
      expect(caught).toBeInstanceOf(Error)
      expectNoMaterial(printed(caught as Error))
    }
  })

  it('copies what it is given, and is gone when it is zeroed', () => {
    const bytes = hex(MATERIAL)
    const key = new NetworkKey({ lamportTime: 1n, bytes })
    bytes.fill(0xff)
    const material = new Uint8Array(22).fill(0xa5)
    expect(key.writeKeyMaterial(material, 1, 0x5308_3122)).toBe(20)
    expect(toHex(material)).toBe(`a5${MATERIAL}53083122a5`)
    expect(key.byteLength).toBe(16)
    key.zero()
    expect(key.isZeroed).toBe(true)
    expect(key.holdsSame(keyOf(1, '00'.repeat(16)))).toBe(true)
    expect(() => key.openCipher(GCM_8)).toThrow('bug: a key that was zeroed')
    expect(() => key.writeKeyMaterial(material, 0, 0)).toThrow('bug: a key that was zeroed')
  })

  it('opens only suites of its size', () => {
    const caught = (): unknown => {
      try {
        return keyOf(1).openCipher(CHACHA)
      } catch (error) {
        return error
      }
    }
    expect(hasCode(caught(), 'ERR_KEY_SIZE')).toBe(true)
    expect(keyOf(1).openCipher(GCM_8).suite).toBe(GCM_8)
  })

  it('holds the same as another with the same bytes', () => {
    expect(keyOf(1).holdsSame(keyOf(2))).toBe(true)
    expect(keyOf(1).holdsSame(keyOf(1, `${MATERIAL.slice(0, -1)}0`))).toBe(false)
    expect(keyOf(1).holdsSame(keyOf(1, MATERIAL.slice(0, -2)))).toBe(false)
  })
})

describe("Docker's order", () => {
  it('puts the middle key first', () => {
    const keys = [keyOf(12), keyOf(10), keyOf(11)]
    expect(dockerOrder(keys).map(({ tag }) => tag)).toEqual([11, 10, 12])
    const [a, b, c] = [0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001].map((time) => keyOf(time))
    if (a === undefined || b === undefined || c === undefined) throw new Error('three keys')
    // Sorted by the whole time: tags begin again at zero.
    expect(dockerOrder([c, b, a]).map(({ tag }) => tag)).toEqual([0, 0xffff_ffff, 1])
  })

  it('wants exactly three', () => {
    for (const count of [0, 1, 2, 4]) {
      const keys = Array.from({ length: count }, (_, i) => keyOf(i))
      const facts = { count, expected: 3 }
      const expected = encryptionError('ERR_KEY_COUNT', 'not as many keys as Docker keeps', facts)
      expect(() => dockerOrder(keys)).toThrow(expected)
    }
  })
})

describe('a key ring', () => {
  const tell = (ring: KeyRing, keys: readonly NetworkKey[]): readonly string[] =>
    ring.replace(keys).map(({ kind, key }) => `${kind} ${key?.tag ?? 'nothing'}`)

  it('says receive, then send, then retire', () => {
    const ring = new KeyRing()
    expect(ring.primary).toBe(null)
    const first = tell(ring, dockerOrder([keyOf(1), keyOf(2), keyOf(3)]))
    expect(first).toEqual(['accept 2', 'accept 1', 'accept 3', 'transmit 2'])
    const second = tell(ring, dockerOrder([keyOf(2), keyOf(3), keyOf(4)]))
    expect(second).toEqual(['accept 4', 'transmit 3', 'retire 1'])
    expect(ring.primary?.tag).toBe(3)
    expect(tell(ring, dockerOrder([keyOf(2), keyOf(3), keyOf(4)]))).toEqual([])
    expect(tell(ring, [])).toEqual(['transmit nothing', 'retire 3', 'retire 2', 'retire 4'])
  })

  it('keeps the keys it has, zeroes the copies, and hands over what it retires', () => {
    const ring = new KeyRing()
    const [kept, copy, gone] = [keyOf(1), keyOf(1), keyOf(2)]
    ring.replace([kept, gone])
    const steps = ring.replace([copy])
    expect(ring.keys).toEqual([kept])
    expect(copy.isZeroed).toBe(true)
    expect(kept.isZeroed).toBe(false)
    expect(steps).toEqual([{ kind: 'retire', key: gone }])
    expect(gone.isZeroed).toBe(false)
    ring.replace([kept])
    expect(kept.isZeroed).toBe(false)
  })

  it('refuses lists that cannot be, and changes nothing then', () => {
    const ring = new KeyRing()
    ring.replace([keyOf(1)])
    const codeOf = (keys: readonly NetworkKey[]): unknown => {
      try {
        ring.replace(keys)
        return null
      } catch (error) {
        return Reflect.get(error as object, 'code')
      }
    }
    const many = (count: number) => Array.from({ length: count }, (_, i) => keyOf(i + 1))
    expect(codeOf([keyOf(2), keyOf(2)])).toBe('ERR_KEY_REPEATED')
    expect(codeOf([keyOf(2), keyOf(1, '00'.repeat(16))])).toBe('ERR_KEY_CHANGED')
    expect(codeOf(many(RING_KEYS_MAX + 1))).toBe('ERR_KEYS_MAX')
    expect(ring.keys.map(({ tag }) => tag)).toEqual([1])
    expect(codeOf(many(RING_KEYS_MAX))).toBe(null)
    expect(ring.keys).toHaveLength(RING_KEYS_MAX)
    const zeroed = keyOf(99)
    zeroed.zero()
    expect(() => ring.replace([zeroed])).toThrow('bug: a key that was zeroed')
  })
})
