import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeOffence } from '../src/law.ts'
import { laws } from '../src/laws.ts'
import { openRepository } from '../src/repository.ts'

const repository = openRepository(join(import.meta.dirname, '../../..'))

describe('this repository', () => {
  test.each(laws.map((law) => [law.name, law] as const))('%s', (_name, law) => {
    expect(law.find(repository).map(describeOffence)).toEqual([])
  })
})
