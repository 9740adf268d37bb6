/** A project outside the repository that installs packed tarballs, with no network and no cache. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024

/** A folder of its own, gone when disposed. */
export class ScratchProject implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-publish-'))
  readonly #root: string

  constructor(root: string) {
    this.#root = root
    mkdirSync(join(this.folder, 'tarballs'))
  }

  /** Packs workspaces as `npm publish` would; returns the paths of the tarballs. */
  pack(names: readonly string[]): string[] {
    const workspaces = names.flatMap((name) => ['--workspace', name])
    const to = join(this.folder, 'tarballs')
    run(this.#root, ['npm', 'pack', '--ignore-scripts', '--pack-destination', to, ...workspaces])
    return readdirSync(to).map((file) => join(to, file))
  }

  /** Installs tarballs; what they need from outside comes out of the repository's node_modules. */
  install(tarballs: readonly string[], outside: readonly string[]): void {
    const folders = withDependencies(this.#root, outside)
    const files = [...tarballs, ...folders]
    this.write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
    const cache = join(this.folder, 'cache')
    const flags = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', cache]
    run(this.folder, ['npm', 'install', '--loglevel=error', ...flags, ...files])
  }

  /** Types of Node, from the repository, for consumers that want them. */
  linkNodeTypes(): void {
    mkdirSync(join(this.folder, 'node_modules/@types'), { recursive: true })
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(this.#root, 'node_modules', name), join(this.folder, 'node_modules', name))
    }
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  /** Runs a program inside; throws with its output when it fails. */
  run(argv: readonly string[]): string {
    return run(this.folder, argv)
  }

  /** Starts a program inside, which is ended when disposed. */
  start([program = '', ...args]: readonly string[]): RunningProgram {
    const options = { cwd: this.folder, env: consumerEnvironment() }
    return new RunningProgram(spawn(program, args, options))
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A program at work, and what it has said. */
export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #said = ''

  constructor(child: ChildProcess) {
    this.#child = child
    this.#ended = once(child, 'close')
    const hear = (text: string): void => void (this.#said += text)
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', hear)
  }

  /** Resolves when `text` has been said; rejects with all that was, when it ends before. */
  async says(text: string): Promise<void> {
    const gone = this.#ended.then(() => 'gone' as const)
    const { stderr, stdout } = this.#child
    while (!this.#said.includes(text)) {
      const heard = [stdout, stderr].flatMap((from) => (from === null ? [] : [once(from, 'data')]))
      if ((await Promise.race([gone, ...heard])) === 'gone') throw new Error(this.#said)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await this.#ended
  }
}

/** Folders of packages in the repository's node_modules, and of those that they depend on. */
function withDependencies(root: string, names: readonly string[]): string[] {
  const found = new Set<string>()
  const add = (name: string): void => {
    const folder = join(root, 'node_modules', name)
    if (found.has(folder)) return
    found.add(folder)
    const text = readFileSync(join(folder, 'package.json'), 'utf8')
    const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> }
    for (const dependency of Object.keys(dependencies)) add(dependency)
  }
  for (const name of names) add(name)
  return [...found]
}

/** Without what npm and vitest put into it: a consumer has neither. */
function consumerEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !/^(npm_|NODE_|VITEST)/.test(key))
  return Object.fromEntries(kept)
}

/** Runs a program as a consumer would; throws with its output when it fails. */
export function run(cwd: string, [program = '', ...args]: readonly string[]): string {
  const options = { cwd, env: consumerEnvironment(), maxBuffer: OUTPUT_BYTES_MAX } as const
  try {
    return execFileSync(program, args, { ...options, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}
