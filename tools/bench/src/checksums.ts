/** Sums of packet bytes: WebAssembly's, which the switch uses, beside plain TypeScript's. */
import { ByteSum, quickMemory } from '@weft/dataplane-userspace/testing'
import { median } from './statistics.ts'
import type { BenchRow } from './suite.ts'

const RUNS = 3
const SLICES = 40
/** Bytes that a slice sums up, whatever the length of one sum. */
const SLICE_BYTES = 1 << 22
const LENGTHS = [
  ['checksum-64k', 65_536],
  ['checksum-1400', 1_400],
] as const

/** None where there is no WebAssembly. */
export function checksumRows(): readonly BenchRow[] {
  const quick = quickMemory(LENGTHS[0][1])
  if (quick === null) return []
  quick.bytes.forEach((_, at) => (quick.bytes[at] = at * 31))
  const ours = new ByteSum(quick)
  const plain = new ByteSum()
  const against = 'plain TypeScript'
  return LENGTHS.map(([name, length]): BenchRow => {
    const runs = Array.from({ length: RUNS + 1 }, () => {
      const sums = { quick: 0, plain: 0 }
      for (let slice = 0; slice < SLICES; slice++) {
        sums.quick += nanosOf(ours, quick.bytes, length) / SLICES
        sums.plain += nanosOf(plain, quick.bytes, length) / SLICES
      }
      return sums
      // The first is to warm.
    }).slice(1)
    const ratio = median(runs.map((run) => run.plain / run.quick))
    const nanos = median(runs.map((run) => run.quick))
    return { name, median: nanos, unit: 'ns', against, ratio, runs: RUNS }
  })
}

/** Processor time of one sum: what others do on the machine does not count. */
function nanosOf(sums: ByteSum, bytes: Uint8Array, length: number): number {
  const count = Math.ceil(SLICE_BYTES / length)
  const before = process.cpuUsage()
  let sum = 0
  for (let i = 0; i < count; i++) sum ^= sums.of(bytes, 0, length)
  const { user, system } = process.cpuUsage(before)
  // Something must come of it, or it need not be done.
  if (sum < 0) throw new Error('bug: a sum below zero')
  return ((user + system) * 1e3) / count
}
