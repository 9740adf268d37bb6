/** The switch's thread as the main thread has it: told what should be, restarted when it dies. */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { instantAfter, type Clock, type SocketAddress, type Vni, type WeftError } from '@weft/core'
import { dataplaneError, itemPath } from '@weft/dataplane'
import { WakeEvent } from '@weft/linux'
import type { RekeyWanted } from '@weft/encryption'
import type { EngineState, EngineSubnet, SecurityProblem } from './engine/engine-state.ts'
import type { EspOptions } from './options.ts'
import { sendable } from './order-keys.ts'
import {
  CONTROL,
  CONTROL_BYTES,
  type PlugSpec,
  type SealedTunnelSpec,
  type SecuritySpec,
  type SwitchAnswers,
  type SwitchCommand,
  type SwitchOrder,
  type SwitchReading,
  type SwitchReport,
  type SwitchThreadInput,
  type SwitchTotals,
  type SwitchUpdate,
  type TunnelSpec,
} from './switch-protocol.ts'
import { addTotals, NO_TOTALS } from './switch-totals.ts'

/** A thread that died is followed by the next after so many milliseconds, from the second on. */
export const RESTART_DELAY_MS = 500

/** Deaths in a row, with no order carried out between them, before orders are refused. */
export const DEATHS_MAX = 5

/** Room for young objects in the thread's heap: loads and reports make them, packets do not. */
const YOUNG_MEGABYTES = 4

/** Who hears of what the switch does by itself. None of these may throw. */
export interface SwitchListener {
  /** A frame for an in-process card. */
  frame(port: number, frame: Uint8Array): void
  /** The TAP of this port is gone or fails. */
  lost(port: number): void
  /** Sequence numbers of these peers run out. */
  rekey(wanted: readonly RekeyWanted[]): void
  /** The thread died; by now another does its work, or soon will. */
  died(error: Error): void
}

interface Pending {
  readonly order: SwitchOrder
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

/** A thread that lives. */
interface Life {
  readonly worker: Worker
  readonly port: MessagePort
  readonly wake: WakeEvent
  readonly control: Int32Array
  /** Called when this process exits: a thread blocked in poll() would hang `process.exit`. */
  readonly onExit: () => void
}

/**
 * Invariant: the thread that lives knows all that was ordered, since what was is remembered here
 * and ordered again from each new thread before anything else.
 */
export class SwitchThread {
  readonly #clock: Clock
  readonly #suite: EspOptions['suite']
  readonly #listener: SwitchListener
  readonly #plugs = new Map<number, PlugSpec>()
  readonly #subnets = new Map<Vni, EngineSubnet>()
  readonly #pending = new Map<number, Pending>()
  readonly #outbox = new Map<number, Uint8Array[]>()
  #peers: ReadonlyMap<number, SocketAddress> = new Map()
  #tunnel: TunnelSpec | null = null
  #sealedTunnel: SealedTunnelSpec | null = null
  #security: SecuritySpec | null = null
  #life: Life | null = null
  #restart: Disposable | null = null
  #deaths = 0
  #tickets = 0
  #loads = 0
  /** What threads that died had counted when they were last asked. */
  #buried: SwitchTotals = NO_TOTALS
  #counted: SwitchTotals = NO_TOTALS
  #closed = false

  constructor(parts: { clock: Clock; suite: EspOptions['suite'] }, listener: SwitchListener) {
    this.#clock = parts.clock
    this.#suite = parts.suite
    this.#listener = listener
    this.#life = this.#begin()
  }

  /** Know this from now on. Resolves when frames are forwarded so, with what could not be. */
  load(update: SwitchUpdate): Promise<readonly SecurityProblem[]> {
    if (update.peers !== null) this.#peers = update.peers
    for (const vni of update.gone) this.#subnets.delete(vni)
    for (const [vni, subnet] of update.changed) this.#subnets.set(vni, subnet)
    if (update.security !== null) this.#security = update.security.spec
    this.#loads++
    return this.#order({ kind: 'load', update })
  }

  /** Serve a port. */
  async plug(plug: PlugSpec): Promise<void> {
    this.#plugs.set(plug.port, plug)
    await this.#order({ kind: 'plug', plug })
  }

