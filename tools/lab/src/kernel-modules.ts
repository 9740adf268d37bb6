/** Modules of a kernel that is not running here, and in which order they must be loaded. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { labError } from './lab-errors.ts'

const SUFFIX = '.ko'
/** What a module says that it needs, in its `.modinfo` section: names with commas between. */
const DEPENDS = /\0depends=([^\0]*)\0/

/** A module: its name, and where it lies. */
export interface KernelModule {
  readonly name: string
  readonly path: string
}

/**
 * These modules and all that they need, each after what it needs, without what is built into the
 * kernel. Throws ERR_LAB_REQUEST when the kernel has one of `names` in neither form.
 */
export function modulesInOrder(folder: string, names: readonly string[]): readonly KernelModule[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const known = new Map(
    files
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => [nameOf(basename(file, SUFFIX)), join(folder, file)]),
  )
  const builtIn = new Set(
    readFileSync(join(folder, 'modules.builtin'), 'utf8')
      .split('\n')
      .map((file) => nameOf(basename(file, SUFFIX))),
  )
  const ordered = new Map<string, KernelModule>()
  const add = (name: string): void => {
    const path = known.get(name)
    if (path === undefined || ordered.has(name)) return
    const [, depends = ''] = DEPENDS.exec(readFileSync(path, 'latin1')) ?? []
    for (const need of depends.split(',')) add(nameOf(need))
    ordered.set(name, { name, path })
  }
  for (const name of names) {
    if (!known.has(name) && !builtIn.has(name)) {
      throw labError('ERR_LAB_REQUEST', 'no such module', {
        problem: `${folder} has no ${name}`,
        expected: 'modules of the guest’s kernel',
      })
    }
    add(name)
  }
  return [...ordered.values()]
}

/** Files and dependencies may have either sign. */
function nameOf(text: string): string {
  return text.replaceAll('-', '_')
}
