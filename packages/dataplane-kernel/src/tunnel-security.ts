/** Guards and associations of one dataplane: there before an encrypted tunnel, gone after it. */
import type { Ip } from '@weft/core'
import {
  conflictError,
  dataplaneError,
  dependencyError,
  FailureLog,
  itemErrorOf,
  itemPath,
  itemText,
  type AcceptedNetwork,
  type AcceptedState,
  type Counters,
  type ItemFailure,
  type NetworkId,
  type TunnelKey,
} from '@weft/dataplane'
import {
  holdName,
  isKernelError,
  Nftables,
  Xfrm,
  type HeldName,
  type Watch,
  type XfrmState,
} from '@weft/linux'
import {
  AssociationChange,
  associationsIn,
  planAssociations,
  planFound,
  readAssociations,
  type AssociationPlan,
  type MadeStates,
} from './associations.ts'
import { guardKey, guardOf, guardTable, readGuard, type GuardKey } from './guard.ts'
import { watchGuard } from './guard-watch.ts'
import type { Host } from './host.ts'
import { encapsulationOf, removeNetwork } from './networks.ts'
import { RefusedCounter } from './refused-counter.ts'
import { isOfRun, stateKey } from './run-states.ts'
import { RunTable } from './run-table.ts'
import { RunWindows } from './run-windows.ts'

/** What a state may be programmed as, now that its encrypted networks are safe. */
export interface Secured {
  /** The state given, less the encrypted networks that cannot be kept dark. */
  readonly accepted: AcceptedState
  readonly failures: readonly ItemFailure[]
  /** Observed paths of what was not as it should be. */
  readonly items: readonly string[]
}

/** What one state asks for. */
interface Plan {
  readonly guards: ReadonlySet<GuardKey>
  readonly associations: AssociationPlan
  readonly keys: readonly TunnelKey[]
  /** Equal for plans that are equal but for their keys. */
  readonly text: string
}

/**
 * Invariant: from the moment a tunnel of an encrypted VNI can exist until it is gone, `#guards` has
 * its key and the table was written with it. Marks and reqids are Docker's, which only one at a
 * time can use in a namespace: `#claim` says that it is we.
 */
export class TunnelSecurity {
  readonly #host: Host
  readonly #touched: () => void
  readonly #made: MadeStates = new Map()
  #nft: Nftables | null = null
  #xfrm: Xfrm | null = null
  #claim: HeldName | null = null
  #guards: ReadonlySet<GuardKey> = new Set()
  /** From before the first rule is there; undefined until then, null when there is no listening. */
  #watch: Watch | null | undefined
  readonly #refused = new RefusedCounter()
  #runTable: RunTable | null = null
  #windows: RunWindows | null = null
  /** What tables that were written anew had counted. */
  #kept = { in: 0, out: 0 }
  #change: AssociationChange | null = null
  /** What is in place without a failure; null when the next look must be a close one. */
  #programmed: Plan | null = null

  /** `touched` is called when rules may have changed; look then, by `mendGuard`. */
  constructor(host: Host, touched: () => void) {
    this.#host = host
    this.#touched = touched
  }

  /** True while there is something to look after. */
  get isActive(): boolean {
    return this.#guards.size > 0
  }

