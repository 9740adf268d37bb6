/** Runs a target on one input in several surroundings and compares what it says. */
import { isDeepStrictEqual } from 'node:util'
import type { FuzzTarget } from './target.ts'

/** A decoder that takes longer for one input has met an input it cannot bound. */
export const CASE_MS_MAX = 1_000

/** What is wrong with a target, or null. */
export type Verdict = string | null

const DIRT_BYTES = 64

/** The input in the middle of a larger buffer whose other bytes are `dirt`. */
function surrounded(input: Uint8Array, dirt: (at: number) => number): Uint8Array {
  const bytes = new Uint8Array(input.length + 2 * DIRT_BYTES)
  for (let at = 0; at < bytes.length; at++) bytes[at] = dirt(at)
  bytes.set(input, DIRT_BYTES)
  return bytes
}

function spread(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Judge one input. The input itself is left as it is. */
export function judge(target: FuzzTarget, input: Uint8Array): Verdict {
  const inside = { start: DIRT_BYTES, end: DIRT_BYTES + input.length }
  const places = [
    // Nothing at all around it: a read outside gives undefined.
    { bytes: Uint8Array.from(input), start: 0, end: input.length },
    { bytes: surrounded(input, (at) => (at * 37 + 11) & 0xff), ...inside },
    { bytes: surrounded(input, (at) => ~(at * 37 + 11) & 0xff), ...inside },
  ]
  const began = performance.now()
  let first: unknown
  if (target.isProgram === true) places.length = 1
  for (const [i, { bytes, start, end }] of places.entries()) {
    let result: unknown
    try {
      result = target.run(bytes, start, end)
    } catch (error) {
      return `threw: ${spread(error)}`
    }
    if (i === 0) first = result
    else if (!isDeepStrictEqual(result, first)) {
      return 'read outside its window: the same bytes elsewhere gave another result'
    }
  }
  const ms = performance.now() - began
  return ms > (target.caseMsMax ?? CASE_MS_MAX) ? `took ${Math.round(ms)} ms for one input` : null
}
