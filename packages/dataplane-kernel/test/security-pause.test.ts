/** Looks cost a bounded share of the time, and are never far apart. */
import { expect, test } from 'vitest'
import {
  SECURITY_CHECK_MS,
  securityPause,
  SECURITY_PAUSE_MS_MAX,
} from '../src/security-pause.ts'

test('the pause grows with what a look takes, between its bounds', () => {
  expect(securityPause(0)).toBe(SECURITY_CHECK_MS)
  expect(securityPause(SECURITY_CHECK_MS / 20)).toBe(SECURITY_CHECK_MS)
  expect(securityPause(30)).toBe(600)
  expect(securityPause(SECURITY_PAUSE_MS_MAX / 20)).toBe(SECURITY_PAUSE_MS_MAX)
  expect(securityPause(10_000)).toBe(SECURITY_PAUSE_MS_MAX)
})
