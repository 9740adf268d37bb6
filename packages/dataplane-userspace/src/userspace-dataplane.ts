/** The dataplane in userspace: a thin shell that takes turns and answers for what it notices. */
import { setImmediate } from 'node:timers/promises'
import { Emitter, instantAfter, WeftError, type Clock } from '@weft/core'
import {
  ApplyQueue,
  changedItems,
  dataplaneError,
  diff,
  diffProgrammed,
  itemPath,
  order,
  programmedItems,
  Validator,
  type AcceptedState,
  type ApplyReport,
  type Capabilities,
  type Change,
  type Counters,
  type Dataplane,
  type DataplaneEvents,
  type DesiredState,
  type ItemFailure,
  type ObservedState,
  type ProgrammedState,
} from '@weft/dataplane'
import { SEQUENCE_MAX, type RekeyWanted } from '@weft/encryption'
import { PolledMonitor, type TapOffload } from '@weft/linux'
import { Endpoints } from './endpoints.ts'
import { PeerNumbers } from './engine-plan.ts'
import { sealExtraBytes } from './options.ts'
import { closeHost, underlayMtuBytes, type Host } from './host.ts'
import { readMachinery, type Reading } from './reading.ts'
import { SwitchThread } from './switch-thread.ts'
import { differingItems, securityItems, securityItemsRead } from './tunnel-security.ts'
import { Transition, type Machinery } from './transition.ts'

/** Things noticed within so many milliseconds of the first are answered together. */
export const COALESCE_MS = 5

/** How often it is looked whether cards are present and the switch is as we left it, in ms. */
export const GLANCE_INTERVAL_MS = 200

/** Parts of an open dataplane. */
export interface UserspaceDataplaneParts {
  readonly host: Host
  readonly clock: Clock
  readonly capabilities: Capabilities
  /** What to ask of every TAP. */
  readonly offloads: readonly TapOffload[]
}

/** What differs from what should be. */
interface Found {
  readonly changes: readonly Change[]
  /** Guards and associations, by observed path. */
  readonly secured: readonly string[]
}

/**
 * Invariant: `base` is programmed completely as far as we know; it is null when something failed
 * or nothing was applied yet, and then the next pass reads first.
 */
export class UserspaceDataplane implements Dataplane {
  readonly backend = 'userspace'
  readonly capabilities: Capabilities
  readonly events = new Emitter<DataplaneEvents>()
  /** What passes work on; for tests. */
  readonly machinery: Machinery
  readonly #clock: Clock
  readonly #validator: Validator
  readonly #queue: ApplyQueue
  #desired: DesiredState | null = null
  #accepted: AcceptedState | null = null
  #base: AcceptedState | null = null
  #failed: ReadonlySet<string> = new Set()
  #drift = 0
  #look: Disposable | null = null
  #glance: Disposable | null = null
  #audit: Disposable | null = null
  #underlay: PolledMonitor | null = null

