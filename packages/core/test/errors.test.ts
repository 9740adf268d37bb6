import { readFile } from 'node:fs/promises'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type * as errors from '../src/errors.ts'
import {
  defineErrors,
  describeError,
  hasCode,
  underlayError,
  valueError,
  WeftError,
  type ErrorsOf,
} from '../src/index.ts'

type DemoErrors = {
  ERR_FULL: { readonly pool: string; readonly size: number }
  ERR_GONE: { readonly item: string }
}
const demoError = defineErrors<DemoErrors>()

describe('a failed operation', () => {
  test('carries a code, facts, a message and its cause', () => {
    const cause = new TypeError('inner')
    const error = demoError('ERR_FULL', 'no free address left', { pool: 'blue', size: 4 }, cause)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('WeftError')
    expect(error.message).toBe('no free address left')
    expect(error.details).toEqual({ pool: 'blue', size: 4 })
    expect(error.cause).toBe(cause)
    expect('cause' in demoError('ERR_GONE', 'gone', { item: 'x' })).toBe(false)
  })

  test('has details by code, checked by the compiler', () => {
    const error = demoError('ERR_GONE', 'gone', { item: 'x' }) as ErrorsOf<DemoErrors>
    if (error.code === 'ERR_GONE') expectTypeOf(error.details.item).toEqualTypeOf<string>()
    // @ts-expect-error: a code needs its own facts
    demoError('ERR_GONE', 'gone', { pool: 'x', size: 1 })
    expect(error.code).toBe('ERR_GONE')
  })

  test('crosses boundaries as JSON', () => {
    const error = demoError('ERR_FULL', 'no free address left', { pool: 'blue', size: 4 })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'ERR_FULL',
      message: 'no free address left',
      details: { pool: 'blue', size: 4 },
    })
  })

  test('is recognised across copies of this package', async () => {
    // A second evaluation of the same module: another class, as with two installed versions.
    const url = new URL('../src/errors.ts', import.meta.url)
    const source = (await readFile(url, 'utf8')).length
    const copy = (await import(`${url.href}?copy=${source}`)) as typeof errors
    const foreign = copy.defineErrors<DemoErrors>()('ERR_GONE', 'gone', { item: 'x' })
    expect(copy.WeftError).not.toBe(WeftError)
    expect(Object.getPrototypeOf(foreign)).not.toBe(WeftError.prototype)
    expect(foreign instanceof WeftError).toBe(true)
    expect(hasCode(foreign, 'ERR_GONE')).toBe(true)
    expect(describeError(foreign)).toBe('gone (item=x)')
  })

  test('is nothing else', () => {
    const others = [null, undefined, 1, 'ERR_GONE', {}, new Error('x'), { code: 'ERR_GONE' }]
    for (const value of others) {
      expect(value instanceof WeftError).toBe(false)
      expect(hasCode(value, 'ERR_GONE')).toBe(false)
    }
    expect(hasCode(demoError('ERR_GONE', 'gone', { item: 'x' }), 'ERR_FULL')).toBe(false)
  })

  test('reads as one line for people', () => {
    const error = demoError('ERR_FULL', 'no free address left', { pool: 'blue', size: 4 })
    expect(describeError(error)).toBe('no free address left (pool=blue, size=4)')
    const odd = new WeftError('ERR_ODD', 'odd', { list: ['a', { n: 1n }], none: null })
    expect(describeError(odd)).toBe('odd (list=["a",{"n":"1"}], none=null)')
    expect(describeError(new WeftError('ERR_PLAIN', 'plain', {}))).toBe('plain')
    expect(describeError(new Error('other'))).toBe('other')
    expect(describeError('text')).toBe('text')
  })

  test('families of core name what was wrong', () => {
    const value = { kind: 'ip', text: 'x', expected: 'an address' }
    expect(valueError('ERR_INVALID_VALUE', 'not an IP address', value).details.text).toBe('x')
    const address = '10.0.0.1:4789'
    expect(underlayError('ERR_ADDRESS_IN_USE', 'taken', { address }).details).toEqual({ address })
    expect(underlayError('ERR_ADDRESS_NOT_LOCAL', 'foreign', { address }).code).toBe(
      'ERR_ADDRESS_NOT_LOCAL',
    )
  })
})
