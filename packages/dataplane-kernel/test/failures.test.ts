/** The errors of the door to the kernel are refusals of a host, as failure logs know them. */
import { FailureLog } from '@weft/dataplane'
import { kernelError } from '@weft/linux'
import { expect, test } from 'vitest'

test('what the kernel refused becomes the item’s error in the kernel’s own words', () => {
  const log = new FailureLog()
  const attempt = { operation: 'create link', object: 'vxlan0' }
  log.attempt('a', () => {
    throw kernelError(attempt, { errno: 'ENOMEM', diagnostic: 'no room' })
  })
  log.attempt('b', () => {
    throw kernelError(attempt, { errno: 'EPERM', diagnostic: 'not allowed' })
  })
  expect(log.list().map(({ error }) => [error.code, error.details])).toEqual([
    [
      'ERR_HOST',
      { item: 'a', operation: 'create link vxlan0', diagnostic: 'ENOMEM: no room' },
    ],
    ['ERR_UNSUPPORTED', { item: 'b', capability: 'privilege to create link vxlan0' }],
  ])
})
