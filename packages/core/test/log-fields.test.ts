import { describe, expect, test } from 'vitest'
import {
  formatFields,
  LOG_DEPTH_MAX,
  LOG_ITEMS_MAX,
  plainFields,
  plainValue,
  WeftError,
} from '../src/index.ts'

describe('log fields as plain data', () => {
  test('never show raw bytes, wherever they stand', () => {
    const key = Uint8Array.of(0xde, 0xad)
    const fields = { key, list: [key], map: new Map([['k', key.buffer]]), inner: { view: key } }
    expect(plainFields(fields)).toEqual({
      key: '[2 bytes]',
      list: ['[2 bytes]'],
      map: { k: '[2 bytes]' },
      inner: { view: '[2 bytes]' },
    })
  })

  test('say of a value with toJSON what it says itself', () => {
    const secret = { material: 'hunter2', toJSON: () => '[key 3]' }
    expect(plainFields({ secret })).toEqual({ secret: '[key 3]' })
    expect(formatFields({ secret })).toBe(' secret="[key 3]"')
  })

  test('keep of an error what identifies it', () => {
    const cause = new Error('inner')
    const error = new WeftError('ERR_FULL', 'no address', { pool: 'blue', at: 1n }, cause)
    expect(plainValue(error)).toEqual({
      message: 'no address',
      code: 'ERR_FULL',
      details: { pool: 'blue', at: '1' },
      cause: { message: 'inner' },
    })
  })

  test('survive anything: cycles, throwing getters, symbols, odd numbers, long lists', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    let deep: unknown = '[deep]'
    for (let i = 0; i <= LOG_DEPTH_MAX; i++) deep = { self: deep }
    expect(plainValue(cycle)).toEqual(deep)
    const trap = {
      get boom(): never {
        throw new Error('no')
      },
    }
    expect(plainFields({ trap })).toEqual({ trap: '[unreadable]' })
    expect(plainValue(Symbol('s'))).toBe('Symbol(s)')
    expect([NaN, 1n, undefined].map((odd) => plainValue(odd))).toEqual(['NaN', '1', 'undefined'])
    expect(plainValue(() => 1)).toBe('[function]')
    expect(plainValue(new Array(LOG_ITEMS_MAX + 9).fill(0))).toHaveLength(LOG_ITEMS_MAX)
    expect(plainValue(new Set(['a']))).toEqual(['a'])
    expect(plainValue(Object.create(null))).toEqual({})
  })
})

test('log fields as text quote what could pass for another field or another line', () => {
  expect(formatFields({ peer: 'n2', count: 3, none: null })).toBe(' peer=n2 count=3 none=null')
  expect(formatFields({ a: 'x y', b: 'p=q', c: 'l\nm', d: '\u001b[31m', e: '' })).toBe(
    ' a="x y" b="p=q" c="l\\nm" d="\\u001b[31m" e=""',
  )
  // C1 control sequences and direction overrides reach terminals too.
  expect(formatFields({ a: '\u009b31m', b: 'ab\u202ecd', c: 'näher' })).toBe(
    ' a="\\u{9b}31m" b="ab\\u{202e}cd" c="näher"',
  )
})
