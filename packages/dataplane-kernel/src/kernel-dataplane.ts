/** The dataplane over the kernel: a thin shell that takes turns and answers for what it hears. */
import { setImmediate } from 'node:timers/promises'
import { Emitter, instantAfter, WeftError, type Clock } from '@weft/core'
import {
  ApplyQueue,
  diffProgrammed,
  itemPath,
  programmedItems,
  Validator,
  type AcceptedState,
  type ApplyReport,
  type Capabilities,
  type Counters,
  type Dataplane,
  type DataplaneEvents,
  type DesiredState,
  type ItemFailure,
  type NetworkId,
  type ObservedState,
  type ProgrammedState,
} from '@weft/dataplane'
import { isKernelError, type Notice } from '@weft/linux'
import { isFrameSound } from './frame-check.ts'
import { closeHost, underlayMtuBytes, type Host } from './host.ts'
import { adoptNamed, removeNetwork } from './networks.ts'
import { judgeNotices, type LostEntry } from './notice-judge.ts'
import {
  adoptAll,
  changedOf,
  lookAtAll,
  passByReading,
  passFromMemory,
  type PassOutcome,
} from './pass.ts'
import { restoreEntries } from './restore.ts'
import { SECURITY_CHECK_MS, securityPause } from './security-pause.ts'
import type { NetworkSite } from './site.ts'
import { TunnelSecurity } from './tunnel-security.ts'
import { COALESCE_MS, Watchman } from './watchman.ts'

/** More lost entries than this at once are found by reading the network back. */
export const RESTORE_ENTRIES_MAX = 64

/** How long after a repair the network is read back to see that nothing else is amiss, in ms. */
export const CONFIRM_DELAY_MS = 1000

/** What is to be looked at, and how closely. */
type Suspicion = 'frame' | 'all'

/** Parts of an open dataplane. */
export interface KernelDataplaneParts {
  readonly host: Host
  readonly clock: Clock
  readonly capabilities: Capabilities
}

/**
 * Invariant: `base` is programmed completely and to the letter as far as the kernel told us; it is
 * null when something failed or nothing was applied yet, and then the next pass reads first. All
 * work on the kernel is synchronous, so that notices find it before or after a pass, never within.
 */
export class KernelDataplane implements Dataplane {
  readonly backend = 'kernel'
  readonly capabilities: Capabilities
  readonly events = new Emitter<DataplaneEvents>()
  readonly #host: Host
  readonly #clock: Clock
  readonly #validator: Validator
  readonly #queue: ApplyQueue
  readonly #watchman: Watchman
  readonly #security: TunnelSecurity
  readonly #suspects = new Map<NetworkId, Suspicion>()
  /** Tunnel entries that were last seen as nobody wants them, by network. */
  readonly #strangers = new Map<NetworkId, Set<string>>()
  #desired: DesiredState | null = null
  #accepted: AcceptedState | null = null
  #base: AcceptedState | null = null
  #failed: ReadonlySet<string> = new Set()
  #drift = 0
  #look: Disposable | null = null
  #confirm: Disposable | null = null
  #audit: Disposable | null = null
  #check: Disposable | null = null
  /** True while a look at the guards waits for its turn. */
  #guardSuspect = false

