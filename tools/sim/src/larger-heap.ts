/** Rings of thousands take more memory than V8 allows itself. */
import { spawnSync } from 'node:child_process'
import { getHeapStatistics } from 'node:v8'

/** What a simulated node takes for each other and two attachments of it, and for its own rows. */
const PAIR_BYTES = 400
const NODE_BYTES = 400_000

/** For each row of others that it holds. */
const ROW_BYTES = 800

/** A heap that is nearly full is swept again and again: a quarter more is left free. */
const ROOM = 1.25

const MEGABYTE = 2 ** 20
const LIMIT = '--max-old-space-size'

/** The heap that a ring of so many nodes takes, in bytes; each holds so many rows of each other. */
export function heapBytes(nodes: number, rowsEach: number): number {
  return ROOM * nodes * (NODE_BYTES + nodes * (PAIR_BYTES + rowsEach * ROW_BYTES))
}

/** Whether this process may have a heap of so many bytes, or was told what it may have. */
export function hasHeap(bytes: number): boolean {
  const isTold = process.execArgv.some((word) => word.startsWith(LIMIT))
  return isTold || getHeapStatistics().heap_size_limit >= bytes
}

/** Run this very command in a process that may; its exit code. */
export function runInLargerHeap(bytes: number): number {
  const limit = `${LIMIT}=${Math.ceil(bytes / MEGABYTE)}`
  const words = [...process.execArgv, limit, ...process.argv.slice(1)]
  const { status } = spawnSync(process.execPath, words, { stdio: 'inherit' })
  return status ?? 1
}