  /** Serve it no more; when this resolves its descriptor can be closed. */
  async unplug(port: number): Promise<void> {
    this.#plugs.delete(port)
    await this.#order({ kind: 'unplug', port })
  }

  /** Use these sockets for what is in clear, or for what is sealed, and no others any more. */
  async use(order: Extract<SwitchOrder, { tunnel: unknown }>): Promise<void> {
    if (order.kind === 'tunnel') this.#tunnel = order.tunnel
    else this.#sealedTunnel = order.tunnel
    await this.#order(order)
  }

  /** What was loaded last, as it was told. */
  get loaded(): EngineState {
    return { peers: this.#peers, subnets: this.#subnets }
  }

  /** What the switch's own tables hold. */
  read(): Promise<SwitchReading> {
    return this.#order({ kind: 'read' })
  }

  async counters(): Promise<SwitchTotals> {
    const living = await this.#order({ kind: 'counters' })
    this.#counted = living
    return addTotals(this.#buried, living)
  }

  /** A frame from an in-process card. Lost when no thread lives. */
  send(port: number, frame: Uint8Array): void {
    if (this.#outbox.size === 0) queueMicrotask(() => this.#sendAll())
    const frames = this.#outbox.get(port)
    if (frames === undefined) this.#outbox.set(port, [frame])
    else frames.push(frame)
  }

  /** True once after somebody else than `load` changed what the switch knows. Costs nothing. */
  takeDisturbed(): boolean {
    const busy = [...this.#pending.values()].some(({ order }) => order.kind === 'load')
    if (this.#life === null || busy) return false
    const loads = Atomics.load(this.#life.control, CONTROL.loads)
    const disturbed = loads !== this.#loads
    this.#loads = loads
    return disturbed
  }

  /** For tests: let the switch know something that nobody wanted. */
  async damage(update: SwitchUpdate): Promise<void> {
    await this.#order({ kind: 'load', update })
  }

  /** For tests: the thread dies. */
  async kill(): Promise<void> {
    const life = this.#life
    if (life === null) return
    const ended = life.worker.terminate()
    life.wake.wake()
    await ended
  }

  /** End the thread; resolves when it has. Nothing is served any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#restart?.[Symbol.dispose]()
    const life = this.#life
    this.#life = null
    for (const { reject } of this.#pending.values()) reject(closedError())
    this.#pending.clear()
    if (life === null) return
    await new Promise<void>((resolve) => {
      life.worker.ref()
      life.worker.once('exit', () => resolve())
      stop(life)
    })
    bury(life)
  }

  #begin(): Life {
    const wake = WakeEvent.open()
    const memory = new SharedArrayBuffer(CONTROL_BYTES)
    const control = new Int32Array(memory)
    const { port1, port2 } = new MessageChannel()
    const place = { port: port2, wakeFd: wake.fd, control: memory }
    const input: SwitchThreadInput = { ...place, suite: this.#suite }
    // Sources run as .ts in the repository, as .js from the package.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const url = new URL(`./switch-worker.${extension}`, import.meta.url)
    const worker = new Worker(url, {
      name: 'weft-switch',
      workerData: input,
      transferList: [port2],
      execArgv: conditions(process.execArgv),
      // No packet allocates, so garbage needs little room; the default is 48 MB.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
    })
    worker.unref()
    const onExit = (): void => stop({ control, wake })
    process.on('exit', onExit)
    const life = { worker, port: port1, wake, control, onExit }
    let cause: Error | null = null
    worker.on('error', (error) => (cause = error as Error))
    worker.on('exit', (code) => this.#ended(life, cause ?? new Error(`exit code ${code}`)))
    port1.on('message', (report: SwitchReport) => this.#hear(report))
    port1.unref()
    return life
  }

  #ended(life: Life, cause: Error): void {
    if (this.#life !== life) return
    this.#life = null
    bury(life)
    this.#buried = addTotals(this.#buried, this.#counted)
    this.#counted = NO_TOTALS
    this.#deaths++
    if (this.#deaths > DEATHS_MAX) this.#giveUp(cause)
    const delay = this.#deaths > 1 ? RESTART_DELAY_MS : 0
    this.#restart = this.#clock.schedule(instantAfter(this.#clock.now(), delay), () => {
      if (this.#closed) return
      this.#life = this.#begin()
      this.#replay()
    })
    this.#listener.died(cause)
  }

  /** All that was ordered, then the orders that nobody answered. */
  #replay(): void {
    this.#repeat({ kind: 'tunnel', tunnel: this.#tunnel })
    this.#repeat({ kind: 'sealed-tunnel', tunnel: this.#sealedTunnel })
    for (const plug of this.#plugs.values()) this.#repeat({ kind: 'plug', plug })
    const security = { spec: this.#security }
    const update = { peers: this.#peers, changed: this.#subnets, gone: [], security }
    this.#loads = 1
    this.#repeat({ kind: 'load', update })
    for (const [ticket, { order }] of this.#pending) {
      if (order.kind === 'load') this.#loads++
      this.#postOrder(ticket, order)
    }
  }

  #repeat(order: SwitchOrder): void {
    this.#postOrder(++this.#tickets, order)
  }

  #giveUp(cause: Error): void {
    const details = {
      item: itemPath.tunnel,
      operation: 'run the switch',
      diagnostic: cause.message,
    }
    for (const { reject } of this.#pending.values()) {
      reject(dataplaneError('ERR_HOST', 'the switch does not stay alive', details, cause))
    }
    this.#pending.clear()
  }

  #order<Order extends SwitchOrder>(order: Order): Promise<SwitchAnswers[Order['kind']]> {
    if (this.#closed) return Promise.reject(closedError())
    const { promise, resolve, reject } = Promise.withResolvers<SwitchAnswers[Order['kind']]>()
    const ticket = ++this.#tickets
    const settle = resolve as (answer: unknown) => void
    // An answer is waited for with nothing else keeping the process alive.
    if (this.#pending.size === 0) this.#life?.port.ref()
    this.#pending.set(ticket, { order, resolve: settle, reject })
    this.#postOrder(ticket, order)
    return promise
  }

  /** Keys leave their owner only for a thread that lives. */
  #postOrder(ticket: number, order: SwitchOrder): void {
    if (this.#life === null) return
    const sent = sendable(order)
    this.#post({ ticket, order: sent.order }, sent.transfer)
  }

  #post(command: SwitchCommand, transfer: readonly ArrayBuffer[] = []): void {
    const life = this.#life
    if (life === null) return
    life.port.postMessage(command, [...transfer])
    life.wake.wake()
  }

  #sendAll(): void {
    for (const [port, frames] of this.#outbox) this.#post({ ticket: 0, port, frames })
    this.#outbox.clear()
  }

  #hear(report: SwitchReport): void {
    if (report.kind === 'frames') {
      for (const frame of report.frames) this.#listener.frame(report.port, frame)
    } else if (report.kind === 'rekey') {
      this.#listener.rekey(report.wanted)
    } else if (report.kind === 'lost') {
      this.#listener.lost(report.port)
    } else {
      // Whoever died of a load answers everything else before it.
      if (report.order === 'load') this.#deaths = 0
      const pending = this.#pending.get(report.ticket)
      this.#pending.delete(report.ticket)
      if (this.#pending.size === 0) this.#life?.port.unref()
      pending?.resolve(report.answer)
    }
  }
}

function closedError(): WeftError {
  return dataplaneError('ERR_CLOSED', 'the dataplane is closed', { operation: 'switch' })
}

function stop({ control, wake }: Pick<Life, 'control' | 'wake'>): void {
  Atomics.store(control, CONTROL.stop, 1)
  wake.wake()
}

function bury({ onExit, port, wake }: Life): void {
  process.off('exit', onExit)
  port.close()
  wake.close()
}

/** Of this process's flags the thread needs those that decide how packages resolve. */
function conditions(flags: readonly string[]): string[] {
  return flags.flatMap((flag, i) => {
    if (flag.startsWith('--conditions=')) return [flag]
    const value = flags[i + 1]
    return (flag === '--conditions' || flag === '-C') && value !== undefined ? [flag, value] : []
  })
}
