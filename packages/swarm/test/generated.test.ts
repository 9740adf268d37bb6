/** The generated code is what `buf generate` makes of our .proto files now. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const PACKAGE = join(import.meta.dirname, '..')
const ROOT = join(PACKAGE, '../..')

const filesOf = (folder: string): ReadonlyMap<string, string> => {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => name.endsWith('.ts'))
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

it('is up to date', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-generated-'))
  try {
    const bin = join(ROOT, 'node_modules/.bin')
    const cache = { BUF_CACHE_DIR: join(folder, 'cache') }
    const env = { ...process.env, ...cache, PATH: `${bin}:${process.env['PATH']}` }
    // Where to write is relative to the place that -o names.
    const words = ['generate', '-o', join(folder, 'proto')]
    execFileSync(join(bin, 'buf'), words, { cwd: join(PACKAGE, 'proto'), env, stdio: 'pipe' })
    const made = filesOf(join(folder, 'src/generated'))
    expect(made).toEqual(filesOf(join(PACKAGE, 'src/generated')))
    expect(made.size).toBe(3)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
