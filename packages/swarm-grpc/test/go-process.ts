/** A program of Google's gRPC library in Go, as Docker links it, built here and told what to do. */
import {
  execFile,
  execFileSync,
  spawn,
  type ChildProcessWithoutNullStreams,
} from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { NodeIdentity } from '@weft/swarm'

/** Where Debian puts the sources of Go libraries: what GOPATH must be. */
const GOPATH = '/usr/share/gocode'
const LIBRARY = `${GOPATH}/src/google.golang.org/grpc/version.go`

/** What this machine lacks for it, to be named; empty when it has all. */
export function goLacks(): string {
  const missing = [
    ...(hasGo() ? [] : ['package golang-go']),
    ...(existsSync(LIBRARY) ? [] : ['package golang-google-grpc-dev']),
  ]
  return missing.join(', ')
}

function hasGo(): boolean {
  try {
    execFileSync('go', ['version'])
    return true
  } catch {
    return false
  }
}

/** What was built; it vanishes when it is disposed of. */
export interface GoProgram extends Disposable {
  readonly path: string
}

/** Compile it from scratch: ten seconds of a core. */
export async function buildGoProgram(): Promise<GoProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-grpc-go-'))
  const path = join(folder, 'grpc-go')
  const cache = join(folder, 'cache')
  const env = { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH, GOCACHE: cache }
  const cwd = join(import.meta.dirname, 'grpc-go')
  await promisify(execFile)('go', ['build', '-o', path, '.'], { cwd, env })
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** What the program says: see grpc-go/main.go. Messages are base64. */
export interface GoReport {
  readonly port?: number
  readonly code: number
  readonly text: string
  readonly messages: readonly string[] | null
  readonly peer?: string
  readonly method?: string
  readonly event?: string
}

/** A running program: a line in, a line out. */
export class GoProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  constructor(program: GoProgram, words: readonly string[] = []) {
    this.#child = spawn(program.path, words)
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  tell(order: object): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`)
  }

  async hear(): Promise<GoReport> {
    const next = await this.#lines.next()
    if (next.done === true) throw new Error('the program ended')
    return JSON.parse(next.value) as GoReport
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

/** An identity as the program reads it; without one it shows no certificate. */
export function goIdentity(rootPem: string, own: NodeIdentity | null): object {
  return {
    RootPem: rootPem,
    CertificatePem: own?.certificatePem ?? '',
    KeyPem: own?.keyPem ?? '',
  }
}
