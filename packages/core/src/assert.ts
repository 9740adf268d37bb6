/** Assertions stay on in production: a false one is a bug, and a bug must stop its code. */

/**
 * Crash when an invariant does not hold. Never for bad input: bad packets are faults and failed
 * operations are a WeftError.
 */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`bug: ${what}`)
}

/** Mark a branch the type checker proves impossible; reaching it at run time is a bug. */
export function unreachable(value: never): never {
  throw new Error(`bug: unreachable value ${String(value)}`)
}
