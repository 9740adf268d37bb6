/** Errors cross a process boundary whole. */
import { describeError, WeftError } from '@weft/core'
import { describe, expect, it } from 'vitest'
import { ERROR_CAUSES_MAX, recordError, reviveError } from '../src/error-record.ts'

describe('error records', () => {
  it('carry a WeftError with code, details and causes through structured clone', () => {
    const cause = new WeftError('ERR_INNER', 'inner', { n: 1 }, new Error('root of it'))
    const error = new WeftError('ERR_OUTER', 'outer', { item: 'networks/blue' }, cause)
    const revived = reviveError(structuredClone(recordError(error)))
    expect(revived).toBeInstanceOf(WeftError)
    expect(revived).toMatchObject({
      code: 'ERR_OUTER',
      details: { item: 'networks/blue' },
      cause: { code: 'ERR_INNER', details: { n: 1 }, cause: { message: 'root of it' } },
    })
    expect(describeError(revived)).toBe(describeError(error))
    expect(revived.stack).toBe(error.stack)
  })

  it('leave a plain error plain', () => {
    const revived = reviveError(recordError(new TypeError('wrong')))
    expect(revived).not.toBeInstanceOf(WeftError)
    expect(revived.message).toBe('wrong')
  })

  it('cut a chain of causes that is too long, even one without end', () => {
    const loop = new Error('loop')
    loop.cause = loop
    let depth = 0
    let at: unknown = reviveError(recordError(loop))
    for (; at instanceof Error; at = at.cause) depth++
    expect(depth).toBe(1 + ERROR_CAUSES_MAX)
  })
})
