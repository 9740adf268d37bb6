/** A child process that can own a dataplane: calls go there, answers and events come back. */
import { assert, type Emitter } from '@weft/core'
import type { DataplaneEvents } from '@weft/dataplane'
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import {
  reviveDrift,
  type Call,
  type CallTable,
  type Message,
  type Method,
} from './dataplane-calls.ts'
import { reviveError } from './error-record.ts'
import { labError } from './lab-errors.ts'
import { STAY_VARIABLE } from './stay-variable.ts'

/** Characters of a dead process's standard error that go into errors. */
export const STDERR_KEPT_CHARACTERS = 4_000

interface Waiting {
  readonly method: Method
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * A child process that can own a dataplane, one after another. Invariant: every call either gets
 * its answer or rejects with ERR_PROCESS_GONE; none waits for a process that has ended.
 */
export class DataplaneOwner {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  /** Resolves to how it ended, once it has. Never rejects. */
  readonly ended: Promise<string>
  readonly #outbox: Call[] = []
  #stderr = ''
  #calls = 0
  #ending: string | null = null
  #events: Emitter<DataplaneEvents> | null = null

  /** Start a process; with `stay` it outlives us, and nobody reads its standard error. */
  constructor({ stay }: { readonly stay: boolean }) {
    this.#child = fork(fileURLToPath(new URL('./dataplane-host.ts', import.meta.url)), [], {
      serialization: 'advanced',
      execArgv: ['--conditions=@weft/source'],
      // A group of its own: Ctrl-C is for us, and it ends when we say so or are gone.
      detached: true,
      env: { ...process.env, [STAY_VARIABLE]: stay ? '1' : '0' },
      stdio: ['ignore', 'ignore', stay ? 'ignore' : 'pipe', 'ipc'],
    })
    this.#child.on('message', (message: Message) => this.#hear(message))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT_CHARACTERS)
    })
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(this.#end(error.message)))
      // 'close' comes after 'exit', when standard error has been read to its end.
      this.#child.once('close', (code, signal) =>
        resolve(this.#end(signal === null ? `exit code ${code}` : `killed by ${signal}`)),
      )
    })
  }

  /** Its process id. */
  get pid(): number {
    const { pid } = this.#child
    assert(pid !== undefined, 'a process that started has an id')
    return pid
  }

  /** False once it has ended. */
  get running(): boolean {
    return this.#ending === null
  }

  /** Call one of its methods. Rejects with what the method threw, or ERR_PROCESS_GONE. */
  call<Name extends Method>(
    method: Name,
    argument: CallTable[Name]['argument'],
  ): Promise<CallTable[Name]['answer']> {
    if (this.#ending !== null) return Promise.reject(this.#gone(method, this.#ending))
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      const settle = resolve as (value: unknown) => void
      this.#waiting.set(id, { method, resolve: settle, reject })
      // Calls that are made together arrive together, so that one can overtake another there.
      if (this.#outbox.length === 0) queueMicrotask(() => this.#sendAll())
      this.#outbox.push({ id, method, argument })
    })
  }

  /** Send a signal and wait until the process has ended. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    // A process held by nobody would not keep us alive until its end is known.
    this.hold(true)
    this.#child.kill(signal)
    await this.ended
  }

  /** Where its dataplane's events go from now on. */
  announceTo(events: Emitter<DataplaneEvents>): void {
    this.#events = events
  }

  /** Whether we stay alive as long as the child does; so at first. */
  hold(held: boolean): void {
    const { channel, stderr } = this.#child
    for (const handle of [this.#child, channel, stderr as Socket | null]) {
      if (held) handle?.ref()
      else handle?.unref()
    }
  }

  #sendAll(): void {
    const calls = this.#outbox.splice(0)
    this.#child.send(calls, (error) => {
      if (error === null) return
      for (const { id, method } of calls) {
        this.#waiting.get(id)?.reject(this.#gone(method, error.message))
        this.#waiting.delete(id)
      }
    })
  }

  #hear(message: Message): void {
    if (message.kind === 'drift') this.#events?.emit('drift', reviveDrift(message))
    else if (message.kind === 'failed') {
      this.#events?.emit('failed', { error: reviveError(message.error) })
    } else {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.kind === 'answer') waiting?.resolve(message.value)
      else waiting?.reject(reviveError(message.error))
    }
  }

  #end(how: string): string {
    const words = this.#stderr.trim()
    const ending = (this.#ending ??= words === '' ? how : `${how}: ${words}`)
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone(waiting.method, ending))
    this.#waiting.clear()
    return ending
  }

  #gone(operation: string, ending: string): Error {
    return labError('ERR_PROCESS_GONE', 'the dataplane process is gone', { operation, ending })
  }
}
