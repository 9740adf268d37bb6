/** The repository as the laws see it: paths and texts, from git or from memory. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files by their path from the root, with forward slashes. */
export interface Repository {
  /** All files that are or could be committed, sorted. */
  readonly paths: readonly string[]
  has(path: string): boolean
  /** The text of a file that is in `paths`; the empty text for any other. */
  read(path: string): string
}

const LISTING_BYTES_MAX = 64 * 1024 * 1024

/** The checkout at `root`: what git tracks and what it would add, without what is ignored. */
export function openRepository(root: string): Repository {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: LISTING_BYTES_MAX } as const
  const command = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const owner = ['-c', `safe.directory=${root}`]
  const listed = execFileSync('git', [...owner, ...command], options).split('\0')
  const present = listed.filter((path) => path !== '' && isFile(join(root, path)))
  const texts = new Map<string, string>()
  return repositoryOf([...new Set(present)], (path) => {
    const known = texts.get(path)
    if (known !== undefined) return known
    const text = readFileSync(join(root, path), 'utf8')
    texts.set(path, text)
    return text
  })
}

/** A repository that exists only in a test. */
export function memoryRepository(files: Readonly<Record<string, string>>): Repository {
  const texts = new Map(Object.entries(files))
  return repositoryOf([...texts.keys()], (path) => texts.get(path) ?? '')
}

function repositoryOf(paths: readonly string[], read: (path: string) => string): Repository {
  const known = new Set(paths)
  return {
    paths: [...paths].sort(),
    has: (path) => known.has(path),
    read: (path) => (known.has(path) ? read(path) : ''),
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}
