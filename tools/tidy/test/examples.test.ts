import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findExamples, runExample, typeFaults } from '../src/examples.ts'
import { memoryRepository, openRepository } from '../src/repository.ts'
import { lawful } from './planted.ts'

const ROOT = join(import.meta.dirname, '../../..')
const examples = findExamples(openRepository(ROOT))

describe('the examples in READMEs', () => {
  test('type-check', () => {
    expect(Object.fromEntries(typeFaults(ROOT, examples))).toEqual({})
  })

  const pure = examples.filter(({ needsKernel }) => !needsKernel)
  test.each(pure.map((one) => [one.place, one] as const))('%s runs', async (_, example) => {
    expect(await runExample(ROOT, example)).toBeNull()
  })
})

describe('the search for examples', () => {
  const kernel = "```ts\nimport { x } from '@weft/linux'\n```\n"

  test('takes what is under Use in packages, and all at the root', () => {
    const readme = `# Weft\n${kernel}## More\n${kernel}`
    const world = memoryRepository({ ...lawful, 'README.md': readme })
    expect(findExamples(world).map(({ place, needsKernel }) => [place, needsKernel])).toEqual([
      ['README.md:3', true],
      ['README.md:7', true],
      ['packages/a/README.md:5', false],
    ])
  })
})

describe('an example that is wrong is found', () => {
  const example = (code: string) => ({ place: 'README.md:1', code, needsKernel: false })

  test.each([
    ['a type', "import { VNI_MAX } from '@weft/core'\nexport const s: string = VNI_MAX"],
    ['a name that is not exported', "import { gone } from '@weft/core'\ngone()"],
    ['a package that does not exist', "import { gone } from '@weft/gone'\ngone()"],
  ])('by its types: %s', (_, code) => {
    expect(typeFaults(ROOT, [example(code)]).get('README.md:1')).toHaveLength(1)
  })

  test('by its end', async () => {
    const failing = "import assert from 'node:assert/strict'\nassert.equal(1 + 1, 3)"
    expect(await runExample(ROOT, example(failing))).toContain('AssertionError')
    expect(await runExample(ROOT, example('process.exit(0)'))).toBeNull()
  })
})
