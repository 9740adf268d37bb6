/** What we would publish can be installed and used by somebody who has nothing but the tarballs. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, ScratchProject } from './scratch-project.ts'

const ROOT = join(import.meta.dirname, '../..')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
}

const manifests = ['packages', 'apps']
  .flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => join(ROOT, parent, name)))
  .map((folder) => readFileSync(join(folder, 'package.json'), 'utf8'))
  .map((text) => JSON.parse(text) as Manifest)
  .filter((manifest) => manifest.private !== true)
const programs = manifests.flatMap(({ bin = {} }) => Object.entries(bin))
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

/** What our packages need from the registry. */
const outside = manifests
  .flatMap(({ dependencies = {} }) => Object.keys(dependencies))
  .filter((name) => !name.startsWith('@weft/'))

let project: ScratchProject
let tarballs: readonly string[] = []

beforeAll(() => {
  project = new ScratchProject(ROOT)
  // npm links only programs that are there, and when it installs they are not yet.
  for (const [name] of programs) rmSync(join(ROOT, 'node_modules/.bin', name), { force: true })
  run(ROOT, ['npm', 'run', 'build'])
  tarballs = project.pack(manifests.map(({ name }) => name))
  project.install(tarballs, outside)
})

afterAll(() => {
  project[Symbol.dispose]()
})

describe('a build', () => {
  test.each(programs)('puts %s where the README says', (name) => {
    const path = join(ROOT, 'node_modules/.bin', name)
    expect(run(ROOT, [path, '--help'])).toMatch(new RegExp(`^\\s*Usage: +${name} `))
  })
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
    const doors = [...targets, ...Object.values(manifest.bin ?? {})].map((path) => path.slice(2))
    const wanted = ['package.json', 'README.md', 'LICENSE', ...doors]
    expect(listed).toEqual(expect.arrayContaining(wanted.map((path) => `package/${path}`)))
    const ours = /^package\/((dist|src|systemd)\/|package\.json$|[A-Z]+(\.md)?$|$)/
    expect(listed.filter((path) => path !== '' && !ours.test(path))).toEqual([])
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

  test.each(programs)('%s is a program', (name, path) => {
    const help = project.run([join('node_modules/.bin', name), '--help'])
    expect(help).toContain(`Usage:`)
    expect(help).toContain(name)
    expect(path).toMatch(/^\.\/dist\//)
  })

  test.each(programs)('%s has the licences of all that is in it', (name) => {
    const licences = ['node_modules/@weft', name, 'dist/THIRD-PARTY-LICENCES.txt'].join('/')
    expect(project.read(licences)).toMatch(/^commander [0-9.]+ \(MIT\)$/m)
  })

  test('weftd serves weft, with nothing but what was installed', async () => {
    const [weft, weftd] = ['weft', 'weftd'].map((name) => join('node_modules/.bin', name))
    const socket = join(project.folder, 'weft.sock')
    const flags = ['--state', join(project.folder, 'state'), '--socket', socket]
    await using daemon = project.start([weftd ?? '', ...flags, '--dataplane', 'sim'])
    await daemon.says(' ready ')
    const say = (...words: string[]): string =>
      project.run([weft ?? '', '-H', `unix://${socket}`, ...words])
    const at = ['--advertise-addr', '127.93.0.1', '--listen-addr', '127.93.0.1:2377']
    expect(say('swarm', 'init', ...at)).toMatch(/^Swarm initialized/)
    const id = say('network', 'create', '-d', 'overlay', '--attachable', 'blue')
    expect(id).toMatch(/^[a-z0-9]{25}\n$/)
    expect(say('network', 'ls', '--quiet', '--no-trunc')).toContain(id)
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