  /** Guard what a predecessor left; a network that cannot be guarded does not stay. */
  adopt(): void {
    const encrypted = [...this.#host.sites.values()].filter(
      (site) => encapsulationOf(this.#host, site) === 'vxlan-esp',
    )
    const needed = encrypted.flatMap(({ subnets }) =>
      [...subnets.values()].map(({ port, vni }) => guardKey(vni, port)),
    )
    try {
      this.#guard(new Set(needed))
    } catch (error) {
      if (!isKernelError(error)) throw error
      if (encrypted.length === 0) return
      this.#host.log.error('no guard for encrypted networks: they are taken down', { error })
      for (const { id } of encrypted) removeNetwork(this.#host, id)
    }
  }

  /** Put back rules that somebody took away. Returns what was amiss; null when it stays so. */
  mendGuard(): readonly string[] | null {
    if (!this.isActive) return []
    try {
      return this.#guard(this.#guards)
    } catch (error) {
      if (!isKernelError(error)) throw error
      return null
    }
  }

  /**
   * Make it safe to program a state: guards first, then what seals and opens. `look` reads the
   * kernel even when nothing new is asked for.
   */
  secure(valid: AcceptedState, look: boolean): Secured {
    const plan = planOf(valid)
    if (plan.guards.size === 0 || (!look && isSamePlan(plan, this.#programmed))) {
      return { accepted: valid, failures: [], items: [] }
    }
    this.#programmed = null
    this.#change = null
    const items: string[] = []
    try {
      this.#takeClaim()
      items.push(...this.#guard(plan.guards))
      this.#xfrm ??= Xfrm.open(this.#host.underlay.namespace.fd)
      this.#change = new AssociationChange(this.#xfrm, plan.associations, this.#made)
    } catch (error) {
      return { ...refuseEncrypted(valid, error), items }
    }
    this.#count(this.#change.states)
    const failures = new FailureLog()
    this.#change.bringUp(failures)
    this.#windows ??= new RunWindows(this.#xfrm, this.#openRunTable(), this.#host.log)
    this.#windows.look(plan.associations, this.#change.states)
    if (failures.list().length === 0) this.#programmed = plan
    items.push(...this.#change.changed)
    return { accepted: valid, failures: failures.list(), items }
  }

  /** After the tunnels follow the state: take away what none of them needs. Returns what it was. */
  settle(accepted: AcceptedState): readonly string[] {
    if (!this.isActive) return []
    const plan = planOf(accepted)
    const needed = new Set([...plan.guards, ...this.#leftBehind(accepted)])
    try {
      const before = new Set(this.#change?.changed)
      if (needed.size === 0) this.#end()
      else {
        this.#change?.retire()
        if (needed.size < this.#guards.size) this.#writeGuard(needed)
      }
      return [...(this.#change?.changed ?? [])].filter((item) => !before.has(item))
    } catch (error) {
      if (!isKernelError(error)) throw error
      this.#programmed = null
      this.#host.log.warn('cannot take old encryption away, tried again', { error })
      return []
    } finally {
      this.#change = null
    }
  }

  /**
   * Observed items, read back; never keys. Null: nothing was accepted yet, and what there is, a
   * predecessor left. Throws ERR_KERNEL.
   */
  items(accepted: AcceptedState | null): ReadonlyMap<string, string> {
    const items = new Map<string, string>()
    if (!this.isActive) return items
    const own = accepted === null ? this.#tunnelPorts() : new Set([accepted.tunnel.port])
    for (const key of readGuard(this.#openNft(), this.#host.options.instance).keys) {
      const { port, vni } = guardOf(key)
      if (own.has(port)) items.set(itemPath.guard(vni), itemText.guard(port))
    }
    this.#xfrm ??= openXfrm(this.#host)
    if (this.#xfrm === null) return items
    const reading = readAssociations(this.#xfrm)
    const plan = accepted === null ? planFound(reading) : planOf(accepted).associations
    if (plan === null) return items
    for (const [ip, tags] of associationsIn(reading, plan)) {
      items.set(itemPath.association(ip), itemText.association(tags))
    }
    return items
  }

  /** Ports of tunnels that there are. */
  #tunnelPorts(): ReadonlySet<number> {
    const subnets = [...this.#host.sites.values()].flatMap((site) => [...site.subnets.values()])
    return new Set(subnets.map(({ port }) => port))
  }

  /** The same counters with what guards and IPsec threw away. Throws ERR_KERNEL. */
  counted(counters: Counters): Counters {
    const kept = this.isActive ? this.#keptUpToNow() : this.#kept
    if (this.#xfrm !== null) this.#count(readAssociations(this.#xfrm).states)
    const { forged, replayed, tooOld } = this.#refused.total
    const dropped = new Map(counters.dropped)
    for (const [reason, count] of [
      ['datagram-not-sealed', kept.in],
      ['frame-not-sealed', kept.out],
      ['datagram-bad-icv', forged],
      ['datagram-replayed', replayed],
      ['datagram-late', tooOld + (this.#runTable?.late() ?? 0)],
    ] as const) {
      if (count > 0) dropped.set(reason, count)
    }
    return { ...counters, dropped }
  }

  /**
   * Leave it in place, or take it all away; tunnels must be gone by then. Settles when every
   * descriptor is closed.
   */
  async close(mode: 'detach' | 'teardown'): Promise<void> {
    try {
      if (mode === 'teardown' && this.isActive) this.#end()
    } finally {
      for (const one of [this.#nft, this.#xfrm, this.#claim]) one?.close()
      await this.#watch?.close()
    }
  }

  /** What a predecessor's states have counted was its own. */
  #count(states: readonly XfrmState[]): void {
    const areRunsOurs = this.#windows !== null
    const isOurs = (state: XfrmState): boolean =>
      isOfRun(state) ? areRunsOurs : this.#made.has(stateKey(state))
    this.#refused.update(states.filter(isOurs))
  }

  #openRunTable(): RunTable {
    this.#runTable ??= new RunTable(this.#openNft(), this.#host.options.instance)
    return this.#runTable
  }

  #takeClaim(): void {
    if (this.#claim !== null) return
    try {
      this.#claim = holdName('weft/esp', { namespace: this.#host.underlay.namespace.fd })
    } catch (error) {
      if (!isKernelError(error, 'EADDRINUSE')) throw error
      const owner = 'another dataplane that encrypts in this namespace'
      throw conflictError(itemPath.tunnel, owner, error)
    }
  }

  #openNft(): Nftables {
    this.#nft ??= Nftables.open(this.#host.underlay.namespace.fd)
    return this.#nft
  }

  /** Have at least these guarded. What was guarded before stays so: its tunnels may still be. */
  #guard(needed: ReadonlySet<GuardKey>): readonly string[] {
    const there = readGuard(this.#openNft(), this.#host.options.instance).keys
    const whole = new Set([...there, ...this.#guards, ...needed])
    const missing = [...whole].filter((key) => !there.has(key))
    if (missing.length > 0) this.#writeGuard(whole)
    this.#guards = whole
    return [...new Set(missing.map((key) => itemPath.guard(guardOf(key).vni)))]
  }

  #keptUpToNow(): { in: number; out: number } {
    const { kept } = readGuard(this.#openNft(), this.#host.options.instance)
    return { in: this.#kept.in + kept.in, out: this.#kept.out + kept.out }
  }

  #writeGuard(keys: ReadonlySet<GuardKey>): void {
    if (this.#watch === undefined) this.#watch = watchGuard(this.#host, this.#touched)
    this.#kept = this.#keptUpToNow()
    this.#openNft().replaceTable(guardTable(this.#host.options.instance, keys))
    this.#guards = keys
  }

  /** Tunnels that should have gone, or that belong to networks nobody could judge. */
  #leftBehind({ networks }: AcceptedState): readonly GuardKey[] {
    return [...this.#host.sites.values()]
      .filter(({ id }) => !networks.has(id))
      .flatMap(({ subnets }) => [...subnets.values()].map(({ port, vni }) => guardKey(vni, port)))
  }

  /** Policies before states, so that nothing waits for one; guards last. */
  #end(): void {
    if (this.#ownsAssociations()) {
      this.#xfrm ??= openXfrm(this.#host)
      const { policies, states } =
        this.#xfrm === null ? { policies: [], states: [] } : readAssociations(this.#xfrm)
      for (const policy of policies) this.#xfrm?.deletePolicy(policy)
      for (const state of states) {
        this.#xfrm?.deleteState(state)
        this.#made.delete(stateKey(state))
      }
    }
    this.#kept = this.#keptUpToNow()
    this.#openRunTable().remove()
    this.#windows = null
    this.#openNft().deleteTable(guardTable(this.#host.options.instance, []))
    this.#guards = new Set()
    this.#programmed = null
    for (const one of [this.#xfrm, this.#claim]) one?.close()
    this.#xfrm = null
    this.#claim = null
  }

  /** What a predecessor left is ours, unless somebody else encrypts here by now. */
  #ownsAssociations(): boolean {
    try {
      this.#takeClaim()
      return true
    } catch (error) {
      if (isKernelError(error)) throw error
      return false
    }
  }
}

/** Null on a kernel without IPsec, which then has nothing to be removed. */
function openXfrm({ underlay }: Host): Xfrm | null {
  try {
    return Xfrm.open(underlay.namespace.fd)
  } catch (error) {
    if (isKernelError(error, 'EPROTONOSUPPORT')) return null
    throw error
  }
}

function planOf(accepted: AcceptedState): Plan {
  const { keys = [], networks, tunnel } = accepted
  const associations = planAssociations(accepted)
  const ports = new Set([tunnel.port, ...associations.peers.map(({ port }) => port)])
  const guards = new Set<GuardKey>()
  for (const { encapsulation, subnets } of networks.values()) {
    if (encapsulation !== 'vxlan-esp') continue
    for (const { vni } of subnets) for (const port of ports) guards.add(guardKey(vni, port))
  }
  const peers = associations.peers.map(({ ip, port }): [Ip, number] => [ip, port])
  const text = JSON.stringify([tunnel.ip, [...guards], peers])
  return { guards, associations, keys, text }
}

function isSamePlan(a: Plan, b: Plan | null): boolean {
  if (a.text !== b?.text || a.keys.length !== b.keys.length) return false
  return a.keys.every((key, index) => key === b.keys[index])
}

/** Without its guard an encrypted network is not programmed at all, nor what is in it. */
function refuseEncrypted(
  valid: AcceptedState,
  error: unknown,
): Pick<Secured, 'accepted' | 'failures'> {
  const networks = new Map<NetworkId, AcceptedNetwork>()
  const failures: ItemFailure[] = []
  for (const [id, network] of valid.networks) {
    if (network.encapsulation !== 'vxlan-esp') networks.set(id, network)
    else failures.push(...refusedNetwork(id, network, error))
  }
  return { accepted: { ...valid, networks }, failures }
}

function refusedNetwork(
  id: NetworkId,
  { local, remote, subnets }: AcceptedNetwork,
  error: unknown,
): readonly ItemFailure[] {
  const item = itemPath.network(id)
  const inside = [
    ...subnets.map(({ vni }) => itemPath.subnet(id, vni)),
    ...[...local.keys()].map((name) => itemPath.local(id, name)),
    ...[...remote.keys()].map((name) => itemPath.remote(id, name)),
  ]
  const cause = itemErrorOf(item, error)
  const own =
    cause.code === 'ERR_CONFLICT'
      ? dataplaneError('ERR_CONFLICT', cause.message, { ...cause.details, item }, cause)
      : cause
  return [
    { item, error: own },
    ...inside.map((each) => ({ item: each, error: dependencyError(each, item) })),
  ]
}
