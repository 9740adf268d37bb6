/** A dataplane in another process, as the contract has it. */
import { Emitter } from '@weft/core'
import type {
  ApplyReport,
  Capabilities,
  Counters,
  Dataplane,
  DataplaneEvents,
  DesiredState,
  ObservedState,
} from '@weft/dataplane'
import { portableState, reviveFailures, type Opened } from './dataplane-calls.ts'
import type { DataplaneOwner } from './dataplane-owner.ts'

/**
 * The proxy: each verb is a call to the owner. In-process network cards ('port' attachments) do
 * not work from here; their kind goes along, so the backend can refuse them.
 */
export class RemoteDataplane implements Dataplane {
  readonly backend: string
  readonly capabilities: Capabilities
  readonly events = new Emitter<DataplaneEvents>()
  readonly #owner: DataplaneOwner
  #closed: 'detach' | 'teardown' | null = null

  constructor(owner: DataplaneOwner, { backend, capabilities }: Opened) {
    this.#owner = owner
    this.backend = backend
    this.capabilities = capabilities
    owner.announceTo(this.events)
  }

  async apply(desired: DesiredState): Promise<ApplyReport> {
    const report = await this.#owner.call('apply', portableState(desired))
    return { ...report, failures: reviveFailures(report.failures) }
  }

  observe(): Promise<ObservedState> {
    return this.#owner.call('observe', null)
  }

  counters(): Promise<Counters> {
    return this.#owner.call('counters', null)
  }

  /** How it was closed first; null while it is open. */
  get closed(): 'detach' | 'teardown' | null {
    return this.#closed
  }

  async close(mode: 'detach' | 'teardown'): Promise<void> {
    await this.#owner.call('close', mode)
    this.#closed ??= mode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owner.call('dispose', null)
  }
}
