import { describe, expect, test } from 'vitest'
import { laws } from '../src/laws.ts'
import { findings } from './planted.ts'

describe('every law', () => {
  test.each(laws.map((law) => [law.name, law] as const))('finds nothing wrong: %s', (_, law) => {
    expect(findings(law, {})).toEqual([])
  })

  test('has a name of its own', () => {
    expect(new Set(laws.map(({ name }) => name)).size).toBe(laws.length)
  })
})
