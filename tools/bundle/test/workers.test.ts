/** Threads that our packages start are found, each with a source of its own. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { workersOf } from '../src/workers.ts'

const PACKAGES = join(import.meta.dirname, '../../../packages')

test('all of them have a file', () => {
  const workers = globSync('*/src/**/*.ts', { cwd: PACKAGES })
    .map((path) => join(PACKAGES, path))
    .flatMap((path) => workersOf(path, readFileSync(path, 'utf8')))
  expect(workers.map(({ name }) => name)).toContain('poll-worker')
  expect(workers.map(({ path }) => path).filter((path) => !existsSync(path))).toEqual([])
})
