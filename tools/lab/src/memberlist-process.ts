/** A node of a gossip ring in a process of its own: told by commands, heard by events. */
import { assert } from '@weft/core'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { STDERR_KEPT_CHARACTERS } from './dataplane-owner.ts'
import { labError } from './lab-errors.ts'

/** Timing; what is absent is the library's default for LANs. */
export interface MemberlistTiming {
  readonly probeIntervalMs?: number
  readonly probeTimeoutMs?: number
  readonly suspicionMult?: number
  readonly suspicionTimeoutMultMax?: number
  readonly gossipIntervalMs?: number
  readonly gossipToTheDeadMs?: number
  readonly pushPullIntervalMs?: number
  readonly streamTimeoutMs?: number
}

/** What a node is. Version 0.2.2 of the library knows no labels. */
export interface MemberlistOptions {
  readonly name: string
  /** Where it listens. Port 0: one that the system chooses. */
  readonly bind: string
  readonly port: number
  /** The first seals; none: in the clear. */
  readonly keys: readonly Uint8Array[]
  readonly compress: boolean
  readonly meta: Uint8Array
  /** What goes into its side of every exchange of state, beside the members. */
  readonly state: Uint8Array
  readonly timing: MemberlistTiming
}

/** How a user message travels: to one member, or with the gossip to everyone. */
export type MemberlistRoad =
  | { readonly how: 'packet' | 'stream'; readonly to: string }
  | { readonly how: 'gossip' }

/** What a node tells. */
export type MemberlistEvent =
  /** A member is seen alive, tells new metadata, or is seen dead or gone. */
  | {
      readonly kind: 'join' | 'update' | 'leave'
      readonly name: string
      readonly address: string
      readonly meta: Uint8Array
    }
  /** A user message. */
  | { readonly kind: 'user'; readonly bytes: Uint8Array }
  /** The state of another node, in an exchange: its first one (`join`), or a later one. */
  | { readonly kind: 'state'; readonly bytes: Uint8Array; readonly join: boolean }
  /** It refused something, or something failed: in its own words. */
  | { readonly kind: 'complaint'; readonly words: string }

/** A member that is alive or suspect, as a node sees it. */
export interface MemberlistMember {
  readonly name: string
  readonly address: string
  readonly meta: Uint8Array
}

interface Line {
  readonly event: string
  readonly id?: number
  readonly error?: string
  readonly name?: string
  readonly address?: string
  readonly bytes?: string
  readonly join?: boolean
  readonly members?: readonly {
    readonly name: string
    readonly address: string
    readonly meta: string | null
  }[]
}

type Command = Readonly<Record<string, string>>
interface Waiting {
  readonly resolve: (line: Line) => void
  readonly reject: (error: Error) => void
}

/**
 * A process that runs one node: HashiCorp's memberlist (`buildMemberlistProgram`), or another
 * program that takes the same commands. Invariant: each command gets its answer or rejects; none
 * waits for a process that has ended.
 */
export class MemberlistProcess implements AsyncDisposable {
  readonly name: string
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #waiting = new Map<number, Waiting>()
  readonly #events: MemberlistEvent[] = []
  #address = ''
  #stderr = ''
  #commands = 0
  #ending: string | null = null

