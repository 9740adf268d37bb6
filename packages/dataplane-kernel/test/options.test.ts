/** Options are complete and checked where they are made. */
import { hasCode } from '@weft/core'
import { AUDIT_INTERVAL_MS, INSTANCE_LENGTH_MAX, kernelOptions } from '../src/index.ts'
import { expect, test } from 'vitest'

function refusal(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    if (hasCode(error, 'ERR_INVALID_VALUE')) return String(error.details['kind'])
    throw error
  }
  return 'accepted'
}

test('what is not given has the usual value', () => {
  expect(kernelOptions({ instance: 'node-1' })).toEqual({
    instance: 'node-1',
    underlayNamespace: null,
    namespaceDirectory: '/run/netns',
    auditIntervalMs: AUDIT_INTERVAL_MS,
  })
})

test('an instance is a short name that is fit for a file name', () => {
  const longest = 'i'.repeat(INSTANCE_LENGTH_MAX)
  for (const instance of ['a', 'A.b_c-9', longest]) {
    expect(refusal(() => kernelOptions({ instance }))).toBe('accepted')
  }
  for (const instance of ['', '.hidden', 'a/b', 'a b', 'ä', `${longest}i`]) {
    expect(refusal(() => kernelOptions({ instance })), instance).toBe('instance')
  }
})

test('an audit interval is a time above nothing', () => {
  for (const auditIntervalMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(refusal(() => kernelOptions({ instance: 'a', auditIntervalMs }))).toBe('auditIntervalMs')
  }
})
