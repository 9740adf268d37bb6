/** An endpoint goes into the namespace that was meant, and into no other. */
import { hasCode, WeftError } from '@weft/core'
import {
  diff,
  diffProgrammed,
  openContainer,
  programmedOf,
  validate,
  type AcceptedState,
  type NetnsAttachment,
} from '../src/index.ts'
import { expect, test } from 'vitest'
import { ALL, FACTS, local, state } from './states.ts'

const PLACE: NetnsAttachment = { kind: 'netns', path: '/run/netns/c1', ifname: 'eth0' }
const HOST = '4:1'

/** What becomes of an attachment at whose path this namespace is; null for none. */
function outcome(identity: string | undefined, found: string | null): string {
  let open = 0
  const door = {
    underlay: HOST,
    open: () => {
      if (found === null) throw new WeftError('ERR_KERNEL', 'no such file', {})
      open += 1
      const close = (): void => {
        open -= 1
      }
      return { namespace: { identity: found }, close }
    },
  }
  const attachment = identity === undefined ? PLACE : { ...PLACE, identity }
  try {
    openContainer('i', attachment, door).close()
    return open === 0 ? 'opened' : 'left open'
  } catch (error) {
    if (!hasCode(error, 'ERR_ATTACHMENT_MISSING')) throw error
    expect(error.details).toEqual({ item: 'i', attachment: PLACE.path })
    return open === 0 ? error.message : 'left open'
  }
}

test('a namespace that is not there is a missing attachment', () => {
  expect(outcome(undefined, null)).toBe('no such network namespace')
})

test('what is no refusal of the kernel is a bug', () => {
  const open = (): never => {
    throw new TypeError('bug')
  }
  expect(() => openContainer('i', PLACE, { open, underlay: HOST })).toThrow('bug')
})

test('the host’s own namespace is nobody’s, asked for or not', () => {
  const refusal = 'the network namespace is the host’s own, not a container’s'
  expect([outcome(undefined, HOST), outcome(HOST, HOST)]).toEqual([refusal, refusal])
})

test('another namespace than was meant is refused; who does not say takes any', () => {
  expect([outcome(undefined, '4:7'), outcome('4:7', '4:7')]).toEqual(['opened', 'opened'])
  expect(outcome('4:7', '4:8')).toBe('the path leads to another network namespace by now')
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