  constructor({ capabilities, clock, host, offloads }: UserspaceDataplaneParts) {
    this.#clock = clock
    this.capabilities = capabilities
    this.#validator = new Validator(capabilities)
    const { suite } = host.options.esp
    const thread = new SwitchThread({ clock, suite }, {
      frame: (port, frame) => endpoints.deliver(port, frame),
      lost: (port) => this.#endLost(port),
      rekey: (wanted) => this.#rekeyWanted(wanted),
      died: (error) => this.#threadDied(error),
    })
    const endpoints = new Endpoints(host, thread, offloads)
    const numbers = new PeerNumbers()
    const sockets = { tunnel: null, sealedSocket: null, security: null }
    this.machinery = { host, thread, endpoints, numbers, ...sockets }
    this.#queue = new ApplyQueue(async (desired) => {
      // Newer generations that are being handed over right now overtake those behind this one.
      await setImmediate()
      return this.#apply(desired)
    })
  }

  /** Begin to listen and to look. Throws ERR_KERNEL. */
  start(): void {
    const namespace = this.machinery.host.underlay.namespace.fd
    this.#underlay = PolledMonitor.open({ namespace, topics: ['links', 'addresses'] })
    this.#scheduleGlance()
    this.#scheduleAudit()
  }

  apply(desired: DesiredState): Promise<ApplyReport> {
    return this.#queue.apply(desired)
  }

  observe(): Promise<ObservedState> {
    return this.#queue.exclusive('observe', async () => {
      const { security, state } = await this.#read()
      this.#compare(state, security)
      const accepted = this.#accepted
      const foreign = [...state.networks.keys()].filter((id) => accepted?.networks.has(id) !== true)
      return {
        generation: this.#queue.generation,
        items: new Map([...programmedItems(state), ...security]),
        foreign: foreign.map(itemPath.network),
      }
    })
  }

  counters(): Promise<Counters> {
    return this.#queue.exclusive('counters', async () => {
      const totals = await this.machinery.thread.counters()
      return { ...totals, drift: this.#drift }
    })
  }

  /** Nothing here outlives the process: both modes leave nothing behind. */
  close(_mode: 'detach' | 'teardown'): Promise<void> {
    return this.#queue.close(async () => {
      for (const task of [this.#look, this.#glance, this.#audit]) task?.[Symbol.dispose]()
      this.#underlay?.close()
      const { endpoints, host, sealedSocket, thread, tunnel } = this.machinery
      await thread.close()
      endpoints.close()
      tunnel?.close()
      sealedSocket?.close()
      closeHost(host)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('teardown')
  }

  async #read(): Promise<Reading & { readonly security: ReadonlyMap<string, string> }> {
    const { endpoints, thread, tunnel } = this.machinery
    const reading = await thread.read()
    const local = tunnel?.local ?? null
    const scope = { tables: reading.tables, endpoints, tunnel: local, accepted: this.#accepted }
    return { ...readMachinery(scope), security: securityItemsRead(reading, local?.port ?? 0) }
  }

  /** What was just read may be news: then the next pass reads too, and a repair looks at it. */
  #compare(state: ProgrammedState, security: ReadonlyMap<string, string>): void {
    const accepted = this.#accepted
    if (accepted === null) return
    const isOther = (item: string): boolean => !this.#failed.has(item)
    const isDark = differingItems(security, securityItems(accepted)).some(isOther)
    if (isDark || diffProgrammed(state, accepted).some(({ item }) => isOther(item))) {
      this.#suspect()
    }
  }

  async #apply(desired: DesiredState): Promise<ApplyReport> {
    const { generation } = desired
    this.#desired = desired
    const { changed, failures } = await this.#converge(desired)
    return { generation, outcome: 'applied', changed, collected: [], failures }
  }

  /** Where our own tunnel is not to be had nothing is touched. */
  async #converge(
    desired: DesiredState,
  ): Promise<{ readonly changed: number; readonly failures: readonly ItemFailure[] }> {
    const { host } = this.machinery
    const facts = {
      underlayMtuBytes: underlayMtuBytes(host, desired.tunnel.ip),
      sealExtraBytes: sealExtraBytes(host.options.esp),
    }
    const { accepted, failures } = this.#validator.validate(desired, facts)
    if (failures.some(({ item }) => item === itemPath.tunnel)) return { changed: 0, failures }
    const base = this.#base
    this.#base = null
    const { changes, secured } =
      base === null
        ? await this.#changesFound(accepted)
        : { changes: diff(base, accepted), secured: differingItems(...itemsOf(base, accepted)) }
    this.#accepted = accepted
    const failed = await this.#carryOut(changes, accepted)
    const isDone = (item: string): boolean => !this.#failed.has(item)
    const changed = changedItems(changes.filter(({ item }) => isDone(item)))
    return { changed: changed + secured.filter(isDone).length, failures: [...failures, ...failed] }
  }

  /** Read back, let go of ends that are gone, and say what differs. */
  async #changesFound(accepted: AcceptedState): Promise<Found> {
    const { gone, security, state } = await this.#read()
    for (const plugged of gone) await this.machinery.endpoints.unplug(plugged)
    const secured = differingItems(security, securityItems(accepted))
    if (secured.length > 0) this.machinery.security = undefined
    return { changes: diffProgrammed(state, accepted), secured }
  }

  async #carryOut(
    changes: readonly Change[],
    accepted: AcceptedState,
  ): Promise<readonly ItemFailure[]> {
    const failed = await new Transition(this.machinery, accepted).run(order(changes))
    this.#failed = failedItems(failed, accepted)
    this.#base = failed.length === 0 ? accepted : null
    return failed
  }

  #endLost(port: number): void {
    if (this.machinery.endpoints.at(port) !== null) this.#suspect()
  }

  #rekeyWanted(wanted: readonly RekeyWanted[]): void {
    for (const { peer, sequence } of wanted) {
      const diagnostic = `sequence number ${sequence} of ${SEQUENCE_MAX}`
      const details = { item: itemPath.association(peer), operation: 'seal', diagnostic }
      const error = dataplaneError('ERR_HOST', 'a new key is wanted soon', details)
      this.machinery.host.log.warn('sequence numbers run out', { peer, sequence })
      this.events.emit('failed', { error })
    }
  }

  #threadDied(error: Error): void {
    this.machinery.host.log.error('the switch died and begins anew', { error })
    this.events.emit('failed', { error })
  }

  /** What is programmed is not what we think: read before the next pass, and soon. */
  #suspect(): void {
    if (this.#queue.closed) return
    this.#base = null
    this.#look ??= this.#after(COALESCE_MS, () => {
      this.#look = null
      this.#inTurn('repair', () => this.#repair())
    })
  }

  /** Read everything back and put right what differs; known failures are tried again. */
  async #repair(): Promise<void> {
    const accepted = this.#accepted
    if (accepted === null) return
    const known = this.#failed
    const { changes, secured } = await this.#changesFound(accepted)
    const failures = await this.#carryOut(changes, accepted)
    const items = new Set([...changes.map(({ item }) => item), ...secured])
    const drifted = [...items].filter((item) => !known.has(item))
    if (drifted.length > 0) this.#announceDrift(drifted, failures)
  }

  /** A null MTU follows the underlay's, and a tunnel address that came back lets networks be. */
  async #followUnderlay(): Promise<void> {
    const desired = this.#desired
    if (desired === null) return
    const { changed, failures } = await this.#converge(desired)
    if (changed === 0) return
    this.machinery.host.log.info('followed the underlay', { changed, failures: failures.length })
  }

  #announceDrift(items: readonly string[], failures: readonly ItemFailure[]): void {
    this.#drift += items.length
    this.machinery.host.log.warn('drift', { items: items.length, failures: failures.length })
    this.events.emit('drift', { items, failures })
  }

  /** Costs next to nothing, so that it can be often. */
  #scheduleGlance(): void {
    this.#glance = this.#after(GLANCE_INTERVAL_MS, () => {
      if (this.#queue.closed) return
      this.#scheduleGlance()
      const { endpoints, thread } = this.machinery
      if (thread.takeDisturbed() || endpoints.withoutCard().length > 0) this.#suspect()
      if (this.#underlay?.takeChanged() === true) {
        this.#inTurn('follow the underlay', () => this.#followUnderlay())
      }
    })
  }

  #scheduleAudit(): void {
    this.#audit = this.#after(this.machinery.host.options.auditIntervalMs, () => {
      this.#inTurn('audit', () => this.#repair())
      if (!this.#queue.closed) this.#scheduleAudit()
    })
  }

  #after(ms: number, task: () => void): Disposable {
    return this.#clock.schedule(instantAfter(this.#clock.now(), ms), task)
  }

  /** Work between applies; what the host refuses is announced, and the dataplane goes on. */
  #inTurn(operation: string, work: () => Promise<void>): void {
    if (this.#queue.closed) return
    this.#queue.exclusive(operation, work).catch((error: unknown) => {
      if (this.#queue.closed) return
      if (!(error instanceof WeftError)) throw error
      this.machinery.host.log.error('work between applies failed', { operation, error })
      this.events.emit('failed', { error })
    })
  }
}

function itemsOf(
  before: AcceptedState,
  after: AcceptedState,
): [ReadonlyMap<string, string>, ReadonlyMap<string, string>] {
  return [securityItems(before), securityItems(after)]
}

/** What failed, with what cannot be observed because of it. */
function failedItems(
  failures: readonly ItemFailure[],
  { networks, peers }: AcceptedState,
): ReadonlySet<string> {
  const items = new Set(failures.map(({ item }) => item))
  for (const [node, { tunnel }] of peers) {
    if (items.has(itemPath.peer(node))) items.add(itemPath.association(tunnel.ip))
  }
  for (const [id, { subnets }] of networks) {
    for (const { vni } of subnets) {
      if (items.has(itemPath.subnet(id, vni))) items.add(itemPath.guard(vni))
    }
  }
  return items
}
