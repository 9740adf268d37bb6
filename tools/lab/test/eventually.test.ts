/** Polling: resolves with the first success, reports the last failure. */
import { describe, expect, it } from 'vitest'
import { eventually } from '../src/eventually.ts'

describe('eventually', () => {
  it('resolves to what the check returned once it passes', async () => {
    let calls = 0
    const check = (): string => {
      if (++calls < 4) throw new Error(`not yet (${calls})`)
      return 'there'
    }
    await expect(eventually(check, { withinMs: 5_000 })).resolves.toBe('there')
    expect(calls).toBe(4)
  })

  it('rejects with the last failure and what was waited for', async () => {
    let calls = 0
    const check = async (): Promise<never> => {
      throw new Error(`failure ${++calls}`)
    }
    const failing = eventually(check, { withinMs: 20, what: 'the impossible' })
    const error = await failing.catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'ERR_NOT_EVENTUALLY',
      details: { what: 'the impossible', withinMs: 20, attempts: calls, last: `failure ${calls}` },
      cause: { message: `failure ${calls}` },
    })
    expect(calls).toBeGreaterThan(1)
  })

  it('checks once even when no time is left', async () => {
    await expect(eventually(() => 1, { withinMs: 0 })).resolves.toBe(1)
  })
})
