/** Waiting for the world: poll until a check passes, and say why it did not when it never does. */
import { describeError } from '@weft/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { labError } from './lab-errors.ts'

/** How long to wait for something, and what to call it in the error. */
export interface Patience {
  readonly withinMs: number
  /** Names the thing waited for; left out, the error says 'the check'. */
  readonly what?: string
}

const POLL_FIRST_MS = 1
const POLL_LONGEST_MS = 50

/**
 * Call `check` until it neither throws nor rejects, and resolve to what it returned. Polls quickly
 * at first and every 50 ms later on. Rejects with ERR_NOT_EVENTUALLY, whose `cause` is what the
 * check threw last.
 */
export async function eventually<Result>(
  check: () => Result | Promise<Result>,
  { withinMs, what = 'the check' }: Patience,
): Promise<Result> {
  const deadline = performance.now() + withinMs
  let pauseMs = POLL_FIRST_MS
  for (let attempts = 1; ; attempts++) {
    try {
      return await check()
    } catch (error) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) throw never({ what, withinMs, attempts }, error)
      await sleep(Math.min(pauseMs, leftMs))
      pauseMs = Math.min(pauseMs * 2, POLL_LONGEST_MS)
    }
  }
}

function never(
  facts: { readonly what: string; readonly withinMs: number; readonly attempts: number },
  last: unknown,
): Error {
  const details = { ...facts, last: describeError(last) }
  return labError('ERR_NOT_EVENTUALLY', 'it did not become true in time', details, last)
}
