/** The compliance suite can see: dataplanes that break one promise each are caught. */
import { complianceCases, runCase } from '@weft/dataplane/compliance'
import { openSimLab } from '../src/lab/index.ts'
import { describe, expect, test } from 'vitest'
import { lies } from './lying.ts'

describe('planted bugs', () => {
  test('there are enough of them, each with a name of its own', () => {
    expect(new Set(lies.map(({ name }) => name)).size).toBe(lies.length)
    expect(lies.length).toBeGreaterThanOrEqual(20)
  })

  test.each(lies)('$name: caught by $caughtBy', async ({ caughtBy, variant }) => {
    const testCase = complianceCases.find(({ name }) => name === caughtBy)
    if (testCase === undefined) throw new Error(`no case named ${caughtBy}`)
    const honest = await runCase(testCase, openSimLab())
    expect(honest).toEqual({ result: 'passed' })
    const outcome = await runCase(testCase, openSimLab(variant))
    expect(outcome.result).toBe('failed')
    // A promise found broken, and not merely a case that broke off on a clumsy bug.
    expect(outcome).toMatchObject({ reason: expect.not.stringContaining('broke off') as string })
  })
})
