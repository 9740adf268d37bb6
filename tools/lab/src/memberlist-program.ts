/** Nodes of HashiCorp's memberlist library as a program, built here from Debian's sources of it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.ts'
import { DEBIAN_GOPATH } from './memberlist-tier.ts'

const SOURCES = join(import.meta.dirname, '../memberlist-go')
/** Packages that say which library it is that was built. */
const PACKAGES = [
  'golang-github-hashicorp-memberlist-dev',
  'golang-github-hashicorp-go-msgpack-dev',
  'golang-go',
]

/** What was built; it vanishes when it is disposed of, or with this process. */
export interface MemberlistProgram extends Disposable {
  readonly path: string
}

/** Compile the program, from scratch: some seconds. Throws what the compiler said. */
export function buildMemberlistProgram(): MemberlistProgram {
  const folder = mkdtempSync(join(tmpdir(), 'weft-memberlist-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const guard = atExit(remove)
  const path = join(folder, 'memberlist-go')
  try {
    // Debian's libraries come as a GOPATH; nothing is fetched, and no caches but ours are touched.
    execFileSync('go', ['build', '-o', path, '.'], {
      cwd: SOURCES,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        GO111MODULE: 'off',
        GOFLAGS: '',
        GOPATH: DEBIAN_GOPATH,
        GOCACHE: join(folder, 'cache'),
      },
    })
    rmSync(join(folder, 'cache'), { recursive: true })
  } catch (error) {
    remove()
    guard[Symbol.dispose]()
    throw error
  }
  return {
    path,
    [Symbol.dispose]: () => {
      remove()
      guard[Symbol.dispose]()
    },
  }
}

/** The packages that it is built from, with their versions, as dpkg has them. */
export function memberlistPackages(): readonly string[] {
  const format = '${Package} ${Version}\n'
  const words = ['-W', '-f', format, ...PACKAGES]
  return execFileSync('dpkg-query', words, { encoding: 'utf8' }).trim().split('\n')
}
