/** Options of a live host's dataplane are complete and checked where they are made. */
import { hasCode } from '@weft/core'
import { AUDIT_INTERVAL_MS, hostOptions, INSTANCE_LENGTH_MAX } from '../src/index.ts'
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

test('what is not given has the usual value, and what is given replaces it', () => {
  const usual = { underlayNamespace: null, auditIntervalMs: AUDIT_INTERVAL_MS }
  const own = { directory: '/run/netns' }
  expect(hostOptions({ instance: 'a' }, own)).toEqual({ instance: 'a', ...usual, ...own })
  const given = { instance: 'a', underlayNamespace: '/n', auditIntervalMs: 1, directory: '/d' }
  expect(hostOptions(given, own)).toEqual(given)
  expect(Object.isFrozen(hostOptions(given, own))).toBe(true)
})

test('an instance is a short name that is fit for a file name', () => {
  const longest = 'i'.repeat(INSTANCE_LENGTH_MAX)
  for (const instance of ['a', 'A.b_c-9', longest]) {
    expect(refusal(() => hostOptions({ instance }, {}))).toBe('accepted')
  }
  for (const instance of ['', '.hidden', 'a/b', 'a b', 'ä', `${longest}i`]) {
    expect(refusal(() => hostOptions({ instance }, {})), instance).toBe('instance')
  }
})

test('an audit interval is a time above nothing', () => {
  for (const auditIntervalMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const make = (): unknown => hostOptions({ instance: 'a', auditIntervalMs }, {})
    expect(refusal(make)).toBe('auditIntervalMs')
  }
})
