/** Whole programs: what they come to runs, beside what was there; what cannot be is refused. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bundleProgram, LICENCES_FILE } from '../src/bundle-program.ts'
import { PlantedPackage, type Files } from './planted-package.ts'

const MAIN = `#!/usr/bin/env node
import { STATUS_CODES } from 'node:http'
import { name } from 'other'
import { shared } from './shared.ts'
const later = await import('./later.ts')
console.log(name, shared, STATUS_CODES[204], later.loaded)
`

const FILES: Files = {
  'package.json': '{"name":"planted","type":"module","dependencies":{}}',
  'src/main.ts': MAIN,
  'src/shared.ts': `export const shared: string = 'shared'\n`,
  'src/later.ts': `import { shared } from './shared.ts'\nexport const loaded = 'later ' + shared\n`,
  'dist/index.js': 'the door\n',
  'dist/main.js': 'of the compiler\n',
  'node_modules/other/package.json':
    '{"name":"other","version":"1.2.3","license":"MIT","main":"main.js","type":"module"}',
  'node_modules/other/main.js': `// Copyright 1999 Somebody\nexport const name = 'other'\n`,
  'node_modules/other/LICENSE': 'Do as you like.\n',
}

/** Prints which of Node's own modules were loaded, at the end. */
const SAYS_UNDICI = `
process.on('exit', () => console.log(process.moduleLoadList.some((name) => /undici/.test(name))))
`

test('a program comes to what is needed at once and what is loaded later', async () => {
  using planted = new PlantedPackage(FILES)
  const files = await bundleProgram(planted.folder)
  expect(files).toEqual(expect.arrayContaining(['main.js', 'main.later.js', LICENCES_FILE]))
  expect(planted.run('dist/main.js')).toBe('other shared No Content later shared\n')
  expect(planted.read('dist/index.js')).toBe('the door\n')
  expect(statSync(join(planted.folder, 'dist/main.js')).mode & 0o777).toBe(0o755)
  expect(planted.read('dist/main.js')).toMatch(/^#!\/usr\/bin\/env node\n/)
  expect(planted.read('dist/main.js')).toMatch(/\/\/# sourceMappingURL=main\.js\.map$/)
  const map = JSON.parse(planted.read('dist/main.js.map')) as { sources: string[] }
  expect(map.sources).toContain('../src/main.ts')
})

test('the licences of what is in it stand beside it', async () => {
  using planted = new PlantedPackage(FILES)
  await bundleProgram(planted.folder)
  const text = planted.read(`dist/${LICENCES_FILE}`)
  expect(text).toMatch(/other 1\.2\.3 \(MIT\)[\s\S]*Do as you like\.\n\nCopyright 1999 Somebody\n/)
})

test('node:http comes without undici', async () => {
  using planted = new PlantedPackage(FILES)
  planted.write({ 'src/main.ts': SAYS_UNDICI + MAIN.split('\n').slice(1).join('\n') })
  await bundleProgram(planted.folder)
  expect(planted.run('dist/main.js')).toMatch(/\nfalse\n$/)
  // Node may mend it: then the plugin can go.
  planted.write({ 'plain.mjs': `${SAYS_UNDICI}import { STATUS_CODES } from 'node:http'\n` })
  expect(planted.run('plain.mjs')).toBe('true\n')
})

test('a thread is one file beside the program', async () => {
  using planted = new PlantedPackage(FILES)
  planted.write({
    'src/main.ts': `import './starter.ts'\n`,
    'src/starter.ts': `
import { Worker } from 'node:worker_threads'
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const worker = new Worker(new URL(\`./odd-worker.\${extension}\`, import.meta.url))
worker.on('message', (text: string) => console.log(text))
`,
    'src/odd-worker.ts': `
import { parentPort } from 'node:worker_threads'
import { shared } from './shared.ts'
parentPort?.postMessage('from a thread: ' + shared)
`,
  })
  expect(await bundleProgram(planted.folder)).toContain('odd-worker.js')
  expect(planted.run('dist/main.js')).toBe('from a thread: shared\n')
})

test('what is bundled runs on the least Node: `using` is taken apart', async () => {
  using planted = new PlantedPackage(FILES)
  const code = `using it = { [Symbol.dispose]: () => console.log('gone') }\n`
  planted.write({ 'src/main.ts': `${code}console.log(typeof it)\n` })
  await bundleProgram(planted.folder)
  expect(planted.read('dist/main.js')).not.toMatch(/^\s*using /m)
  expect(planted.run('dist/main.js')).toBe('object\ngone\n')
})

test.each([
  ['a file in the place of another', { 'dist/main.later.js': '' }, /main\.later\.js is there/],
  ['an import that nobody names', { 'src/later.ts': `import 'koffi'` }, /does not name koffi/],
  ['an import that is not there', { 'src/later.ts': `import './gone.ts'` }, /gone/],
  [
    'a package of unknown terms',
    { 'node_modules/other/package.json': '{"name":"other","main":"main.js","type":"module"}' },
    /names no licence/,
  ],
  ['a thread of unknown name', { 'src/later.ts': 'new Worker(process.argv[2])' }, /starts a th/],
] as const)('%s ends the build', async (_, files: Files, problem) => {
  using planted = new PlantedPackage({ ...FILES, ...files })
  await expect(bundleProgram(planted.folder)).rejects.toThrow(problem)
  expect(existsSync(join(planted.folder, 'dist', LICENCES_FILE))).toBe(false)
})
