/** Waiting for sockets in one worker thread per process, off the main thread. */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { checked } from './errors.ts'
import type { RingGeometry } from './packet-ring.ts'
import {
  creditOf,
  OUTSTANDING,
  PAUSED,
  STOP,
  type PollCommand,
  type PollReport,
  type PollWorkerInput,
} from './poll-protocol.ts'
import { EFD } from './socket-numbers.ts'
import { sys } from './syscalls.ts'

/** Beyond so many bytes that the main thread has not consumed a socket is left alone. */
export const OUTSTANDING_BYTES_MAX = 16 << 20

/** How a socket is watched, and who hears of it. */
export interface WatchOptions {
  readonly fd: number
  /** For a packet socket that has one. */
  readonly ring?: RingGeometry | null
  /** Datagrams are cut to this many bytes. */
  readonly bytesMax: number
  /** A packed batch; see `unpackDatagrams`. */
  readonly onBatch: (batch: Uint8Array) => void
  /** Receiving failed with this error number; the socket stays watched unless it only fails. */
  readonly onFailure: (code: number) => void
}

/** A socket in the care of the poll thread. */
export interface Watch {
  /** Settles when everything the socket had received by now has been handed to `onBatch`. */
  flush(): Promise<void>
  /** Stop watching and close the descriptor; settles when both have happened. Idempotent. */
  close(): Promise<void>
}

/**
 * The poll thread of this process, started at its first use and shared by all. It never keeps the
 * process alive, and ends promptly at exit: a thread blocked in poll() would hang `process.exit`,
 * so the exit event wakes it.
 */
export function watchSocket(options: WatchOptions): Watch {
  shared ??= new Poller()
  return shared.watch(options)
}

let shared: Poller | undefined

interface Entry {
  readonly options: WatchOptions
  readonly credit: Int32Array
  readonly flushes: Map<number, PromiseWithResolvers<void>>
  closed: PromiseWithResolvers<void> | null
}

/** Invariant: a descriptor is closed by the poll thread only, after it stopped polling it. */
class Poller {
  readonly #port: MessagePort
  readonly #wakeFd: number
  readonly #entries = new Map<number, Entry>()
  #lastId = 0
  #lastTicket = 0
  /** Promises given out and not settled. */
  #awaited = 0

  constructor() {
    this.#wakeFd = checked(sys.eventfd(0, EFD.CLOEXEC | EFD.NONBLOCK), 'open eventfd', 'poller')
    const { port1, port2 } = new MessageChannel()
    const control = new SharedArrayBuffer(4)
    const input: PollWorkerInput = { port: port2, wakeFd: this.#wakeFd, control }
    // Sources run as .ts in the repository, as .js from the package.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const url = new URL(`./poll-worker.${extension}`, import.meta.url)
    const worker = new Worker(url, {
      name: 'weft-poll',
      workerData: input,
      transferList: [port2],
      execArgv: conditions(process.execArgv),
    })
    worker.unref()
    worker.on('error', (error) => {
      throw error
    })
    port1.on('message', (report: PollReport) => this.#hear(report))
    port1.unref()
    this.#port = port1
    process.on('exit', () => {
      Atomics.store(new Int32Array(control), STOP, 1)
      this.#wake()
    })
  }

  watch(options: WatchOptions): Watch {
    const id = ++this.#lastId
    const credit = new SharedArrayBuffer(8)
    const { bytesMax, fd, ring = null } = options
    this.#entries.set(id, { options, credit: creditOf(credit), flushes: new Map(), closed: null })
    const outstandingMax = OUTSTANDING_BYTES_MAX
    this.#command({ kind: 'watch', id, fd, ring, bytesMax, outstandingMax, credit })
    return { flush: () => this.#flush(id), close: () => this.#close(id) }
  }

  #flush(id: number): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.closed !== null) return Promise.resolve()
    const flush = this.#await()
    const ticket = ++this.#lastTicket
    entry.flushes.set(ticket, flush)
    this.#command({ kind: 'flush', id, ticket })
    return flush.promise
  }

  #close(id: number): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined) return Promise.resolve()
    if (entry.closed === null) {
      entry.closed = this.#await()
      this.#command({ kind: 'close', id, fd: entry.options.fd })
    }
    return entry.closed.promise
  }

  /** A promise that may be awaited with nothing else keeping the process alive. */
  #await(): PromiseWithResolvers<void> {
    if (this.#awaited++ === 0) this.#port.ref()
    return Promise.withResolvers<void>()
  }

  #settle(promise: PromiseWithResolvers<void> | null | undefined): void {
    if (promise === null || promise === undefined) return
    if (--this.#awaited === 0) this.#port.unref()
    promise.resolve()
  }

  #hear(report: PollReport): void {
    const entry = this.#entries.get(report.id)
    if (entry === undefined) return
    if (report.kind === 'closed') {
      this.#entries.delete(report.id)
      this.#settle(entry.closed)
    } else if (report.kind === 'flushed') {
      this.#settle(entry.flushes.get(report.ticket))
      entry.flushes.delete(report.ticket)
    } else if (entry.closed !== null) return
    else if (report.kind === 'failure') entry.options.onFailure(report.code)
    else {
      this.#repay(entry.credit, report.batch.byteLength)
      entry.options.onBatch(report.batch)
    }
  }

  #repay(credit: Int32Array, bytes: number): void {
    Atomics.sub(credit, OUTSTANDING, bytes)
    if (Atomics.exchange(credit, PAUSED, 0) === 1) this.#wake()
  }

  #command(command: PollCommand): void {
    this.#port.postMessage(command)
    this.#wake()
  }

  #wake(): void {
    // Counters add up: a write can only fail when the thread has been woken already.
    sys.write(this.#wakeFd, WAKE, WAKE.length)
  }
}

/** eventfd takes a 64-bit number. */
const WAKE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)

/**
 * Of the flags this process runs with the thread needs those that decide how packages resolve;
 * others would disturb it (`--input-type` keeps it from starting).
 */
function conditions(flags: readonly string[]): string[] {
  return flags.flatMap((flag, i) => {
    if (flag.startsWith('--conditions=')) return [flag]
    const value = flags[i + 1]
    return (flag === '--conditions' || flag === '-C') && value !== undefined ? [flag, value] : []
  })
}
