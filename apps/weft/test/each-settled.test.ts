/** Many requests at once: how many, and in which order they are told of. */
import { expect, test } from 'vitest'
import { eachSettled, REQUESTS_AT_ONCE_MAX } from '../src/each-settled.ts'

test('at most REQUESTS_AT_ONCE_MAX are under way; a failure holds up no other', async () => {
  const items = Array.from({ length: REQUESTS_AT_ONCE_MAX + 2 }, (_, i) => i)
  const open = new Map<number, () => void>()
  let most = 0
  const act = (item: number): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    open.set(item, item === 1 ? () => reject(new Error('no')) : resolve)
    most = Math.max(most, open.size)
    return promise.finally(() => open.delete(item))
  }
  const told: [number, boolean][] = []
  const telling = (async () => {
    for await (const { item, error } of eachSettled(items, act)) told.push([item, error === null])
  })()
  while (told.length < items.length) {
    // The last one first: what is told is in order all the same.
    ;[...open.values()].at(-1)?.()
    await new Promise(setImmediate)
  }
  await telling
  expect(most).toBe(REQUESTS_AT_ONCE_MAX)
  expect(told).toEqual(items.map((item) => [item, item !== 1]))
})
