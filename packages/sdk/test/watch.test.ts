/** Watches: the value now, then the newest after each change. */
import { expect, test } from 'vitest'
import { watch } from '../src/watch.ts'

function source() {
  const wakers = new Set<() => void>()
  const state = {
    value: 1,
    listeners: () => wakers.size,
    set(value: number) {
      state.value = value
      for (const wake of wakers) wake()
    },
  }
  const watched = {
    read: () => state.value,
    subscribe: (wake: () => void) => {
      wakers.add(wake)
      return { [Symbol.dispose]: () => void wakers.delete(wake) }
    },
  }
  return { state, watched }
}

test('yields now, then what changed, and skips what was overtaken', async () => {
  const { state, watched } = source()
  const values = watch(watched)
  expect(await values.next()).toEqual({ value: 1, done: false })
  state.set(2)
  state.set(3)
  expect(await values.next()).toEqual({ value: 3, done: false })
  const later = values.next()
  state.set(3)
  state.set(4)
  expect(await later).toEqual({ value: 4, done: false })
  await values.return()
  expect(state.listeners()).toBe(0)
})

test('a signal ends it with its reason', async () => {
  const { state, watched } = source()
  const controller = new AbortController()
  const values = watch(watched, controller)
  await values.next()
  const next = values.next()
  controller.abort(new Error('enough'))
  await expect(next).rejects.toThrow('enough')
  expect(state.listeners()).toBe(0)
})