  private constructor(program: readonly string[], options: MemberlistOptions) {
    this.name = options.name
    const told = {
      ...options,
      keys: options.keys.map(base64),
      meta: base64(options.meta),
      state: base64(options.state),
    }
    const [file = '', ...words] = program
    // A group of its own: it ends when its stdin does, which is when we close it or are gone.
    this.#child = spawn(file, [...words, 'node', JSON.stringify(told)], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    // A node that is gone reads no commands; they are rejected by its end.
    this.#child.stdin.on('error', () => undefined)
    this.#child.on('error', (error) => this.#end(error.message))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT_CHARACTERS)
    })
    // 'close' comes after 'exit', when its last words have been read.
    this.#child.on('close', (code, signal) => this.#end(signal ?? `exit code ${code}`))
  }

  /** Start a node; resolves when it listens. Rejects with ERR_PROCESS_GONE. */
  static async open(
    program: readonly string[],
    options: MemberlistOptions,
  ): Promise<MemberlistProcess> {
    const opened = new MemberlistProcess(program, options)
    await opened.#ready()
    return opened
  }

  /** Where it is reached, as `ip:port`. */
  get address(): string {
    return this.#address
  }

  /** What it told so far, in order. */
  get events(): readonly MemberlistEvent[] {
    return this.#events
  }

  /** Exchange state with the node at `ip:port`. Rejects when there is none that answers. */
  async join(address: string): Promise<void> {
    await this.#perform({ do: 'join', address })
  }

  /** Say goodbye; resolves when somebody was told. */
  async leave(): Promise<void> {
    await this.#perform({ do: 'leave' })
  }

  /** Tell everyone new metadata; resolves when somebody was told. */
  async setMeta(meta: Uint8Array): Promise<void> {
    await this.#perform({ do: 'meta', bytes: base64(meta) })
  }

  /** Send a user message; resolves when it is on its way. */
  async send(message: Uint8Array, road: MemberlistRoad): Promise<void> {
    await this.#perform({ do: 'send', ...road, bytes: base64(message) })
  }

  /** Change its key ring. */
  async changeKeys(what: 'install' | 'use' | 'remove', key: Uint8Array): Promise<void> {
    await this.#perform({ do: `${what}-key`, bytes: base64(key) })
  }

  /** Who is alive or suspect to it, itself included. */
  async members(): Promise<readonly MemberlistMember[]> {
    const { members = [] } = await this.#perform({ do: 'members' })
    return members.map(({ name, address, meta }) => ({ name, address, meta: bytesOf(meta) }))
  }

  /** Stop, continue or kill the process, as it is. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  /** End it without a goodbye. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ending !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }

  #ready(): Promise<Line> {
    const ready = this.#answerTo(0)
    createInterface({ input: this.#child.stdout }).on('line', (text) => {
      this.#hear(JSON.parse(text) as Line)
    })
    return ready
  }

  #hear(line: Line): void {
    const { event, name = '', address = '' } = line
    if (event === 'ready') this.#address = address
    if (event === 'ready' || event === 'done') {
      const waiting = this.#waiting.get(line.id ?? 0)
      this.#waiting.delete(line.id ?? 0)
      if (line.error === undefined) waiting?.resolve(line)
      else waiting?.reject(new Error(`${this.name}: ${line.error}`))
    } else if (event === 'user') {
      this.#events.push({ kind: 'user', bytes: bytesOf(line.bytes) })
    } else if (event === 'state') {
      this.#events.push({ kind: 'state', bytes: bytesOf(line.bytes), join: line.join === true })
    } else if (event === 'complaint') {
      this.#events.push({ kind: 'complaint', words: line.error ?? '' })
    } else if (event === 'join' || event === 'update' || event === 'leave') {
      this.#events.push({ kind: event, name, address, meta: bytesOf(line.bytes) })
    }
  }

  #perform(command: Command): Promise<Line> {
    this.#commands += 1
    const answer = this.#answerTo(this.#commands)
    this.#child.stdin.write(`${JSON.stringify({ ...command, id: this.#commands })}\n`)
    return answer
  }

  #answerTo(id: number): Promise<Line> {
    if (this.#ending !== null) return Promise.reject(this.#gone(this.#ending))
    return new Promise((resolve, reject) => {
      assert(!this.#waiting.has(id), 'one answer for each command')
      this.#waiting.set(id, { resolve, reject })
    })
  }

  #end(how: string): void {
    const words = this.#stderr.trim()
    this.#ending ??= words === '' ? how : `${how}: ${words}`
    for (const { reject } of this.#waiting.values()) reject(this.#gone(this.#ending))
    this.#waiting.clear()
  }

  #gone(ending: string): Error {
    const facts = { operation: `a command to ${this.name}`, ending }
    return labError('ERR_PROCESS_GONE', 'the memberlist node is gone', facts)
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function bytesOf(text: string | null | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'base64'))
}
