/** Every workspace with a `test` folder is a project named after its folder; so is test-e2e. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const ROOT = import.meta.dirname
const PARENTS = ['packages', 'apps', 'tools']
const CONDITIONS = ['@weft/source', 'node', 'import', 'default']
/** Kernel tests need a root, real or mapped, that may make namespaces (tools/check finds out). */
const kernelTier = process.getuid?.() === 0 && process.env['WEFT_NETNS'] !== 'off'
const kernelTests = kernelTier ? [] : ['test/**/*.kernel.test.ts']

const projects = PARENTS.filter((parent) => existsSync(join(ROOT, parent)))
  .flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => ({ name, parent })))
  .map(({ name, parent }) => ({ name, root: join(ROOT, parent, name) }))
  .filter(({ root }) => existsSync(join(root, 'test')))
  .map(({ name, root }) => ({
    extends: true as const,
    test: { name, root, include: ['test/**/*.test.ts'], exclude: kernelTests },
  }))

/** Those of the end-to-end tests that make hosts, and so run inside a private world. */
const WORLDS = ['scenarios/**/*.e2e.ts', 'docker/**/*.e2e.ts', 'qemu/**/*.e2e.ts']
/** Whole programs take minutes: only `npm test -- --e2e` runs them. */
const endToEnd = [
  { name: 'test-e2e', include: ['**/*.e2e.ts'], exclude: WORLDS },
  { name: 'test-e2e-world', include: WORLDS },
].map((test) => ({
  extends: true as const,
  test: { ...test, root: join(ROOT, 'test-e2e'), testTimeout: 600_000, hookTimeout: 600_000 },
}))

export default defineConfig({
  resolve: { conditions: CONDITIONS },
  ssr: { resolve: { conditions: CONDITIONS } },
  test: {
    // Kernel tests move their own main thread between namespaces: a process for each file.
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=@weft/source'],
    setupFiles: [join(ROOT, 'tools/check/src/console-fails.ts')],
    testTimeout: 30_000,
    projects: process.env['WEFT_E2E'] === '1' ? [...projects, ...endToEnd] : projects,
  },
})
