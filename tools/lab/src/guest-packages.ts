/** Packages of this repository, and what they need, as files that a guest's Node runs. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import type { CpioWriter } from './cpio.ts'
import { REPOSITORY } from './lab-programs.ts'

const MODULES = join(REPOSITORY, 'node_modules')
/** Relative imports, workers' addresses and doors, which name sources. */
const SOURCE_NAME = /(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g

/** Of a package: what it is called, and what it cannot be without. */
interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** One of our packages by its name, and files of it beside its sources, as `test/some.ts`. */
export interface GuestPackage {
  readonly name: string
  readonly files?: readonly string[]
}

/**
 * Put packages below `place`/node_modules, with all that they depend on. Types are taken off here,
 * where that is quick. Throws the file system’s errors.
 */
export function writePackages(
  archive: CpioWriter,
  place: string,
  packages: readonly GuestPackage[],
): void {
  const files = new Map(packages.map(({ name, files: more = [] }) => [name, more]))
  const names = new Set(packages.map(({ name }) => name))
  // What is added on the way is walked too.
  for (const name of names) {
    const folder = realpathSync(join(MODULES, name))
    const into = `${place}/node_modules/${name}`
    const isOurs = !folder.includes('/node_modules/')
    const some = isOurs
      ? ['package.json', ...filesIn(folder, 'src'), ...(files.get(name) ?? [])]
      : filesIn(folder, '.')
    for (const file of some) writeFile(archive, `${into}/${file}`, join(folder, file))
    for (const need of needsOf(folder)) names.add(need)
  }
}

/** Without what is for other platforms, and so is not installed. */
function needsOf(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const installed = new Set(readdirSync(MODULES).flatMap(withScope))
  return Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).filter(
    (name) => installed.has(name),
  )
}

function withScope(name: string): string[] {
  if (!name.startsWith('@')) return [name]
  return readdirSync(join(MODULES, name)).map((inner) => `${name}/${inner}`)
}

function filesIn(folder: string, below: string): string[] {
  return readdirSync(join(folder, below), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

function writeFile(archive: CpioWriter, path: string, source: string): void {
  const bytes = readFileSync(source)
  if (path.endsWith('.ts') && !path.endsWith('.d.ts')) {
    const code = renamed(stripTypeScriptTypes(bytes.toString()))
    archive.file(path.replace(/\.ts$/, '.js'), Buffer.from(code))
  } else if (path.endsWith('/package.json')) {
    archive.file(path, Buffer.from(renamed(bytes.toString())))
  } else {
    archive.file(path, bytes)
  }
}

function renamed(text: string): string {
  return text.replaceAll(SOURCE_NAME, '$1$2.js$1')
}
