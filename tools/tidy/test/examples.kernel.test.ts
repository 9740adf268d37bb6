import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findExamples, runExample } from '../src/examples.ts'
import { openRepository } from '../src/repository.ts'

const ROOT = join(import.meta.dirname, '../../..')

describe('examples in READMEs that talk to the kernel', () => {
  const examples = findExamples(openRepository(ROOT)).filter(({ needsKernel }) => needsKernel)

  test('there are some', () => {
    expect(examples.length).toBeGreaterThan(0)
  })

  test.each(examples.map((one) => [one.place, one] as const))('%s runs', async (_, example) => {
    expect(await runExample(ROOT, example)).toBeNull()
  })
})
