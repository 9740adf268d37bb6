/** A dataplane that notes what it is told: for namespaces, which the simulated one has not. */
import { Emitter } from '@weft/core'
import {
  dataplaneError,
  itemPath,
  type ApplyReport,
  type Capabilities,
  type Counters,
  type Dataplane,
  type DataplaneEvents,
  type DesiredState,
  type ItemFailure,
  type ObservedState,
} from '@weft/dataplane'
import type { NamespaceHolder } from '../src/index.ts'

const CAPABILITIES: Capabilities = {
  attachments: new Set(['netns', 'port']),
  encapsulations: new Set(['vxlan']),
  underlayFamilies: new Set([4, 6]),
  overlayFamilies: new Set([4, 6]),
  mtuMaxBytes: 9000,
  persistent: true,
}

/** What outlives the process, as a kernel does. */
export class NotedMachine {
  /** What is programmed. */
  desired: DesiredState | null = null
  readonly applied: DesiredState[] = []
  /** Namespaces that are not there. */
  readonly gone = new Set<string>()
  /** Who is behind a path in /proc. */
  readonly holders = new Map<string, NamespaceHolder>()
  /** Interfaces that somebody else made, as `path ifname`. */
  readonly interfaces = new Set<string>()
  /** True: every apply is refused as a whole. */
  isBroken = false
  /** False: encrypted networks are refused. */
  encrypts = false
}

/** One process's hold of it. */
export class NotedDataplane implements Dataplane {
  readonly backend = 'noted'
  readonly capabilities = CAPABILITIES
  readonly events = new Emitter<DataplaneEvents>()
  readonly machine: NotedMachine
  readonly #isAlive: () => boolean
  #closed: 'detach' | 'teardown' | null = null

  /** As long as its process is alive. */
  constructor(machine: NotedMachine, isAlive: () => boolean) {
    this.machine = machine
    this.#isAlive = isAlive
  }

  /** How it was closed; null: it was not. */
  get closed(): 'detach' | 'teardown' | null {
    return this.#closed
  }

  async apply(desired: DesiredState): Promise<ApplyReport> {
    const { machine } = this
    if (!this.#isAlive()) return new Promise(() => undefined)
    if (this.#closed !== null) {
      throw dataplaneError('ERR_CLOSED', 'closed', { operation: 'apply' })
    }
    if (machine.isBroken) {
      const facts = { item: 'tunnel', operation: 'apply', diagnostic: 'EIO' }
      throw dataplaneError('ERR_HOST', 'the host refused', facts)
    }
    machine.desired = desired
    machine.applied.push(desired)
    const failures = failuresOf(desired, machine)
    const { generation } = desired
    return { generation, outcome: 'applied', changed: 1, collected: [], failures }
  }

  async observe(): Promise<ObservedState> {
    return { generation: this.machine.desired?.generation ?? 0, items: new Map(), foreign: [] }
  }

  async counters(): Promise<Counters> {
    return { transmitted: 0, received: 0, dropped: new Map(), drift: 0, networks: new Map() }
  }

  async close(mode: 'detach' | 'teardown'): Promise<void> {
    this.#closed ??= mode
    if (mode === 'teardown') this.machine.desired = null
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('detach')
  }
}

function failuresOf(desired: DesiredState, machine: NotedMachine): ItemFailure[] {
  const failures: ItemFailure[] = []
  for (const [id, network] of desired.networks) {
    const refused = network.encapsulation !== 'vxlan' && !machine.encrypts
    if (refused) {
      const item = itemPath.network(id)
      const facts = { item, capability: `encapsulation:${network.encapsulation}` }
      failures.push({ item, error: dataplaneError('ERR_UNSUPPORTED', 'not here', facts) })
    }
    for (const [name, { attachment }] of network.local) {
      const item = itemPath.local(id, name)
      const error = refused
        ? dataplaneError('ERR_DEPENDENCY', 'failed', { item, dependsOn: itemPath.network(id) })
        : attachment.kind === 'netns'
          ? netnsError(item, attachment, machine)
          : null
      if (error !== null) failures.push({ item, error })
    }
  }
  return failures
}

function netnsError(
  item: string,
  { path, ifname }: { readonly path: string; readonly ifname: string },
  machine: NotedMachine,
): ItemFailure['error'] | null {
  if (machine.gone.has(path)) {
    const facts = { item, attachment: path }
    return dataplaneError('ERR_ATTACHMENT_MISSING', 'no such network namespace', facts)
  }
  if (!machine.interfaces.has(`${path} ${ifname}`)) return null
  const facts = { item, owner: `interface ${ifname} in ${path}` }
  return dataplaneError('ERR_CONFLICT', 'what the item needs is taken', facts)
}
