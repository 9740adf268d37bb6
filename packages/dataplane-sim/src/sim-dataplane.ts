/** The dataplane of a simulated machine: plans, carries out, and looks for drift. */
import { Emitter, instantAfter, type Runtime } from '@weft/core'
import {
  ApplyQueue,
  diffProgrammed,
  order,
  programmedItems,
  programmedOf,
  removedItems,
  Validator,
  type AcceptedState,
  type ApplyReport,
  type Capabilities,
  type Counters,
  type Dataplane,
  type DataplaneEvents,
  type DesiredState,
  type ObservedState,
} from '@weft/dataplane'
import { wipe } from './machine-wide.ts'
import { perform } from './perform.ts'
import type { SimMachine } from './sim-machine.ts'

/** Everything a simulated dataplane is opened with. */
export interface SimOptions {
  /** The machine it programs, which outlives it. */
  readonly machine: SimMachine
  /** What it admits to; see SIM_CAPABILITIES. */
  readonly capabilities: Capabilities
  /** How often it looks whether somebody changed the machine, in milliseconds. */
  readonly auditIntervalMs: number
}

/**
 * The executable specification: read back, compare, change what differs. There is no memory of
 * what was programmed, so it cannot be wrong about it.
 */
export class SimDataplane implements Dataplane {
  readonly backend = 'sim'
  readonly capabilities: Capabilities
  readonly events = new Emitter<DataplaneEvents>()
  readonly #runtime: Runtime
  readonly #options: SimOptions
  readonly #machine: SimMachine
  readonly #validator: Validator
  readonly #queue: ApplyQueue
  #accepted: AcceptedState | null = null
  /** The machine's version when we last left it; another one means that somebody changed it. */
  #left = 0
  #drift = 0
  #audit: Disposable | null = null

  constructor(runtime: Runtime, options: SimOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#machine = options.machine
    this.capabilities = options.capabilities
    this.#validator = new Validator(options.capabilities)
    this.#queue = new ApplyQueue((desired) => this.#converge(desired))
    this.#scheduleAudit()
  }

  apply(desired: DesiredState): Promise<ApplyReport> {
    return this.#queue.apply(desired)
  }

  observe(): Promise<ObservedState> {
    return this.#queue.exclusive('observe', async () => {
      const items = programmedItems(this.#machine.read())
      const { generation } = this.#queue
      return { generation, items, foreign: this.#foreignAmong(items) }
    })
  }

  counters(): Promise<Counters> {
    return this.#queue.exclusive('counters', async () => ({
      ...this.#machine.counters(),
      drift: this.#drift,
    }))
  }

  close(mode: 'detach' | 'teardown'): Promise<void> {
    return this.#queue.close(async () => {
      this.#audit?.[Symbol.dispose]()
      const keep = mode === 'detach' && this.capabilities.persistent
      if (!keep) await wipe(this.#machine)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('teardown')
  }

  async #converge(desired: DesiredState): Promise<ApplyReport> {
    const underlayMtuBytes = this.#machine.underlayMtuBytes(desired.tunnel.ip)
    const { accepted, failures } = this.#validator.validate(desired, { underlayMtuBytes })
    const isFirst = this.#accepted === null
    this.#accepted = accepted
    const changes = order(diffProgrammed(this.#machine.read(), accepted))
    const performed = await perform(this.#machine, changes)
    this.#left = this.#machine.version
    return {
      generation: desired.generation,
      outcome: 'applied',
      changed: performed.changed,
      collected: isFirst ? removedItems(changes) : [],
      failures: [...failures, ...performed.failures],
    }
  }

  /** What is programmed and nobody asked for; before the first apply that cannot be told. */
  #foreignAmong(items: ReadonlyMap<string, string>): readonly string[] {
    if (this.#accepted === null) return []
    const wanted = programmedItems(programmedOf(this.#accepted))
    return [...items.keys()].filter((path) => !wanted.has(path))
  }

  #scheduleAudit(): void {
    const { clock } = this.#runtime
    const at = instantAfter(clock.now(), this.#options.auditIntervalMs)
    this.#audit = clock.schedule(at, () => {
      if (this.#queue.closed) return
      this.#scheduleAudit()
      const untouched = this.#machine.version === this.#left
      if (this.#accepted === null || untouched) return
      this.#queue.exclusive('repair', () => this.#repair()).catch((error: unknown) => {
        // Closed before its turn came; anything else is a bug.
        if (!this.#queue.closed) throw error
      })
    })
  }

  async #repair(): Promise<void> {
    if (this.#accepted === null) return
    const changes = order(diffProgrammed(this.#machine.read(), this.#accepted))
    if (changes.length === 0) return
    const { failures } = await perform(this.#machine, changes)
    this.#left = this.#machine.version
    const items = [...new Set(changes.map(({ item }) => item))]
    this.#drift += items.length
    this.events.emit('drift', { items, failures })
  }
}
