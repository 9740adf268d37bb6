/** The daemon as a process of a test, in a directory of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngineClient, socketFetch, type EngineClient } from '@weft/engine-api/client'

const MAIN = new URL('../src/main.ts', import.meta.url).pathname

/** What a daemon is started with. */
export interface Start {
  readonly words?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** What brings the command after it into namespaces: `['nsenter', '--net=…', '--']`. */
  readonly entering?: readonly string[]
}

/** One that was started. */
export interface StartedDaemon {
  readonly child: ChildProcess
  /** What it said on standard error, a line each. */
  readonly lines: string[]
  /** Resolves when a log line says so; rejects when it ends without one. */
  readonly ready: Promise<void>
  /** The exit code; null after a signal that it could not catch. */
  readonly ended: Promise<number | null>
}

/** Daemons on one directory: state and socket are in it. */
export class DaemonPlace {
  readonly directory: string
  readonly #children: ChildProcess[] = []

  constructor(directory: string) {
    this.directory = directory
  }

  get state(): string {
    return join(this.directory, 'state')
  }

  get socket(): string {
    return join(this.directory, 'weft.sock')
  }

  get client(): EngineClient {
    return createEngineClient(socketFetch(this.socket))
  }

  start({ words = [], env = {}, entering = [] }: Start = {}): StartedDaemon {
    const usual = ['--state', this.state, '--socket', this.socket, '--log-format', 'json']
    const argv = ['--conditions=@weft/source', MAIN, ...usual, ...words]
    const [program = '', ...args] = [...entering, process.execPath, ...argv]
    const cache = { NODE_COMPILE_CACHE: join(tmpdir(), 'weftd-code') }
    const environment = { ...process.env, ...cache, ...env }
    const child = spawn(program, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#children.push(child)
    return followed(child)
  }

  /** SIGKILL for all of them. */
  killAll(): void {
    for (const child of this.#children.splice(0)) child.kill('SIGKILL')
  }
}

function followed(child: ChildProcess): StartedDaemon {
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  // Many tests never ask.
  ready.promise.catch(() => undefined)
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lines.push(...text.split('\n').filter((line) => line !== ''))
    if (lines.some((line) => line.includes('"ready"'))) ready.resolve()
  })
  const ended = once(child, 'close').then(([code]) => {
    ready.reject(new Error(`the daemon has ended:\n${lines.join('\n')}`))
    return code as number | null
  })
  return { child, lines, ready: ready.promise, ended }
}
