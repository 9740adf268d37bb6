/** How a case says what it found wrong. */
import { describeError, toHex, WeftError } from '@weft/core'

/** A promise that was not kept. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure'
}

/** What a case checks with; each throws a CheckFailure that says what was wrong. */
export interface Check {
  ok(holds: boolean, what: string): void
  /** There is such a value. */
  some<Value>(value: Value | null | undefined, what: string): Value
  /** Equal in value; arrays in order, maps and sets in any. */
  equal(actual: unknown, expected: unknown, what: string): void
  /** The promise rejects with a WeftError of this code. */
  rejects(promise: Promise<unknown>, code: string, what: string): Promise<void>
}

/** The one implementation of Check. */
export const check: Check = {
  ok(holds, what) {
    if (!holds) throw new CheckFailure(what)
  },
  some(value, what) {
    if (value === null || value === undefined) throw new CheckFailure(`${what}: there is none`)
    return value
  },
  equal(actual, expected, what) {
    const [a, b] = [show(actual), show(expected)]
    if (a !== b) throw new CheckFailure(`${what}: got ${a}, expected ${b}`)
  },
  async rejects(promise, code, what) {
    const got = await promise.then(
      () => 'nothing',
      (error: unknown) => (error instanceof WeftError ? error.code : describeError(error)),
    )
    if (got !== code) throw new CheckFailure(`${what}: got ${got}, expected ${code}`)
  },
}

/** Canonical text of a plain value. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return `<${toHex(value)}>`
  if (value instanceof Map) return `{${[...value].map(entryText).sort().join(', ')}}`
  if (value instanceof Set) return `{${[...value].map(show).sort().join(', ')}}`
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return String(value)
  return `{${Object.entries(value).map(entryText).sort().join(', ')}}`
}

function entryText([key, value]: [unknown, unknown]): string {
  return `${String(key)}: ${show(value)}`
}
