/** What we would publish can be installed and used by somebody who has nothing but the tarballs. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, ScratchProject } from './scratch-project.ts'

const ROOT = join(import.meta.dirname, '../..')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const manifests = readdirSync(join(ROOT, 'packages'))
  .map((name) => readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8'))
  .map((text) => JSON.parse(text) as Manifest)
  .filter((manifest) => manifest.private !== true)
const doors = manifests.flatMap(({ name, exports }) =>
  Object.keys(exports).map((subpath) => name + subpath.slice(1)),
)

const consumer = doors
  .flatMap((door, index) => [
    `import * as door${index} from '${door}'`,
    `export const all${index} = door${index}`,
  ])
  .join('\n')

const tsconfig = (types: readonly string[]): string =>
  JSON.stringify({
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      module: 'nodenext',
      moduleResolution: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      // Our declarations are part of what is checked.
      skipLibCheck: false,
      noEmit: true,
      types,
    },
    files: ['consumer.ts'],
  })

/** What our packages need from the registry, and what that needs: out of our own node_modules. */
const OUTSIDE = ['koffi', '@bufbuild/protobuf', 'libsodium-wrappers', 'libsodium']

let project: ScratchProject
let tarballs: readonly string[] = []

beforeAll(() => {
  project = new ScratchProject(ROOT)
  run(ROOT, ['nx', 'run-many', '--targets=build', '--output-style=static'])
  tarballs = project.pack(manifests.map(({ name }) => name))
  project.install(tarballs, OUTSIDE)
})

afterAll(() => {
  project[Symbol.dispose]()
})

describe('published packages', () => {
  test('are as many as there are tarballs', () => {
    expect(tarballs).toHaveLength(manifests.length)
  })

  test.each(manifests.map((one) => [one.name, one] as const))('%s is whole', (name, manifest) => {
    const tarball = `${name.slice(1).replace('/', '-')}-${manifest.version}.tgz`
    const file = tarballs.find((path) => path.endsWith(`/${tarball}`))
    const listed = execFileSync('tar', ['-tzf', file ?? ''], { encoding: 'utf8' }).split('\n')
    const targets = Object.values(manifest.exports).flatMap((door) => Object.values(door))
    const wanted = ['package.json', 'README.md', 'LICENSE', ...targets.map((path) => path.slice(2))]
    expect(listed).toEqual(expect.arrayContaining(wanted.map((path) => `package/${path}`)))
    const foreign = /^package\/(dist\/|src\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$|$)/
    expect(listed.filter((path) => path !== '' && !foreign.test(path))).toEqual([])
  })

  test('name nothing of the sources in what they run', () => {
    const specifiers = project
      .run(['grep', '-rhoE', "from ['\"][^'\"]+['\"]", '--include=*.js', 'node_modules/@weft'])
      .split('\n')
      .filter((line) => /\.ts['"]$|\/src\//.test(line))
    expect(specifiers.filter((line) => !line.includes('.d.ts'))).toEqual([])
  })

  test('can be imported, each by all its doors', () => {
    project.write('consumer.mjs', consumer)
    const count = 'console.log(Object.keys(all).length)'
    project.write('main.mjs', `import * as all from './consumer.mjs'\n${count}`)
    expect(project.run([process.execPath, 'main.mjs']).trim()).toBe(String(doors.length))
  })

  test('do what they do in the sources', () => {
    const use = "console.log(vni(4096), import.meta.resolve('@weft/core'))"
    project.write('use.mjs', `import { vni } from '@weft/core'\n${use}`)
    expect(project.run([process.execPath, 'use.mjs'])).toMatch(/^4096 file:.*\/dist\/index\.js\n$/)
  })

  test('have declarations that a strict consumer can check', () => {
    project.linkNodeTypes()
    project.write('consumer.ts', consumer)
    project.write('tsconfig.json', tsconfig(['node']))
    expect(project.run([join(ROOT, 'node_modules/.bin/tsc'), '-p', '.'])).toBe('')
  })

  test('have declarations that tell right from wrong', () => {
    const code = "import { vni, type Vni } from '@weft/core'\nexport const a: Vni = vni('4096')\n"
    project.write('wrong.ts', code)
    project.write('tsconfig.json', tsconfig([]).replace('consumer.ts', 'wrong.ts'))
    expect(() => project.run([join(ROOT, 'node_modules/.bin/tsc'), '-p', '.'])).toThrow(
      /wrong\.ts\(2,.*TS2345/,
    )
  })
})
