/** The store in memory keeps the contract of stores. */
import { storeCases } from '@weft/core/testing'
import { expect, test } from 'vitest'
import { MemoryStore } from '../src/index.ts'

for (const { name, run } of storeCases) test(name, () => run(new MemoryStore()))

test('a successor finds what was written, and the predecessor is closed', async () => {
  const store = new MemoryStore()
  const write = { key: 'a', value: new Uint8Array([1]) }
  const revision = await store.commit({ checks: [], writes: [write] })
  const successor = store.reopen()
  expect(await successor.list('')).toEqual([{ ...write, revision }])
  await expect(store.list('')).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
})
