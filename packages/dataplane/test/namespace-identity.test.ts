/** An endpoint goes into the namespace that was meant, and into no other. */
import {
  diff,
  diffProgrammed,
  namespaceError,
  programmedOf,
  validate,
  type AcceptedState,
  type NetnsAttachment,
} from '../src/index.ts'
import { expect, test } from 'vitest'
import { ALL, FACTS, local, state } from './states.ts'

const PLACE: NetnsAttachment = { kind: 'netns', path: '/run/netns/c1', ifname: 'eth0' }
const HOST = '4:1'

const problemOf = (identity: string | undefined, found: string): string | null => {
  const attachment = identity === undefined ? PLACE : { ...PLACE, identity }
  const error = namespaceError('i', attachment, { identity: found, underlay: HOST })
  return error === null ? null : `${error.code} ${error.message}`
}

test('the host’s own namespace is nobody’s, asked for or not', () => {
  const refusal =
    'ERR_ATTACHMENT_MISSING the network namespace is the host’s own, not a container’s'
  expect([problemOf(undefined, HOST), problemOf(HOST, HOST)]).toEqual([refusal, refusal])
})

test('another namespace than was meant is refused; who does not say takes any', () => {
  expect([problemOf(undefined, '4:7'), problemOf('4:7', '4:7')]).toEqual([null, null])
  expect(problemOf('4:7', '4:8')).toBe(
    'ERR_ATTACHMENT_MISSING the path leads to another network namespace by now',
  )
})

const accepted = (identity?: string): AcceptedState => {
  const attachment = identity === undefined ? PLACE : { ...PLACE, identity }
  const web = { ...local('10.0.1.2', 2), attachment }
  const desired = state({ blue: { local: new Map([['web', web]]) } })
  return validate(desired, ALL, FACTS).accepted
}

test('to ask for another namespace is a change; what is found elsewhere is no match', () => {
  expect(diff(accepted('4:7'), accepted('4:7'))).toEqual([])
  expect(diff(accepted('4:7'), accepted('4:8'))).toMatchObject([{ kind: 'local' }])
  expect(diff(accepted(), accepted('4:8'))).toMatchObject([{ kind: 'local' }])
  const found = programmedOf(accepted('4:7'))
  expect(diffProgrammed(found, accepted())).toEqual([])
  expect(diffProgrammed(found, accepted('4:7'))).toEqual([])
  expect(diffProgrammed(found, accepted('4:8'))).toMatchObject([{ kind: 'local' }])
})
