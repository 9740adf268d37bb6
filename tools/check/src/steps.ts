/** The steps of the check as commands: what runs, in which order, with what around it. */
import type { CheckOptions } from './options.ts'

/** A command with the name it has in the account. */
export interface Step {
  readonly name: string
  readonly argv: readonly string[]
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** It leaves a tally of tests, so that its failures are counted one by one. */
  readonly tally?: boolean
}

/** A workspace: the folder it is in, and the name that vitest and `npm test -- NAME` use. */
export interface Workspace {
  readonly name: string
  readonly folder: string
  /** Its name in package.json, which is what nx uses. */
  readonly project: string
}

const NODE = [process.execPath, '--conditions=@weft/source']

/**
 * Lint and types. The graph comes first: without a cached one, nx's boundary rule skips itself with
 * a warning and lint passes. Purity is the types of each pure package by itself, without Node's.
 */
export function staticSteps(options: CheckOptions, workspaces: readonly Workspace[]): Step[] {
  const chosen = workspaces.filter(({ name }) => options.projects.includes(name))
  const folders = chosen.length === 0 ? ['.'] : chosen.map(({ folder }) => folder)
  const projects = chosen.length === 0 ? 'tag:io:pure' : names(chosen)
  const graph = { name: 'project graph', argv: ['nx', 'show', 'projects'] }
  const lint = { name: 'lint', argv: ['eslint', '--max-warnings=0', ...folders] }
  const purity = {
    name: 'purity',
    argv: ['nx', 'run-many', '--targets=typecheck', '--output-style=static', `-p=${projects}`],
  }
  const whole = { name: 'types', argv: ['tsc', '-p', '.'] }
  return [
    ...(options.lint || options.types ? [graph] : []),
    ...(options.lint ? [lint] : []),
    ...(options.types ? [purity, whole] : []),
  ]
}

function names(workspaces: readonly Workspace[]): string {
  return workspaces.map(({ project }) => project).join(',')
}

/** The workspace of whole programs, which vitest.config.ts knows only when asked for. */
const END_TO_END = 'test-e2e'
/** Those of its tests that make hosts of their own and run programs on them. */
const WORLDS = 'test-e2e-world'

/**
 * Vitest over the chosen projects; inside a private world, as its root, when there is one. The
 * end-to-end tests come after. Some run outside: they start programs as a user does, and look at
 * what those leave behind. Those that make hosts have a world again, and all of it to one file.
 */
export function testSteps(options: CheckOptions, inWorld: boolean): Step[] {
  const units = options.projects.filter((name) => name !== END_TO_END)
  const world = inWorld ? [...NODE, 'tools/lab/src/enter.ts', '--'] : []
  const tests = { name: 'tests', argv: [...world, ...vitest(options, units)], tally: true }
  const wholes = [
    { name: 'end-to-end tests', argv: vitest(options, [END_TO_END]) },
    {
      name: 'end-to-end tests in a world',
      argv: [...world, ...vitest(options, [WORLDS]), '--no-file-parallelism'],
    },
  ].map((step) => ({ ...step, env: { WEFT_E2E: '1' }, tally: true }))
  const onlyEndToEnd = units.length === 0 && options.projects.includes(END_TO_END)
  return [...(onlyEndToEnd ? [] : [tests]), ...(options.e2e ? wholes : [])]
}

function vitest(options: CheckOptions, projects: readonly string[]): string[] {
  const base = ['vitest', options.watch ? 'watch' : 'run', '--configLoader', 'native']
  const chosen = projects.flatMap((name) => ['--project', name])
  const reporters = ['--reporter=default', '--reporter=./tools/check/src/tally-reporter.ts']
  return [...base, ...chosen, ...(options.watch ? [] : reporters)]
}
