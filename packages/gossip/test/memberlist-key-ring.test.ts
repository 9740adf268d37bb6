/** Key rings: order, rotation, errors, and what is left of a key that was removed. */
import { hasCode, type WeftError } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { KEY_BYTES, KEYS_MAX, KeyRing } from '../src/memberlist/key-ring.ts'
import { keyOf } from './memberlist-samples.ts'

const codeOf = (act: () => unknown): string | null => {
  try {
    act()
    return null
  } catch (error) {
    return (error as WeftError).code
  }
}
const tags = (ring: KeyRing) => ring.toJSON().map(({ tag }) => tag)

describe('a key ring', () => {
  it('seals with the first and opens with all, in order', () => {
    const ring = new KeyRing([keyOf(1), keyOf(2), keyOf(3)])
    expect(ring.primary()).toEqual(keyOf(1).bytes)
    expect(ring.all()).toEqual([keyOf(1).bytes, keyOf(2).bytes, keyOf(3).bytes])
  })

  it('may be empty, and be filled later', () => {
    const ring = new KeyRing([])
    expect([ring.primary(), ring.all()]).toEqual([null, []])
    ring.install(keyOf(9))
    expect(ring.primary()).toEqual(keyOf(9).bytes)
  })

  it('rotates: install, use, remove', () => {
    const ring = new KeyRing([keyOf(1)])
    ring.install(keyOf(2))
    expect(tags(ring)).toEqual(['key-1', 'key-2'])
    ring.use('key-2')
    expect(tags(ring)).toEqual(['key-2', 'key-1'])
    expect(ring.primary()).toEqual(keyOf(2).bytes)
    ring.remove('key-1')
    expect(ring.all()).toEqual([keyOf(2).bytes])
    ring.use('key-2')
    expect(tags(ring)).toEqual(['key-2'])
  })

  it('changes over to other keys at once, and keeps the ones that stay', () => {
    const ring = new KeyRing([keyOf(1), keyOf(2), keyOf(3)])
    const [first, second] = ring.all()
    ring.replace([keyOf(3), keyOf(2), keyOf(4)])
    expect(tags(ring)).toEqual(['key-3', 'key-2', 'key-4'])
    expect(ring.all()).toEqual([keyOf(3).bytes, keyOf(2).bytes, keyOf(4).bytes])
    expect(ring.all()[1]).toBe(second)
    expect(first).toEqual(new Uint8Array(16))
  })

  it('does not take a key for another of its tag: a restored manager uses tags again', () => {
    const ring = new KeyRing([keyOf(1), keyOf(2)])
    const [sealing] = ring.all()
    const other = { tag: 'key-1', bytes: keyOf(9).bytes }
    ring.replace([other, keyOf(2)])
    expect(tags(ring)).toEqual(['key-1', 'key-2'])
    expect(ring.primary()).toEqual(keyOf(9).bytes)
    expect(ring.all()).toEqual([keyOf(9).bytes, keyOf(2).bytes])
    expect(sealing).toEqual(new Uint8Array(16))
    other.bytes.fill(0xff)
    expect(ring.primary()).toEqual(keyOf(9).bytes)
  })

  it('changes over as a whole or not at all', () => {
    const ring = new KeyRing([keyOf(1), keyOf(2)])
    const most = Array.from({ length: KEYS_MAX + 1 }, (_, i) => keyOf(i + 1))
    expect(codeOf(() => ring.replace([keyOf(3), keyOf(4, 5)]))).toBe('ERR_KEY_SIZE')
    expect(codeOf(() => ring.replace(most))).toBe('ERR_KEYS_MAX')
    expect(() => ring.replace([keyOf(3), { ...keyOf(4), tag: 'key-3' }])).toThrow('a tag names one')
    expect(() => ring.replace([])).toThrow('a ring that seals')
    expect(ring.all()).toEqual([keyOf(1).bytes, keyOf(2).bytes])
    ring.replace(most.slice(1))
    expect(ring.all()).toHaveLength(KEYS_MAX)
  })

  it('leaves a key alone that is installed again, under whatever tag', () => {
    const ring = new KeyRing([keyOf(1), keyOf(2)])
    ring.install({ tag: 'other', bytes: keyOf(2).bytes })
    expect(tags(ring)).toEqual(['key-1', 'key-2'])
  })

  it('has one key of a name: another would be meant, and not be used', () => {
    const ring = new KeyRing([keyOf(1)])
    expect(() => ring.install({ tag: 'key-1', bytes: keyOf(2).bytes })).toThrow('a tag names one')
    expect(ring.all()).toEqual([keyOf(1).bytes])
    const twice = [keyOf(1), { tag: 'key-1', bytes: keyOf(2).bytes }]
    expect(() => new KeyRing(twice)).toThrow('a tag names one')
  })

  it('keeps copies, and zeroes a removed key', () => {
    const key = keyOf(2)
    const ring = new KeyRing([keyOf(1), key])
    const held = ring.all()[1]
    key.bytes.fill(0xff)
    expect(held).toEqual(keyOf(2).bytes)
    ring.remove('key-2')
    expect(held).toEqual(new Uint8Array(16))
    expect(key.bytes).toEqual(new Uint8Array(16).fill(0xff))
  })

  it('shows tags, never bytes', () => {
    const ring = new KeyRing([keyOf(1), keyOf(2)])
    expect(JSON.parse(JSON.stringify(ring))).toEqual([
      { tag: 'key-1', isPrimary: true },
      { tag: 'key-2', isPrimary: false },
    ])
  })

  it('takes keys of the sizes of AES: ERR_KEY_SIZE', () => {
    for (const bytes of KEY_BYTES) {
      expect(new KeyRing([keyOf(1, bytes)]).primary()).toHaveLength(bytes)
    }
    for (const bytes of [0, 15, 17, 31, 33, 64]) {
      expect(codeOf(() => new KeyRing([keyOf(1, bytes)]))).toBe('ERR_KEY_SIZE')
      expect(codeOf(() => new KeyRing([]).install(keyOf(1, bytes)))).toBe('ERR_KEY_SIZE')
    }
    try {
      new KeyRing([keyOf(1, 5)])
    } catch (error) {
      expect(hasCode(error, 'ERR_KEY_SIZE')).toBe(true)
      expect((error as WeftError).details).toEqual({ bytes: 5, allowed: [16, 24, 32] })
    }
  })

  it('knows its keys by tag: ERR_KEY_UNKNOWN', () => {
    const ring = new KeyRing([keyOf(1)])
    expect(codeOf(() => ring.use('key-2'))).toBe('ERR_KEY_UNKNOWN')
    expect(codeOf(() => ring.remove('key-2'))).toBe('ERR_KEY_UNKNOWN')
  })

  it('does not remove the key that seals: ERR_KEY_PRIMARY', () => {
    const ring = new KeyRing([keyOf(1), keyOf(2)])
    expect(codeOf(() => ring.remove('key-1'))).toBe('ERR_KEY_PRIMARY')
    expect(ring.primary()).toEqual(keyOf(1).bytes)
  })

  it('holds at most KEYS_MAX keys: ERR_KEYS_MAX', () => {
    const most = Array.from({ length: KEYS_MAX }, (_, i) => keyOf(i + 1))
    const ring = new KeyRing(most)
    expect(codeOf(() => ring.install(keyOf(100)))).toBe('ERR_KEYS_MAX')
    expect(codeOf(() => ring.install(keyOf(1)))).toBe(null)
    expect(codeOf(() => new KeyRing([...most, keyOf(100)]))).toBe('ERR_KEYS_MAX')
    expect(ring.all()).toHaveLength(KEYS_MAX)
  })

  it('wants a tag for every key', () => {
    expect(() => new KeyRing([{ tag: '', bytes: new Uint8Array(16) }])).toThrow('bug')
  })
})
