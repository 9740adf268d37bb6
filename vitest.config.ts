import { existsSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Every workspace with a `test` folder is a project named after its folder. */
const roots = ['packages', 'apps', 'tools']
/** Kernel tests need root, real or mapped; the runner (tools/check) says so when they are left out. */
const kernelTests = process.getuid?.() === 0 ? [] : ['test/**/*.kernel.test.ts']

const projects = roots
  .flatMap((root) => readdirSync(root).map((name) => ({ name, root: `${root}/${name}` })))
  .filter(({ root }) => existsSync(`${root}/test`))
  .map(({ name, root }) => ({
    extends: true as const,
    test: { name, root, include: ['test/**/*.test.ts'], exclude: kernelTests },
  }))

export default defineConfig({
  resolve: { conditions: ['@weft/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@weft/source', 'node', 'import', 'default'] } },
  test: {
    pool: 'forks',
    // One setns at a time per process: kernel tests move their own main thread between namespaces.
    fileParallelism: true,
    maxWorkers: 2,
    execArgv: ['--conditions=@weft/source'],
    setupFiles: [resolve('tools/check/src/console-fails.ts')],
    testTimeout: 30_000,
    projects,
  },
})
