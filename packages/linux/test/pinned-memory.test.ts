/** Where memory lies, and that it is said without making new objects. */
import { expect, test } from 'vitest'
import { PinnedMemory, PLACES_MAX } from '../src/index.ts'

test('a place lies so far behind the first, also when more were asked for than are kept', () => {
  const memory = PinnedMemory.allocate(2 * PLACES_MAX)
  for (let at = 0; at <= PLACES_MAX; at++) memory.addressAt(at)
  for (const at of [0, 1, PLACES_MAX - 1, PLACES_MAX, 2 * PLACES_MAX - 1]) {
    expect(memory.addressAt(at)).toBe(memory.address + at)
    expect(memory.addressAt(at)).toBe(memory.address + at)
  }
})

test('who names the same bytes has the same memory', () => {
  const { bytes } = PinnedMemory.allocate(64)
  const memory = PinnedMemory.over(bytes)
  expect(PinnedMemory.over(bytes)).toBe(memory)
  expect(PinnedMemory.over(bytes.subarray(8)).address).toBe(memory.address + 8)
})
