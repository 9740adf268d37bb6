/** Copies between places in arrays. */

/** Up to so many bytes a loop is as quick as a call. */
const LOOP_BYTES = 64

/**
 * Copy a window to `at` in `target`, as if all of it were read before any was written. Within one
 * array, and for a few bytes, nothing is allocated; else it takes a short-lived view.
 */
export function copyBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (bytes === target) target.copyWithin(at, start, end)
  else if (end - start > LOOP_BYTES) target.set(bytes.subarray(start, end), at)
  else for (let i = start; i < end; i++) target[at + i - start] = bytes[i] as number
}
