/** The heap of large rings. */
import { expect, it } from 'vitest'
import { hasHeap, heapBytes } from '../src/larger-heap.ts'

it('is what rings need: any process has it for hundreds of nodes, and none for thousands', () => {
  expect(heapBytes(1000, 0)).toBe(1_000_000_000)
  expect(heapBytes(5000, 0)).toBe(15_000_000_000)
  expect(heapBytes(1000, 10)).toBe(11_000_000_000)
  expect(hasHeap(heapBytes(0, 0))).toBe(true)
  expect(hasHeap(Number.MAX_SAFE_INTEGER)).toBe(false)
})
