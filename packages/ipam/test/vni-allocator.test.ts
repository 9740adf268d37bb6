import { describe, expect, test } from 'vitest'
import { hasCode, VNI_MAX } from '@weft/core'
import { VNI_FIRST, VniAllocator } from '../src/index.ts'

const code = (call: () => unknown): string => {
  try {
    call()
    return 'none'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'not ours'
  }
}

describe('network identifiers', () => {
  test('count from 4096, passing over explicit ones, not back to released ones', () => {
    const vnis = new VniAllocator()
    expect(VNI_FIRST).toBe(4096)
    expect(vnis.allocate('blue')).toBe(4096)
    expect(vnis.allocate('mine', 4097)).toBe(4097)
    expect(vnis.allocate('green')).toBe(4098)
    vnis.release(4096, 'blue')
    expect(vnis.allocate('red')).toBe(4099)
    expect(vnis.allocate('again', 4096)).toBe(4096)
    expect(vnis.holderOf(4096)).toBe('again')
    expect(vnis.holderOf(9999)).toBe(null)
  })

  test('below 4096 are for people', () => {
    const vnis = new VniAllocator()
    expect(vnis.allocate('mine', 42)).toBe(42)
    expect(vnis.allocate('mine', 42)).toBe(42)
    expect(code(() => vnis.allocate('other', 42))).toBe('ERR_VNI_TAKEN')
    vnis.release(42, 'mine')
    expect(vnis.allocate('other', 42)).toBe(42)
  })

  test('go up to the last one, and then say so', () => {
    const vnis = new VniAllocator()
    vnis.resume({ cursor: VNI_MAX - VNI_FIRST, cooling: [] })
    expect(vnis.allocate('last')).toBe(VNI_MAX)
    expect(vnis.allocate('first')).toBe(VNI_FIRST)
    const few = new VniAllocator({ first: 10, last: 12 })
    expect([few.allocate('a'), few.allocate('b'), few.allocate('c')]).toEqual([10, 11, 12])
    expect(() => few.allocate('d')).toThrow(
      expect.objectContaining({ code: 'ERR_VNI_EXHAUSTED', details: { first: 10, last: 12 } }),
    )
    expect([few.allocate('e', 9), few.allocate('f', 13)]).toEqual([9, 13])
    few.release(13, 'f')
    few.release(11, 'b')
    expect(few.allocate('d')).toBe(11)
  })

  test('that are wrong, taken or not allocated are named', () => {
    const vnis = new VniAllocator()
    vnis.allocate('blue', 5000)
    expect(code(() => vnis.allocate('x', VNI_MAX + 1))).toBe('ERR_INVALID_VALUE')
    expect(code(() => vnis.allocate('', 5))).toBe('ERR_INVALID_VALUE')
    expect(code(() => vnis.release(5001, 'blue'))).toBe('ERR_VNI_NOT_ALLOCATED')
    expect(() => vnis.release(5000, 'green')).toThrow(
      expect.objectContaining({ code: 'ERR_VNI_TAKEN', details: { vni: 5000, holder: 'blue' } }),
    )
    vnis.release(5000, 'blue')
    expect(hasCode(null, 'ERR_VNI_TAKEN')).toBe(false)
    expect(code(() => vnis.release(5000, 'blue'))).toBe('ERR_VNI_NOT_ALLOCATED')
  })
})
