import { describe, expect, test } from 'vitest'
import { parseOptions, USAGE } from '../src/options.ts'

const KNOWN = ['core', 'wire', 'test-e2e']
const ALL = { projects: [], lint: true, types: true, e2e: false, watch: false, help: false }

describe('the options of npm test', () => {
  test.each([
    [[], ALL],
    [['wire', 'core'], { ...ALL, projects: ['wire', 'core'] }],
    [['--no-lint'], { ...ALL, lint: false }],
    [['--no-types', 'core'], { ...ALL, types: false, projects: ['core'] }],
    [['--e2e'], { ...ALL, e2e: true }],
    [['test-e2e'], { ...ALL, e2e: true, projects: ['test-e2e'] }],
    [['--watch'], { ...ALL, watch: true, lint: false, types: false }],
    [['--help'], { ...ALL, help: true }],
  ])('%j', (argv, options) => {
    expect(parseOptions(argv, KNOWN)).toEqual(options)
  })

  test.each([
    [['--no-lnt'], 'unknown option --no-lnt'],
    [['-h'], 'unknown option -h'],
    [['wires'], 'no project wires; there are: core, wire, test-e2e'],
  ])('%j is refused with its reason', (argv, reason) => {
    expect(parseOptions(argv, KNOWN)).toBe(reason)
  })

  test('each flag that is understood is explained', () => {
    for (const flag of ['--no-lint', '--no-types', '--e2e', '--watch', '--help']) {
      expect(typeof parseOptions([flag], KNOWN)).toBe('object')
      expect(USAGE).toContain(flag)
    }
  })
})
