/** The kernel's refusals as failures of items. */
import { kernelError } from '@weft/linux'
import { expect, test } from 'vitest'
import { conflict, dependency, FailureLog, hostError, itemErrorOf } from '../src/failures.ts'

const refusal = { operation: 'create link', object: 'vxlan0' }

test('a refusal becomes the item’s error in the kernel’s own words', () => {
  const log = new FailureLog()
  const done = log.attempt('networks/blue', () => {
    throw kernelError(refusal, { errno: 'ENOMEM', diagnostic: 'no room' })
  })
  expect(done).toBe(false)
  expect(log.list()).toMatchObject([
    {
      item: 'networks/blue',
      error: {
        code: 'ERR_HOST',
        details: {
          item: 'networks/blue',
          operation: 'create link vxlan0',
          diagnostic: 'ENOMEM: no room',
        },
      },
    },
  ])
})

test('a missing privilege is a missing capability', () => {
  const error = hostError('i', { errno: 'EPERM', diagnostic: 'no', operation: 'create link' })
  expect(error).toMatchObject({
    code: 'ERR_UNSUPPORTED',
    details: { item: 'i', capability: 'privilege to create link' },
  })
})

test('the first failure of an item is the one that is told', () => {
  const log = new FailureLog()
  log.add('a', conflict('a', 'somebody'))
  log.add('a', dependency('a', 'b'))
  expect(log.list().map(({ error }) => error.code)).toEqual(['ERR_CONFLICT'])
  expect([log.has('a'), log.has('b')]).toEqual([true, false])
})

test('an error that is an item’s already passes through; a bug is no failure', () => {
  const own = conflict('a', 'somebody')
  expect(itemErrorOf('b', own)).toBe(own)
  expect(() => itemErrorOf('b', new TypeError('bug'))).toThrow('bug')
  expect(() => new FailureLog().attempt('b', () => expect.fail('bug'))).toThrow('bug')
})
