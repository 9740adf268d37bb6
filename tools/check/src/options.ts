/** What `npm test -- …` was asked to do. */

/** Which steps run, over which projects. */
export interface CheckOptions {
  /** Folder names of workspaces, as vitest names its projects; empty means all of them. */
  readonly projects: readonly string[]
  readonly lint: boolean
  readonly types: boolean
  /** Add the end-to-end project, which takes minutes. */
  readonly e2e: boolean
  readonly watch: boolean
  readonly help: boolean
}

/** The text of `npm test -- --help`. */
export const USAGE = `npm test -- [project…] [options]

Runs lint, types and every test this machine allows; names what it cannot run, and why.

  project…      folders of packages/, apps/ and tools/ (default: all), such as: wire linux
  --no-lint     leave lint out
  --no-types    leave the type checks out
  --e2e         run the end-to-end tests of test-e2e/ too
  --watch       only tests, again after each change
  --help        this text

WEFT_REQUIRE=netns,memberlist,docker,qemu makes it a failure when one of these tiers is off.
`

const FLAGS = ['--no-lint', '--no-types', '--e2e', '--watch', '--help']

/** Reads the arguments; a string says what is wrong with them. */
export function parseOptions(
  argv: readonly string[],
  known: readonly string[],
): CheckOptions | string {
  const flags = argv.filter((word) => word.startsWith('-'))
  const projects = argv.filter((word) => !word.startsWith('-'))
  const badFlag = flags.find((flag) => !FLAGS.includes(flag))
  if (badFlag !== undefined) return `unknown option ${badFlag}`
  const badProject = projects.find((name) => !known.includes(name))
  if (badProject !== undefined) return `no project ${badProject}; there are: ${known.join(', ')}`
  const watch = flags.includes('--watch')
  return {
    projects,
    lint: !watch && !flags.includes('--no-lint'),
    types: !watch && !flags.includes('--no-types'),
    e2e: flags.includes('--e2e') || projects.includes('test-e2e'),
    watch,
    help: flags.includes('--help'),
  }
}
