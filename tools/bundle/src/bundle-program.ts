/** A program as few files: what is needed at once, what is loaded later, and its threads. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { rolldown, type InputOptions, type OutputChunk, type OutputOptions } from 'rolldown'
import { builtIns } from './built-ins.ts'
import { licencesText, packagesOf } from './licences.ts'
import { workersOf, type Worker } from './workers.ts'

/** The least Node that runs them. */
const TARGET = 'node22.13'
/** Finds its own native file beside itself, so it stays a package. */
const NATIVE = ['koffi']
/** npm makes programs executable when it installs them, not when it links those built later. */
const EXECUTABLE = 0o755
/** Where the licences stand in `dist`. */
export const LICENCES_FILE = 'THIRD-PARTY-LICENCES.txt'

/** The license of our own, in the repository. */
const APACHE = join(import.meta.dirname, '../../../LICENSE')

/**
 * Replace `dist/main.js` of the built package at `path` by what `src/main.ts` and all it needs
 * come to; the rest of `dist` stays. Resolves to the names of the files written. Rejects when a
 * file would take another's place, when the bundle would need what the package does not name, and
 * when the terms of something in it are unknown.
 */
export async function bundleProgram(path: string): Promise<string[]> {
  const folder = resolve(path)
  const dist = join(folder, 'dist')
  const main = await bundle(join(folder, 'src/main.ts'), dist, {
    entryFileNames: 'main.js',
    chunkFileNames: ({ facadeModuleId, moduleIds }) =>
      `main.${chunkName(facadeModuleId ?? moduleIds.at(-1) ?? 'shared')}.js`,
  })
  chmodSync(join(dist, 'main.js'), EXECUTABLE)
  const threads = await Promise.all(
    workersIn(main).map(({ name, path }) =>
      bundle(path, dist, { entryFileNames: `${name}.js`, codeSplitting: false }),
    ),
  )
  const chunks = [...main, ...threads.flat()]
  checkImports(folder, chunks)
  const licences = licencesText(packagesOf(modulesOf(chunks)), readFileSync(APACHE, 'utf8'))
  writeFileSync(join(dist, LICENCES_FILE), licences)
  return [...chunks.map(({ fileName }) => fileName), LICENCES_FILE]
}

async function bundle(input: string, dist: string, output: OutputOptions): Promise<OutputChunk[]> {
  const options: InputOptions = {
    input,
    cwd: dirname(input),
    platform: 'node',
    external: NATIVE,
    resolve: { conditionNames: ['@weft/source', 'node', 'import', 'default'] },
    transform: { target: TARGET },
    plugins: [builtIns()],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message)
    },
  }
  await using build = await rolldown(options)
  const all: OutputOptions = { ...output, dir: dist, format: 'esm', sourcemap: true }
  // Doors' files are written by the compiler, and none of them may be lost.
  const { output: planned } = await build.generate({ ...all, comments: false })
  for (const { fileName } of planned) {
    if (!/^main\.js(\.map)?$/.test(fileName) && existsSync(join(dist, fileName))) {
      throw new Error(`${fileName} is there already: ${dist}`)
    }
  }
  for (const file of planned) {
    writeFileSync(join(dist, file.fileName), file.type === 'chunk' ? file.code : file.source)
  }
  return planned.filter((file) => file.type === 'chunk')
}

/** After the module that it was made for, or its last one; a door is named as its package. */
function chunkName(module: string): string {
  const stem = basename(module).replace(/\.[jt]s$|^\0.*:/g, '')
  return stem === 'index' ? basename(dirname(dirname(module))) : stem
}

function modulesOf(chunks: readonly OutputChunk[]): string[] {
  return [...new Set(chunks.flatMap(({ modules }) => Object.keys(modules)))]
}

function workersIn(chunks: readonly OutputChunk[]): Worker[] {
  return modulesOf(chunks)
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => workersOf(path, readFileSync(path, 'utf8')))
}

/** All that is imported is in the bundle, in Node, or named by the package. */
function checkImports(folder: string, chunks: readonly OutputChunk[]): void {
  const manifest = readFileSync(join(folder, 'package.json'), 'utf8')
  const { dependencies = {} } = JSON.parse(manifest) as { dependencies?: Record<string, string> }
  const own = new Set(chunks.map(({ fileName }) => fileName))
  const strange = chunks
    .flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])
    .filter((name) => !own.has(name) && !isBuiltin(name) && !Object.hasOwn(dependencies, name))
  if (strange.length === 0) return
  throw new Error(`${folder}/package.json does not name ${[...new Set(strange)].join(', ')}`)
}
