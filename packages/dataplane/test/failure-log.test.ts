/** A host's refusals as failures of items. */
import { WeftError } from '@weft/core'
import {
  conflictError,
  dependencyError,
  FailureLog,
  hostError,
  itemErrorOf,
  missingError,
} from '../src/index.ts'
import { expect, test } from 'vitest'

const ATTEMPT = { operation: 'create link', object: 'vxlan0' }
const REFUSAL = new WeftError('ERR_KERNEL', 'the kernel refused', {
  ...ATTEMPT,
  errno: 'ENOMEM',
  diagnostic: 'no room',
})

function refuse(): never {
  throw REFUSAL
}

test('a refusal becomes the item’s error in the host’s own words, at once or later', async () => {
  const log = new FailureLog()
  expect(log.attempt('at-once', refuse)).toBe(false)
  expect(await log.attemptAsync('later', async () => refuse())).toBe(false)
  expect(log.list().map(({ error, item }) => [item, error.code, error.details])).toEqual(
    ['at-once', 'later'].map((item) => [
      item,
      'ERR_HOST',
      { item, operation: 'create link vxlan0', diagnostic: 'ENOMEM: no room' },
    ]),
  )
  expect(log.list()[0]?.error.cause).toBe(REFUSAL)
})

test('work that goes well is no failure', async () => {
  const log = new FailureLog()
  expect(log.attempt('a', () => undefined)).toBe(true)
  expect(await log.attemptAsync('a', async () => undefined)).toBe(true)
  expect(log.list()).toEqual([])
})

test.each(['EPERM', 'EACCES'])('%s is a missing capability', (errno) => {
  const error = hostError('i', { errno, diagnostic: 'no', operation: 'create link' })
  expect(error).toMatchObject({
    code: 'ERR_UNSUPPORTED',
    details: { item: 'i', capability: 'privilege to create link' },
  })
})

test('the first failure of an item is the one that is told', () => {
  const log = new FailureLog()
  log.add('a', conflictError('a', 'somebody'))
  log.add('a', dependencyError('a', 'b'))
  expect(log.list().map(({ error }) => error.code)).toEqual(['ERR_CONFLICT'])
  expect([log.has('a'), log.has('b')]).toEqual([true, false])
})

test('an error that is an item’s already passes through', () => {
  const own = missingError('a', '/run/netns/c1')
  expect(itemErrorOf('b', own)).toBe(own)
})

test.each([
  ['a bug', new TypeError('bug')],
  ['an error of something else', new WeftError('ERR_CLOSED', 'bug', {})],
  ['what lacks the facts', new WeftError('ERR_KERNEL', 'bug', ATTEMPT)],
])('%s is no failure: thrown', async (_, bug) => {
  const work = (): never => {
    throw bug
  }
  expect(() => itemErrorOf('b', bug)).toThrow('bug')
  expect(() => new FailureLog().attempt('b', work)).toThrow('bug')
  await expect(new FailureLog().attemptAsync('b', async () => work())).rejects.toThrow('bug')
})
