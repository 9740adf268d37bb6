import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ESLint } from 'eslint'
import { beforeAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')

// Where CI=true the parser takes files from the disk, once, and never sees a planted text.
process.env['TSESTREE_SINGLE_RUN'] = 'false'

const eslint = new ESLint({ cwd: ROOT })
// Files that exist: the text is planted, the place decides which rules hold.
const PURE = 'packages/core/src/vni.ts'
const TEST = 'packages/core/test/values.test.ts'
const WIRE = 'packages/wire/src/vxlan.ts'

/** Rules that a planted text breaks when it stands in a file. */
async function broken(code: string, file: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath: join(ROOT, file) })
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message)
}

beforeAll(() => {
  // Without a cached graph the boundary rule is silent.
  execFileSync('nx', ['show', 'projects'], { cwd: ROOT, stdio: 'pipe' })
}, 60_000)

describe('lint finds', () => {
  test.each([
    ['no-restricted-globals', 'export const at = Date.now()'],
    ['no-restricted-globals', 'export const at = (): unknown => new Date()'],
    ['no-restricted-properties', 'export const n = Math.random()'],
    ['no-restricted-properties', 'export const n = Math.log(2)'],
    ['no-restricted-properties', 'export const n = Math.pow(2, 3)'],
    ['no-restricted-properties', 'export const n = Promise.race([])'],
    ['no-restricted-syntax', "export * from './mac.ts'"],
    ['no-restricted-syntax', 'const n = 1\nexport default n'],
    ['no-console', 'console.log(1)'],
    ['@typescript-eslint/no-explicit-any', 'export const n: any = 1'],
    ['@typescript-eslint/no-unsafe-return', 'export const n = (): number => JSON.parse("1")'],
    ['@typescript-eslint/no-non-null-assertion', 'export const f = (n?: number): number => n!'],
    ['@typescript-eslint/no-floating-promises', 'async function f(): Promise<void> {}\nf()'],
    ['@typescript-eslint/no-misused-promises', 'export const f = (p: Promise<1>) => (p ? 1 : 2)'],
    ['@typescript-eslint/no-unnecessary-condition', 'export const f = (n: 1) => n ?? 2'],
    ['@typescript-eslint/consistent-type-imports', "import { Mac } from './mac.ts'\nlet m: Mac"],
    ['@typescript-eslint/only-throw-error', "throw 'text'"],
    [
      '@typescript-eslint/switch-exhaustiveness-check',
      "export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1 } return 2 }",
    ],
    ['eqeqeq', 'export const f = (n: number) => n == 1'],
    ['semi', 'export const n = 1;'],
    ['quotes', 'export const n = "a"'],
  ])('%s in a pure package: %s', async (rule, code) => {
    expect(await broken(code, PURE)).toContain(rule)
  })

  test.each([
    ['no-restricted-properties', "import { vi } from 'vitest'\nvi.mock('./a.ts')"],
    ['no-restricted-properties', "import { vi } from 'vitest'\nvi.useFakeTimers()"],
    ['no-restricted-properties', 'export const n = Math.random()'],
  ])('%s in a test: %s', async (rule, code) => {
    expect(await broken(code, TEST)).toContain(rule)
  })

  test.each([
    ['a layer above', "import { diff } from '@weft/dataplane'\nexport const d = diff"],
    ['a type of a layer above', "import type { Dataplane } from '@weft/dataplane'"],
    ['a layer above, later', "export const d = async () => import('@weft/dataplane')"],
    ['a neighbour', "import { x } from '@weft/linux'\nexport const d = x"],
    ['a neighbour by its path', "import { x } from '../../linux/src/index.ts'\nexport const d = x"],
    ['what package.json does not name', "import koffi from 'koffi'\nexport const d = koffi"],
  ])('an import of %s', async (_, code) => {
    expect(await broken(code, WIRE)).toContain('@nx/enforce-module-boundaries')
  })

  // nx does not see these; consistent-type-imports forbids them, and tools/tidy checks the layer.
  test('an import inside a type', async () => {
    const code = "export type D = import('@weft/dataplane').Dataplane"
    expect(await broken(code, WIRE)).toContain('@typescript-eslint/consistent-type-imports')
  })

  test('nothing in a file that keeps the rules', async () => {
    expect(await broken('/** One. */\nexport const one = 1', PURE)).toEqual([])
    const below = "import { u16 } from '@weft/core'\n\nexport const read = u16"
    expect(await broken(below, WIRE)).toEqual([])
  })
})
