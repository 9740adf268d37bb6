/** Giving memory back to the kernel that the C library keeps for later. */
import koffi from 'koffi'

/** malloc_trim(3): 1 when something was given back. */
type Trim = (pad: number) => number

let trim: Trim | null | undefined

/**
 * Give back what was freed and is kept, as by V8 after it has compiled. Some milliseconds at most;
 * false where there was nothing, or where the C library has no such call (only glibc has).
 */
export function trimMemory(): boolean {
  trim ??= find()
  return trim !== null && trim(0) === 1
}

function find(): Trim | null {
  try {
    return koffi.load(null).func('int malloc_trim(size_t pad)') as Trim
  } catch {
    return null
  }
}
