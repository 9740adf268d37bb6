import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { countsOf, readCounts } from '../src/counts.ts'
import { parseOptions, type CheckOptions } from '../src/options.ts'
import { runStep } from '../src/step.ts'
import { staticSteps, testStep } from '../src/steps.ts'
import { listWorkspaces } from '../src/workspaces.ts'

const ROOT = join(import.meta.dirname, '../../..')
const workspaces = listWorkspaces(ROOT)

function options(...argv: string[]): CheckOptions {
  const parsed = parseOptions(argv, workspaces.map(({ name }) => name))
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

function commands(...argv: string[]): string[] {
  return staticSteps(options(...argv), workspaces).map((step) => step.argv.join(' '))
}

describe('the steps', () => {
  test('the graph comes before lint, or the boundary rule would skip itself', () => {
    expect(commands()).toEqual([
      'nx show projects',
      'eslint --max-warnings=0 .',
      'nx run-many --targets=typecheck --output-style=static',
      'tsc -p .',
    ])
  })

  test('are narrowed to the projects named', () => {
    expect(commands('core', 'lab')).toEqual([
      'nx show projects',
      'eslint --max-warnings=0 packages/core tools/lab',
      'nx run-many --targets=typecheck --output-style=static --projects=@weft/core,@weft/lab',
      'tsc -p .',
    ])
  })

  test('can be left out', () => {
    expect(commands('--no-lint', '--no-types')).toEqual([])
    expect(commands('--no-types')).toHaveLength(2)
    expect(commands('--watch')).toEqual([])
  })

  test('tests run inside a private world when there is one', () => {
    const [inside] = testStep(options(), '/counts', true).argv.slice(2)
    expect(inside).toBe('tools/lab/src/enter.ts')
    const outside = testStep(options('core', 'wire'), '/counts', false).argv
    expect(outside.join(' ')).toMatch(/^vitest run .*--project core --project wire .*\/counts$/)
    expect(testStep(options('--watch'), '/counts', false).argv).not.toContain('--reporter=json')
  })
})

describe('a step', () => {
  test('tells how it ended', async () => {
    expect(await runStep(['true'])).toMatchObject({ ok: true, code: 0, interrupted: false })
    expect(await runStep(['sh', '-c', 'exit 7'])).toMatchObject({ ok: false, code: 7 })
    expect(await runStep(['sh', '-c', 'kill -TERM $$'])).toMatchObject({ ok: false, code: 143 })
    const interrupted = await runStep(['sh', '-c', 'kill -INT $$'])
    expect(interrupted).toMatchObject({ ok: false, code: 130, interrupted: true })
  })

  test('sees what it is given, and that a program is missing', async () => {
    const given = { GIVEN: '1' }
    expect(await runStep(['sh', '-c', 'exit $GIVEN'], given)).toMatchObject({ code: 1 })
    await expect(runStep(['/no/such/program'])).rejects.toThrow('cannot run /no/such/program')
  })
})

describe('counts', () => {
  const report = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, testResults: [] }

  test('are those of vitest', () => {
    expect(countsOf(report)).toEqual({ passed: 5, failed: 1, skipped: 2 })
  })

  test('a file that failed before its first test is one failure', () => {
    const broken = { status: 'failed', assertionResults: [] }
    const counted = { status: 'failed', assertionResults: [{ status: 'failed' }] }
    const testResults = [broken, counted, { status: 'passed', assertionResults: [] }]
    expect(countsOf({ ...report, testResults })).toMatchObject({ failed: 2 })
  })

  const broken: unknown[][] = [[null], [{}], [{ ...report, testResults: 1 }], ['text']]

  test.each(broken)('%j is no report', (text) => {
    expect(countsOf(text)).toBeNull()
  })

  test('a run that died leaves none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-check-test-'))
    const file = join(folder, 'counts.json')
    expect(readCounts(file)).toBeNull()
    writeFileSync(file, '{"numPassedTests": 5')
    expect(readCounts(file)).toBeNull()
    writeFileSync(file, JSON.stringify(report))
    expect(readCounts(file)).toEqual({ passed: 5, failed: 1, skipped: 2 })
    rmSync(folder, { recursive: true })
  })
})

describe('workspaces', () => {
  test('are those of npm, by the names that people type', () => {
    expect(workspaces).toContainEqual({
      name: 'core',
      folder: 'packages/core',
      project: '@weft/core',
    })
    expect(workspaces.at(-1)).toEqual({
      name: 'test-e2e',
      folder: 'test-e2e',
      project: '@weft/test-e2e',
    })
  })
})
