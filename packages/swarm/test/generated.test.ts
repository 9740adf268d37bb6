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
    const template = {
      version: 'v2',
      plugins: [
        {
          local: join(bin, 'protoc-gen-es'),
          out: folder,
          opt: [
            'target=ts',
            'import_extension=ts',
            'erasable_syntax=true',
            'elide_plugin_version=true',
          ],
        },
      ],
    }
    const words = ['generate', '--template', JSON.stringify(template)]
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, BUF_CACHE_DIR: folder }
    execFileSync(join(bin, 'buf'), words, { cwd: PACKAGE, env, stdio: 'pipe' })
    expect(filesOf(folder)).toEqual(filesOf(join(PACKAGE, 'src/generated')))
    expect(filesOf(folder).size).toBe(3)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