  constructor({ host, clock, capabilities }: KernelDataplaneParts) {
    this.#host = host
    this.#clock = clock
    this.capabilities = capabilities
    this.#validator = new Validator(capabilities)
    this.#security = new TunnelSecurity(host, () => this.#guardTouched())
    this.#queue = new ApplyQueue(async (desired) => {
      // Newer generations that are being handed over right now overtake those behind this one.
      await setImmediate()
      return this.#apply(desired)
    })
    this.#watchman = new Watchman(host, clock, {
      noticed: (site, read) => this.#noticed(site, read),
      uncertain: (id) => this.#suspect(id, 'all'),
      underlayChanged: () => this.#inTurn('follow the underlay', () => this.#followUnderlay()),
    })
  }

  /** Read what a predecessor left and begin to listen. Throws ERR_KERNEL. */
  start(): void {
    adoptAll(this.#host)
    this.#security.adopt()
    this.#watchman.start()
    this.#scheduleAudit()
    this.#scheduleCheck(SECURITY_CHECK_MS)
  }

  apply(desired: DesiredState): Promise<ApplyReport> {
    return this.#queue.apply(desired)
  }

  observe(): Promise<ObservedState> {
    return this.#queue.exclusive('observe', async () => {
      adoptNamed(this.#host)
      const { state, foreign } = lookAtAll(this.#host, this.#accepted)
      this.#compare(state)
      const items = programmedItems(state)
      for (const [item, text] of this.#security.items(this.#accepted)) items.set(item, text)
      const unasked = [...state.networks.keys()]
        .filter((id) => this.#accepted !== null && !this.#accepted.networks.has(id))
        .map(itemPath.network)
      return { generation: this.#queue.generation, items, foreign: [...unasked, ...foreign] }
    })
  }

  counters(): Promise<Counters> {
    return this.#queue.exclusive('counters', async () => {
      for (const site of this.#host.sites.values()) this.#host.traffic.update(site)
      return this.#security.counted(this.#host.traffic.totals(this.#drift))
    })
  }

  close(mode: 'detach' | 'teardown'): Promise<void> {
    return this.#queue.close(async () => {
      const tasks = [this.#look, this.#confirm, this.#audit, this.#check]
      for (const task of tasks) task?.[Symbol.dispose]()
      await this.#watchman.close()
      try {
        if (mode === 'teardown') {
          adoptNamed(this.#host)
          for (const id of [...this.#host.sites.keys()]) removeNetwork(this.#host, id)
        }
        await this.#security.close(mode)
      } finally {
        closeHost(this.#host)
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close('detach')
  }

  /** What was just read may be news: then the next pass reads too, and a repair looks at it. */
  #compare(state: ProgrammedState): void {
    const accepted = this.#accepted
    if (accepted === null) return
    const changes = diffProgrammed(state, accepted)
    for (const { item, network } of changes) {
      if (this.#failed.has(item)) continue
      this.#base = null
      this.#suspect(network, 'all')
    }
  }

  #apply(desired: DesiredState): ApplyReport {
    const first = this.#accepted === null
    const { generation } = desired
    this.#desired = desired
    const { failures, outcome, secured } = this.#converge(desired)
    const report = { generation, outcome: 'applied', failures } as const
    if (outcome === null) return { ...report, changed: 0, collected: [] }
    const changed = changedOf(outcome) + secured
    return { ...report, changed, collected: first ? outcome.removed : [] }
  }

  /** `outcome` is null when our own tunnel is not to be had, and then nothing is touched. */
  #converge(desired: DesiredState): {
    readonly failures: readonly ItemFailure[]
    readonly outcome: PassOutcome | null
    /** How many guards and associations changed. */
    readonly secured: number
  } {
    const facts = { underlayMtuBytes: underlayMtuBytes(this.#host, desired.tunnel.ip) }
    const { accepted: valid, failures } = this.#validator.validate(desired, facts)
    if (failures.some(({ item }) => item === itemPath.tunnel)) {
      return { failures, outcome: null, secured: 0 }
    }
    const security = this.#security.secure(valid, false)
    const { accepted } = security
    const base = this.#base
    this.#base = null
    const outcome =
      base === null
        ? passByReading(this.#host, accepted, null)
        : passFromMemory(this.#host, base, accepted)
    const settled = this.#security.settle(accepted)
    this.#accepted = accepted
    this.#base = outcome.failures.length === 0 ? accepted : null
    this.#failed = itemsOf(outcome.failures)
    this.#watchman.refresh()
    const secured = new Set([...security.items, ...settled]).size
    return { failures: [...failures, ...security.failures, ...outcome.failures], outcome, secured }
  }

  #noticed(site: NetworkSite, read: () => readonly Notice[]): void {
    const wanted = this.#accepted?.networks.get(site.id)
    if (this.#queue.closed || wanted === undefined) return
    const { entries, frame, lost, right, wrong } = judgeNotices(site, read(), wanted.mtu)
    const strangers = this.#strangers.get(site.id) ?? new Set()
    for (const key of right) strangers.delete(key)
    for (const key of wrong) strangers.add(key)
    this.#strangers.set(site.id, strangers)
    if (entries || lost.length > RESTORE_ENTRIES_MAX) this.#suspect(site.id, 'all')
    else {
      if (frame || wrong.length > 0) this.#suspect(site.id, 'frame')
      if (lost.length > 0) this.#restore(site, lost)
    }
  }

  #restore(site: NetworkSite, lost: readonly LostEntry[]): void {
    const items = this.#tryRestore(site, lost)
    if (items.length === 0) return
    this.#announceDrift(items, [])
    this.#confirm ??= this.#after(CONFIRM_DELAY_MS, () => {
      this.#confirm = null
      this.#inTurn('confirm', () => this.#repair(new Set([site.id])))
    })
  }

  /** What cannot be restored entry by entry is for a read-back to find out. */
  #tryRestore(site: NetworkSite, lost: readonly LostEntry[]): readonly string[] {
    try {
      return restoreEntries(site, lost)
    } catch (error) {
      if (!isKernelError(error)) throw error
      this.#suspect(site.id, 'all')
      return []
    }
  }

  #suspect(id: NetworkId, suspicion: Suspicion): void {
    if (this.#queue.closed) return
    if (this.#suspects.get(id) !== 'all') this.#suspects.set(id, suspicion)
    this.#look ??= this.#after(COALESCE_MS, () => {
      this.#look = null
      this.#inTurn('repair', () => this.#lookAtSuspects())
    })
  }

  #lookAtSuspects(): void {
    const suspects = [...this.#suspects]
    this.#suspects.clear()
    const hasStrangers = (id: NetworkId): boolean => (this.#strangers.get(id)?.size ?? 0) > 0
    const unsound = suspects.filter(
      ([id, how]) => how === 'all' || hasStrangers(id) || !this.#isFrameSound(id),
    )
    if (unsound.length > 0) this.#repair(new Set(unsound.map(([id]) => id)))
  }

  #isFrameSound(id: NetworkId): boolean {
    const accepted = this.#accepted
    const wanted = accepted?.networks.get(id)
    const site = this.#host.sites.get(id)
    if (accepted === null || wanted === undefined || site === undefined) return false
    return isFrameSound(this.#host, site, { accepted, wanted, failed: this.#failed })
  }

  /** Read networks (null: all) back and put right what differs; known failures are tried again. */
  #repair(only: ReadonlySet<NetworkId> | null): void {
    const accepted = this.#accepted
    if (accepted === null) return
    const outcome = passByReading(this.#host, accepted, only)
    for (const id of only ?? this.#strangers.keys()) this.#strangers.delete(id)
    const known = this.#failed
    const drifted = [...outcome.items].filter((item) => !known.has(item))
    const failed = itemsOf(outcome.failures)
    const untried = only === null ? [] : [...known].filter((item) => !isIn(only, item))
    this.#failed = new Set([...untried, ...failed])
    this.#base = this.#failed.size === 0 ? accepted : null
    this.#watchman.refresh()
    if (drifted.length > 0) this.#announceDrift(drifted, outcome.failures)
  }

  /** A null MTU follows the underlay's, and a tunnel address that came back lets networks be. */
  #followUnderlay(): void {
    const desired = this.#desired
    if (desired === null) return
    const { failures, outcome } = this.#converge(desired)
    if (outcome === null || outcome.items.size === 0) return
    const changed = changedOf(outcome)
    this.#host.log.info('followed the underlay', { changed, failures: failures.length })
  }

  #announceDrift(items: readonly string[], failures: readonly ItemFailure[]): void {
    this.#drift += items.length
    this.#host.log.warn('drift', { items: items.length, failures: failures.length })
    this.events.emit('drift', { items, failures })
  }

  #scheduleAudit(): void {
    const { auditIntervalMs } = this.#host.options
    this.#audit = this.#after(auditIntervalMs, () => {
      this.#inTurn('audit', () => this.#repair(null))
      if (!this.#queue.closed) this.#scheduleAudit()
    })
  }

  #scheduleCheck(ms: number): void {
    this.#check = this.#after(ms, () => {
      this.#inTurn('check encryption', () => {
        const begun = this.#clock.now()
        try {
          this.#checkSecurity()
        } finally {
          const pause = securityPause(this.#clock.now() - begun)
          if (!this.#queue.closed) this.#scheduleCheck(pause)
        }
      })
    })
  }

  /** At once: what leaves an encrypted network meanwhile is in the clear. */
  #guardTouched(): void {
    if (this.#guardSuspect || this.#queue.closed) return
    this.#guardSuspect = true
    this.#inTurn('restore guards', () => {
      this.#guardSuspect = false
      const items = this.#security.mendGuard()
      if (items === null) this.#checkSecurity()
      else if (items.length > 0) this.#announceDrift(items, [])
    })
  }

  /** A guard that cannot be restored takes its networks down: `converge` leaves them out. */
  #checkSecurity(): void {
    if (!this.#security.isActive) return
    const accepted = this.#accepted
    // Nothing was applied yet: what a predecessor left is kept dark, or goes.
    if (accepted === null || this.#desired === null) return this.#security.adopt()
    const secured = this.#security.secure(accepted, true)
    if (secured.accepted !== accepted) {
      const { failures } = this.#converge(this.#desired)
      return this.#announceDrift(secured.items, failures)
    }
    const items = [...secured.items, ...this.#security.settle(accepted)]
    if (items.length > 0) this.#announceDrift(items, secured.failures)
  }

  #after(ms: number, task: () => void): Disposable {
    return this.#clock.schedule(instantAfter(this.#clock.now(), ms), task)
  }

  /** Work between applies; what the kernel refuses is announced, and the dataplane goes on. */
  #inTurn(operation: string, work: () => void): void {
    if (this.#queue.closed) return
    this.#queue
      .exclusive(operation, async () => work())
      .catch((error: unknown) => {
        if (this.#queue.closed) return
        if (!(error instanceof WeftError)) throw error
        this.#host.log.error('work between applies failed', { operation, error })
        this.events.emit('failed', { error })
      })
  }
}

/** True when an item is part of one of these networks. */
function isIn(networks: ReadonlySet<NetworkId>, item: string): boolean {
  const [, id = ''] = item.split('/')
  return networks.has(id)
}

function itemsOf(failures: readonly ItemFailure[]): ReadonlySet<string> {
  return new Set(failures.map(({ item }) => item))
}
