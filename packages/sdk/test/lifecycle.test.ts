/** Entering and leaving a cluster: one change at a time, and nothing half-made behind a failure. */
import { WeftError } from '@weft/core'
import { describe, expect, test } from 'vitest'
import { JOIN_MS_MAX } from '../src/await-active.ts'
import { Lifecycle, type Enter } from '../src/lifecycle.ts'
import type { Surroundings } from '../src/member.ts'
import { RECORD, TestMember, testSurroundings } from './doubles.ts'

const REFUSED = new WeftError('ERR_INVALID_ARGUMENT', 'refused', {})

/** Writes the record down, as the real ones do. */
function entering(member: TestMember): Enter {
  return async ({ records }) => {
    await records.save({ kind: 'member', record: RECORD })
    return member
  }
}

/** Waits until it is called off. */
const waiting: Enter = (_, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

async function standing({ records }: Surroundings): Promise<string> {
  return (await records.load()).kind
}

describe('entering', () => {
  test('resolves with the member once it is active', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    const states: string[] = []
    lifecycle.events.on('changed', () => states.push(lifecycle.view().state))
    const member = new TestMember({ state: 'pending', isManager: true })
    const entered = lifecycle.enter(entering(member))
    expect(lifecycle.view().state).toBe('pending')
    await until(() => lifecycle.memberOrNull !== null)
    member.become('active')
    expect(await entered).toBe(member)
    expect(lifecycle.view()).toBe(member.agent.view())
    expect(lifecycle.control).toEqual({ isControl: true })
    expect(states).toEqual(['pending', 'pending', 'active'])
  })

  test('a failure leaves the node as it was', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    await expect(lifecycle.enter(() => Promise.reject(REFUSED))).rejects.toBe(REFUSED)
    expect(lifecycle.view()).toMatchObject({ state: 'inactive', error: '' })
    const member = new TestMember({ state: 'pending' })
    const entered = lifecycle.enter(entering(member))
    await until(() => lifecycle.memberOrNull !== null)
    member.become('error', 'removed')
    await expect(entered).rejects.toThrow('removed')
    expect(member.calls).toEqual(['teardown'])
    expect(lifecycle.view().state).toBe('inactive')
    expect(await standing(around)).toBe('none')
  })

  test('twice is refused in Docker’s words, while it goes on and after', async () => {
    const lifecycle = new Lifecycle(testSurroundings())
    const entered = lifecycle.enter(entering(new TestMember()))
    const refusal = { code: 'ERR_PRECONDITION', message: /^This node is already part of a swarm/ }
    await expect(lifecycle.enter(waiting)).rejects.toMatchObject({ code: refusal.code })
    await entered
    await expect(lifecycle.enter(waiting)).rejects.toThrow(refusal.message)
  })

  test('a signal calls it off', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    const controller = new AbortController()
    const entered = lifecycle.enter(waiting, controller.signal)
    controller.abort(REFUSED)
    await expect(entered).rejects.toBe(REFUSED)
    const member = new TestMember({ state: 'pending' })
    const second = new AbortController()
    const again = lifecycle.enter(entering(member), second.signal)
    await until(() => lifecycle.memberOrNull !== null)
    second.abort(REFUSED)
    await expect(again).rejects.toBe(REFUSED)
    expect(member.calls).toEqual(['teardown'])
    expect(await standing(around)).toBe('none')
    const gone = AbortSignal.abort(REFUSED)
    await expect(lifecycle.enter(waiting, gone)).rejects.toBe(REFUSED)
  })

  test('after JOIN_MS_MAX it says so, and goes on', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    const member = new TestMember({ state: 'pending' })
    const entered = lifecycle.enter(entering(member))
    await until(() => lifecycle.memberOrNull !== null)
    let isOver = false
    entered.catch(() => (isOver = true))
    await around.clock.advance(JOIN_MS_MAX - 1)
    await turns()
    expect(isOver).toBe(false)
    const outcome = expect(entered).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    await around.clock.advance(1)
    await outcome
    await expect(entered).rejects.toThrow('Timeout was reached before node joined.')
    expect(lifecycle.view().state).toBe('pending')
    member.become('active')
    expect(lifecycle.view().state).toBe('active')
  })

  test('what fails in the background is told by the view, until the node leaves', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    const { promise, reject } = Promise.withResolvers<never>()
    const entered = lifecycle.enter(() => promise)
    const outcome = expect(entered).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    await around.clock.advance(JOIN_MS_MAX)
    await outcome
    reject(REFUSED)
    await until(() => lifecycle.view().state === 'error')
    expect(lifecycle.view().error).toBe('refused')
    await expect(lifecycle.enter(waiting)).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
    await lifecycle.leave(false)
    expect(lifecycle.view().state).toBe('inactive')
  })
})

