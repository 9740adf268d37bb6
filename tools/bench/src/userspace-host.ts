/** A host's userspace dataplane in a process of its own, as its parent sees it. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { assert } from '@weft/core'
import { atExit } from '@weft/lab'
import type { Answer, HostPlan, Look, Order } from './userspace-process.ts'

const CHILD = join(import.meta.dirname, 'userspace-process.ts')

/** One order at a time. */
export class UserspaceHost implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #atExit: Disposable

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#atExit = atExit(() => void child.kill('SIGKILL'))
  }

  /** Start the process and have it open its dataplane. Throws what it says went wrong. */
  static async open(plan: HostPlan): Promise<UserspaceHost> {
    const child = fork(CHILD, {
      serialization: 'advanced',
      execArgv: ['--conditions=@weft/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    try {
      const answer = await ask(child, { kind: 'open', plan })
      assert(answer.kind === 'opened', 'an order has its own answer')
      return new UserspaceHost(child)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  /** Id of the process. */
  get pid(): number {
    const { pid } = this.#child
    assert(pid !== undefined, 'a process that started has an id')
    return pid
  }

  /** Numbers so far. */
  async look(): Promise<Look> {
    const answer = await ask(this.#child, { kind: 'look' })
    assert(answer.kind === 'look', 'an order has its own answer')
    return answer.look
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#atExit[Symbol.dispose]()
    const ended = once(this.#child, 'exit')
    // It exits by itself then, and Node writes down what it compiled.
    this.#child.disconnect()
    await ended
  }
}

async function ask(child: ChildProcess, order: Order): Promise<Answer> {
  const gone = new AbortController()
  const { signal } = gone
  const died = once(child, 'exit', { signal }).then(() => {
    throw new Error('a process with a userspace dataplane died')
  })
  try {
    child.send(order)
    const [answer] = (await Promise.race([once(child, 'message', { signal }), died])) as [Answer]
    if (answer.kind === 'failed') throw new Error(answer.why)
    return answer
  } finally {
    gone.abort()
    died.catch(() => undefined)
  }
}
