import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseOptions, type CheckOptions } from '../src/options.ts'
import { runStep } from '../src/step.ts'
import { staticSteps, testSteps } from '../src/steps.ts'
import { describeSkips, readTally, sumTallies } from '../src/tally.ts'
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
      'nx run-many --targets=typecheck --output-style=static -p=tag:io:pure',
      'tsc -p .',
    ])
  })

  test('are narrowed to the projects named', () => {
    expect(commands('core', 'lab')).toEqual([
      'nx show projects',
      'eslint --max-warnings=0 packages/core tools/lab',
      'nx run-many --targets=typecheck --output-style=static -p=@weft/core,@weft/lab',
      'tsc -p .',
    ])
  })

  test('can be left out', () => {
    expect(commands('--no-lint', '--no-types')).toEqual([])
    expect(commands('--no-types')).toHaveLength(2)
    expect(commands('--watch')).toEqual([])
  })

  test('tests run inside a private world when there is one', () => {
    const [inside] = testSteps(options(), true)
    expect(inside?.argv[2]).toBe('tools/lab/src/enter.ts')
    const [outside] = testSteps(options('core', 'wire'), false)
    expect(outside?.argv.join(' ')).toMatch(/^vitest run .*--project core --project wire .*tally/)
    const [watched] = testSteps(options('--watch'), false)
    expect(watched?.argv.join(' ')).not.toContain('reporter')
  })

  test('end-to-end tests come last, those that make hosts inside of a world', () => {
    const named = (...argv: string[]): string[] =>
      testSteps(options(...argv), true).map(({ name }) => name)
    expect(named()).toEqual(['tests'])
    const wholes = ['end-to-end tests', 'end-to-end tests in a world']
    expect(named('--e2e')).toEqual(['tests', ...wholes])
    expect(named('core', 'test-e2e')).toEqual(['tests', ...wholes])
    expect(named('test-e2e')).toEqual(wholes)
    const [, outside, inside] = testSteps(options('--e2e'), true)
    expect(outside?.argv.join(' ')).toMatch(/^vitest run .*--project test-e2e /)
    expect(outside?.env).toEqual({ WEFT_E2E: '1' })
    expect(inside?.argv[2]).toBe('tools/lab/src/enter.ts')
    expect(inside?.argv.join(' ')).toMatch(/vitest run .*--project test-e2e-world .*--no-file-par/)
    const [, , without] = testSteps(options('--e2e'), false)
    expect(without?.argv[0]).toBe('vitest')
  })

  test('the sum of several runs is one run', () => {
    const skips = [{ name: 'a', reason: 'b' }]
    const one = { passed: 2, failed: 1, skips }
    expect(sumTallies([one, one])).toEqual({ passed: 4, failed: 2, skips: [...skips, ...skips] })
    expect(sumTallies([])).toEqual({ passed: 0, failed: 0, skips: [] })
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

describe('the tally', () => {
  /** Runs vitest, with our reporter, over test files made for the purpose. */
  async function tally(files: Readonly<Record<string, string>>): Promise<unknown> {
    mkdirSync(join(ROOT, '.weft'), { recursive: true })
    const folder = mkdtempSync(join(ROOT, '.weft/tally-'))
    const file = join(folder, 'tally.json')
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const reporter = join(ROOT, 'tools/check/src/tally-reporter.ts')
    writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {}')
    const argv = ['vitest', 'run', '--root', folder, '--reporter', reporter]
    await runStep(['sh', '-c', '"$@" >/dev/null 2>&1', 'sh', ...argv], { WEFT_TALLY: file })
    const read = readTally(file)
    rmSync(folder, { recursive: true })
    return read
  }

  const head = "import { expect, test } from 'vitest'\n"

  test('is that of vitest, with the reasons of skips', async () => {
    const code = [
      "test('a', () => {})",
      "test('b', () => { expect(1).toBe(2) })",
      "test('c', (context) => { context.skip('needs a moon') })",
    ]
    expect(await tally({ 'a.test.ts': head + code.join('\n') })).toEqual({
      passed: 1,
      failed: 1,
      skips: [{ name: expect.stringMatching(/: c$/), reason: 'needs a moon' }],
    })
  })

  test('counts files that break and errors outside of tests', async () => {
    const late = "test('a', () => { setTimeout(() => { throw new Error('late') }, 1) })\n"
    const wait = "test('b', () => new Promise((resolve) => setTimeout(resolve, 200)))"
    const files = { 'a.test.ts': "import './gone.ts'", 'b.test.ts': head + late + wait }
    expect(await tally(files)).toEqual({ passed: 2, failed: 2, skips: [] })
  })

  test('of a run that died is none', () => {
    expect(readTally('/no/such/file')).toBeNull()
    expect(readTally(join(ROOT, 'LICENSE'))).toBeNull()
  })

  test('is told by reason', () => {
    const skip = (name: string, reason: string) => ({ name, reason })
    expect(describeSkips([skip('a', 'needs x'), skip('b', ''), skip('c', 'needs x')])).toEqual([
      'needs x (a, and 1 more)',
      'no reason given (b)',
    ])
    const name = 'tun (this machine has no /dev/net/tun) > opens (2)'
    expect(describeSkips([skip(name, '')])).toEqual([`this machine has no /dev/net/tun (${name})`])
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
