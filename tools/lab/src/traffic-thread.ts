/** The main thread's side of a traffic worker: begins jobs there and hears what became of them. */
import { Worker } from 'node:worker_threads'
import { reviveError } from './error-record.ts'
import type { TrafficNews, TrafficOrder } from './traffic-protocol.ts'

/** An order without its number. */
type Order = TrafficOrder extends infer Each
  ? Each extends { readonly kind: 'stop' }
    ? never
    : Omit<Each & TrafficOrder, 'id'>
  : never

/** One piece of work in the thread. */
export interface Job {
  /** The port at which the end listens; only ends that listen become ready. */
  readonly ready: Promise<number>
  /** The tally. Rejects with what went wrong. */
  readonly done: Promise<unknown>
  /** Bring it to an end; `done` settles afterwards. */
  stop(): void
  /** Reject what is still pending. */
  fail(error: Error): void
}

interface Pending {
  readonly ready: PromiseWithResolvers<number>
  readonly done: PromiseWithResolvers<unknown>
}

/** A worker that keeps the process alive only while it has jobs. */
export class TrafficThread {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #count = 0

  constructor() {
    this.#worker = new Worker(new URL('./traffic-worker.ts', import.meta.url), {
      name: 'lab-traffic',
      execArgv: ['--conditions=@weft/source'],
    })
    this.#worker.unref()
    this.#worker.on('message', (news: TrafficNews) => this.#hear(news))
    this.#worker.on('error', (error) => this.#failAll(error as Error))
    this.#worker.on('exit', () => this.#failAll(new Error('the traffic thread has ended')))
  }

  /** Begin a job. */
  begin(order: Order): Job {
    const id = ++this.#count
    const ready = Promise.withResolvers<number>()
    const done = Promise.withResolvers<unknown>()
    // Whoever waits for one of the two need not wait for the other.
    ready.promise.catch(() => undefined)
    done.promise.catch(() => undefined)
    if (this.#pending.size === 0) this.#worker.ref()
    this.#pending.set(id, { ready, done })
    this.#post({ ...order, id })
    return {
      ready: ready.promise,
      done: done.promise,
      stop: () => this.#post({ id, kind: 'stop' }),
      fail: (error) => this.#settle(id, error),
    }
  }

  /** End the thread; jobs under way reject. */
  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #post(order: TrafficOrder): void {
    this.#worker.postMessage(order)
  }

  #hear(news: TrafficNews): void {
    const pending = this.#pending.get(news.id)
    if (pending === undefined) return
    if (news.kind === 'ready') pending.ready.resolve(news.port)
    else if (news.kind === 'failed') this.#settle(news.id, reviveError(news.error))
    else {
      pending.done.resolve(news.tally)
      this.#forget(news.id)
    }
  }

  #settle(id: number, error: Error): void {
    const pending = this.#pending.get(id)
    pending?.ready.reject(error)
    pending?.done.reject(error)
    this.#forget(id)
  }

  #forget(id: number): void {
    if (this.#pending.delete(id) && this.#pending.size === 0) this.#worker.unref()
  }

  #failAll(error: Error): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id, error)
  }
}