describe('leaving', () => {
  test('nothing to leave', async () => {
    const lifecycle = new Lifecycle(testSurroundings())
    await expect(lifecycle.leave(true)).rejects.toThrow('This node is not part of a swarm')
    expect(() => lifecycle.member).toThrow('This node is not part of a swarm')
  })

  test('a worker says goodbye, and keeps nothing', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    const member = new TestMember()
    await lifecycle.enter(entering(member))
    await around.places.agent.write('snapshot', Uint8Array.of(1))
    const left = lifecycle.leave(false)
    expect(lifecycle.view().state).toBe('pending')
    await Promise.all([left, lifecycle.leave(false)])
    expect(member.calls).toEqual(['forget', 'leave', 'teardown'])
    expect(await around.places.agent.read('snapshot')).toBeNull()
    expect(await standing(around)).toBe('none')
    expect(lifecycle.view().state).toBe('inactive')
    await lifecycle.enter(entering(new TestMember()))
  })

  test('the last manager only by force', async () => {
    const lifecycle = new Lifecycle(testSurroundings())
    const member = new TestMember({ isManager: true })
    await lifecycle.enter(entering(member))
    await expect(lifecycle.leave(false)).rejects.toMatchObject({ code: 'ERR_PRECONDITION' })
    await expect(lifecycle.leave(false)).rejects.toThrow('Use `--force` to ignore this message. ')
    expect(member.calls).toEqual([])
    await lifecycle.leave(true)
    expect(lifecycle.control).toBeNull()
  })

  test('peers that do not listen are no reason to stay', async () => {
    const lifecycle = new Lifecycle(testSurroundings())
    const member = new TestMember()
    Reflect.set(member.agent, 'leave', () => Promise.reject(REFUSED))
    await lifecycle.enter(entering(member))
    await lifecycle.leave(false)
    expect(member.calls).toEqual(['forget', 'teardown'])
  })

  test('while it enters: called off', async () => {
    const lifecycle = new Lifecycle(testSurroundings())
    const entered = lifecycle.enter(waiting)
    const outcome = expect(entered).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await lifecycle.leave(false)
    await outcome
    expect(lifecycle.view().state).toBe('inactive')
  })

  test('while it waits to become active: it is left, and torn down once', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    const member = new TestMember({ state: 'pending' })
    const entered = lifecycle.enter(entering(member))
    const outcome = expect(entered).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await until(() => lifecycle.memberOrNull !== null)
    await lifecycle.leave(false)
    await outcome
    expect(member.calls).toEqual(['forget', 'leave', 'teardown'])
    expect(await standing(around)).toBe('none')
  })
})

describe('closing', () => {
  test('detaches, keeps the record, and refuses what comes after', async () => {
    const around = testSurroundings()
    const lifecycle = new Lifecycle(around)
    const member = new TestMember()
    await lifecycle.enter(entering(member))
    const store = await around.records.load()
    await lifecycle.close('detach')
    await lifecycle.close('detach')
    expect(member.calls).toEqual(['detach'])
    expect(store.kind).toBe('member')
    await expect(lifecycle.enter(waiting)).rejects.toMatchObject({ code: 'ERR_NODE_CLOSED' })
  })

  test('while it enters, and while it leaves', async () => {
    const first = new Lifecycle(testSurroundings())
    const outcome = expect(first.enter(waiting)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await first.close('detach')
    await outcome
    const second = new Lifecycle(testSurroundings())
    const member = new TestMember()
    await second.enter(entering(member))
    const left = second.leave(false)
    await second.close('detach')
    await left
    expect(member.calls).toEqual(['forget', 'leave', 'teardown'])
  })
})

/** Lets promises that are settled be heard. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !condition(); turn++) await Promise.resolve()
  expect(condition()).toBe(true)
}
