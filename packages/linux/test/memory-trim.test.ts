/** Memory that is given back: the process is smaller than before. */
import { readFileSync } from 'node:fs'
import koffi from 'koffi'
import { expect, test } from 'vitest'
import { trimMemory } from '../src/memory-trim.ts'

const BLOCK_BYTES = 4096
const BLOCKS = 8192

function residentBytes(): number {
  const status = readFileSync('/proc/self/status', 'latin1')
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
}

const hasTrim = ((): boolean => {
  try {
    koffi.load(null).func('int malloc_trim(size_t pad)')
    return true
  } catch {
    return false
  }
})()

test.skipIf(!hasTrim)('what was freed in the middle of what is kept goes back', () => {
  const lib = koffi.load(null)
  const calloc = lib.func('uintptr_t calloc(size_t n, size_t size)') as (...n: number[]) => number
  const free = lib.func('void free(uintptr_t at)') as (at: number) => void
  const memset = lib.func('void *memset(uintptr_t at, int byte, size_t n)')
  const fill = memset as (at: number, byte: number, n: number) => void
  const blocks = Array.from({ length: BLOCKS }, () => calloc(1, BLOCK_BYTES))
  for (const block of blocks) fill(block, 1, BLOCK_BYTES)
  const kept = blocks.pop() ?? 0
  blocks.forEach(free)
  const before = residentBytes()
  expect(trimMemory()).toBe(true)
  expect(residentBytes()).toBeLessThan(before - (BLOCKS * BLOCK_BYTES) / 2)
  free(kept)
})

test('again, with nothing freed meanwhile, does no harm', () => {
  trimMemory()
  expect(typeof trimMemory()).toBe('boolean')
})
