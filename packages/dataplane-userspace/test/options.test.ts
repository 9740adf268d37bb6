/** Options are complete and checked where they are made. */
import { hasCode } from '@weft/core'
import { AUDIT_INTERVAL_MS, INSTANCE_LENGTH_MAX, userspaceOptions } from '../src/index.ts'
import { expect, test } from 'vitest'

function refusal(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    return hasCode(error, 'ERR_INVALID_VALUE') ? error.code : 'another error'
  }
  return 'accepted'
}

test('what is not given is usual', () => {
  expect(userspaceOptions({ instance: 'a' })).toEqual({
    instance: 'a',
    underlayNamespace: null,
    auditIntervalMs: AUDIT_INTERVAL_MS,
  })
})

const LONGEST = 'x'.repeat(INSTANCE_LENGTH_MAX)

test.each(['a', 'A.b_c-9', LONGEST])('takes the instance %j', (instance) => {
  expect(userspaceOptions({ instance }).instance).toBe(instance)
})

test.each(['', '.a', 'a/b', 'x'.repeat(INSTANCE_LENGTH_MAX + 1)])('refuses %j', (instance) => {
  expect(refusal(() => userspaceOptions({ instance }))).toBe('ERR_INVALID_VALUE')
})

test.each([0, -1, NaN, Infinity])('refuses an audit every %f ms', (auditIntervalMs) => {
  const make = (): unknown => userspaceOptions({ instance: 'a', auditIntervalMs })
  expect(refusal(make)).toBe('ERR_INVALID_VALUE')
})
