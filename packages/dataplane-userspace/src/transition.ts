/** One pass from what is programmed to an accepted state: ends first, then the switch at one go. */
import type { Ip, SocketAddress, Vni } from '@weft/core'
import {
  conflictError,
  dependencyError,
  FailureLog,
  itemErrorOf,
  itemPath,
  subnetFinder,
  type AcceptedState,
  type Change,
  type Encapsulation,
  type ItemFailure,
  type LocalChange,
  type NetworkId,
  type SubnetSpec,
} from '@weft/dataplane'
import { canStay, type Endpoints, type PluggedEndpoint } from './endpoints.ts'
import type { EngineSubnet } from './engine/engine-state.ts'
import { planSubnets, type PeerNumbers } from './engine-plan.ts'
import type { Host } from './host.ts'
import { openSealedSocket, type SealedSocket } from './sealed-socket.ts'
import type { SecuritySpec } from './switch-protocol.ts'
import type { SwitchThread } from './switch-thread.ts'
import { failSecurity, isSameSecurity, securityOf } from './tunnel-security.ts'
import { openTunnelSockets, type TunnelSockets } from './tunnel-sockets.ts'

/** What passes work on. */
export interface Machinery {
  readonly host: Host
  readonly thread: SwitchThread
  readonly endpoints: Endpoints
  readonly numbers: PeerNumbers
  /** The sockets of our VTEP; null while there is no network. */
  tunnel: TunnelSockets | null
  /** The socket of encrypted networks; null while there is none. */
  sealedSocket: SealedSocket | null
  /** What the switch seals with; undefined when it is to be told anew. */
  security: SecuritySpec | null | undefined
}

/** One pass. Used once. */
export class Transition {
  readonly #machinery: Machinery
  readonly #accepted: AcceptedState
  readonly #failures = new FailureLog()
  /** Networks with anything to do, and subnets of them as they were before. */
  readonly #touched = new Map<NetworkId, SubnetSpec[]>()
  readonly #reshaped = new Set<NetworkId>()
  readonly #security: SecuritySpec | null

  constructor(machinery: Machinery, accepted: AcceptedState) {
    this.#machinery = machinery
    this.#accepted = accepted
    this.#security = securityOf(accepted)
  }

  /** `changes` in the order of `order`. Never rejects for what the host refuses. */
  async run(changes: readonly Change[]): Promise<readonly ItemFailure[]> {
    if (changes.length === 0 && this.#isSecuritySame) return []
    for (const change of changes) this.#note(change)
    await this.#unplugUnwanted()
    const before = [await this.#openTunnel(), await this.#openSealedSocket()]
    this.#checkVnis(changes)
    this.#mendReshaped()
    for (const change of changes) {
      if (change.kind === 'local' && change.to !== null) await this.#plug(change)
    }
    this.#blameSubnets()
    await this.#load(changes)
    for (const sockets of before) sockets?.close()
    return this.#failures.list()
  }

  get #isSecuritySame(): boolean {
    const { security } = this.#machinery
    return security !== undefined && isSameSecurity(security, this.#security)
  }

  #note(change: Change): void {
    const gone = this.#touched.get(change.network) ?? []
    this.#touched.set(change.network, gone)
    if (change.kind === 'network') this.#reshaped.add(change.network)
    if (change.kind !== 'subnet') return
    this.#reshaped.add(change.network)
    if (change.from !== null) gone.push({ vni: change.vni, prefixes: change.from.prefixes })
  }

  /** Ends that nobody wants, or not so, go before others take their names. */
  async #unplugUnwanted(): Promise<void> {
    for (const plugged of [...this.#machinery.endpoints.all]) {
      if (!this.#isWanted(plugged)) await this.#machinery.endpoints.unplug(plugged)
    }
  }

  #isWanted(plugged: PluggedEndpoint): boolean {
    const { endpoint, network, placed } = plugged
    const wanted = this.#accepted.networks.get(network)?.local.get(endpoint)
    return wanted !== undefined && canStay(plugged, { ...wanted, vni: placed.vni })
  }

  /** Sockets of our VTEP as wanted; returns the old ones, to be closed when nobody uses them. */
  async #openTunnel(): Promise<TunnelSockets | null> {
    const machinery = this.#machinery
    const before = machinery.tunnel
    const wanted = this.#accepted.networks.size > 0 ? this.#accepted.tunnel : null
    if (sameVtep(before?.local ?? null, wanted)) return null
    try {
      const opened = wanted === null ? null : openTunnelSockets(machinery.host, wanted)
      machinery.tunnel = opened
      await machinery.thread.use({ kind: 'tunnel', tunnel: opened?.spec ?? null })
    } catch (error) {
      machinery.tunnel = null
      await machinery.thread.use({ kind: 'tunnel', tunnel: null })
      this.#failSubnets(error, ['vxlan', 'vxlan-esp'])
    }
    return before
  }

  /** As `#openTunnel`, for what is sealed. */
  async #openSealedSocket(): Promise<SealedSocket | null> {
    const machinery = this.#machinery
    const before = machinery.sealedSocket
    const wanted = this.#security?.local.ip ?? null
    if ((before?.local ?? null) === wanted) return null
    try {
      const opened = wanted === null ? null : openSealedSocket(machinery.host, wanted)
      machinery.sealedSocket = opened
      await machinery.thread.use({ kind: 'sealed-tunnel', tunnel: opened?.spec ?? null })
    } catch (error) {
      machinery.sealedSocket = null
      await machinery.thread.use({ kind: 'sealed-tunnel', tunnel: null })
      this.#failSubnets(error, ['vxlan-esp'])
    }
    return before
  }

  /** Without sockets no subnet can be. */
  #failSubnets(error: unknown, which: readonly Encapsulation[]): void {
    for (const [id, { encapsulation, subnets }] of this.#accepted.networks) {
      if (!which.includes(encapsulation)) continue
      this.#touched.set(id, this.#touched.get(id) ?? [])
      for (const { vni } of subnets) {
        const item = itemPath.subnet(id, vni)
        const cause = itemErrorOf(item, error)
        const owner = 'owner' in cause.details ? cause.details.owner : null
        this.#failures.add(item, owner === null ? cause : conflictError(item, owner, cause))
      }
    }
  }

  /** A VXLAN device of the underlay's namespace with our port may be down, and then come up. */
  #checkVnis(changes: readonly Change[]): void {
    const added = changes.filter((c) => c.kind === 'subnet' && c.from === null && c.to !== null)
    if (added.length === 0) return
    const devices = this.#machinery.host.underlay.links.list({ kind: 'vxlan' })
    for (const change of added) {
      if (change.kind !== 'subnet') continue
      const holder = devices.find(
        ({ vxlan }) => vxlan?.vni === change.vni && vxlan.port === this.#accepted.tunnel.port,
      )
      if (holder === undefined) continue
      this.#failures.add(change.item, conflictError(change.item, `VXLAN device ${holder.name}`))
    }
  }

  /** MTU, prefix lengths and routes inside containers follow their network. */
  #mendReshaped(): void {
    for (const plugged of [...this.#machinery.endpoints.all]) {
      const { endpoint, network, placed } = plugged
      const spec = this.#accepted.networks.get(network)
      if (!this.#reshaped.has(network) || spec === undefined) continue
      const item = itemPath.local(network, endpoint)
      const gone = this.#touched.get(network) ?? []
      const task = { network, endpoint, to: placed, spec }
      try {
        this.#machinery.endpoints.mend(plugged, task, gone)
      } catch (error) {
        this.#failures.add(item, itemErrorOf(item, error))
      }
    }
  }

  async #plug({ endpoint, item, network, to }: LocalChange): Promise<void> {
    const spec = this.#accepted.networks.get(network)
    if (to === null || spec === undefined) return
    const subnet = itemPath.subnet(network, to.vni)
    if (this.#failures.has(subnet)) {
      this.#failures.add(item, dependencyError(item, subnet))
      return
    }
    const { endpoints } = this.#machinery
    const task = { network, endpoint, to, spec }
    if (await this.#failures.attemptAsync(item, () => endpoints.plugIn(task))) return
    const half = endpoints.get(network, endpoint)
    if (half !== undefined) await endpoints.unplug(half)
  }

  /** What is in a subnet that failed fails with it; a network without a subnet does too. */
  #blameSubnets(): void {
    for (const [id, network] of this.#accepted.networks) {
      const failed = network.subnets.filter(({ vni }) =>
        this.#failures.has(itemPath.subnet(id, vni)),
      )
      const [first] = failed
      if (first === undefined) continue
      if (failed.length === network.subnets.length) {
        const item = itemPath.network(id)
        this.#failures.add(item, dependencyError(item, itemPath.subnet(id, first.vni)))
      }
      this.#blame(id, new Set(failed.map(({ vni }) => vni)))
    }
  }

  #blame(id: NetworkId, failed: ReadonlySet<Vni>): void {
    const network = this.#accepted.networks.get(id)
    if (network === undefined) return
    const finder = subnetFinder(network.subnets)
    const blame = (item: string, addresses: readonly Ip[]): void => {
      const vni = finder.subnetOf(addresses)?.vni
      if (vni !== undefined && failed.has(vni)) {
        this.#failures.add(item, dependencyError(item, itemPath.subnet(id, vni)))
      }
    }
    for (const [name, { addresses }] of network.local) blame(itemPath.local(id, name), addresses)
    for (const [name, { addresses }] of network.remote) blame(itemPath.remote(id, name), addresses)
  }

  /** The switch goes from what it knows to what it should know between two packets. */
  async #load(changes: readonly Change[]): Promise<void> {
    const { endpoints, numbers, thread } = this.#machinery
    const state = this.#accepted
    numbers.follow(state)
    const changed = new Map<Vni, EngineSubnet>()
    for (const id of this.#touched.keys()) {
      const network = state.networks.get(id)
      if (network === undefined) continue
      const scope = { id, network, state, endpoints, numbers, failures: this.#failures }
      for (const [vni, subnet] of planSubnets(scope)) changed.set(vni, subnet)
    }
    const gone = this.#goneVnis(changed)
    const item = itemPath.network(changes[0]?.network ?? '')
    const security = this.#isSecuritySame ? null : { spec: this.#security }
    await this.#failures.attemptAsync(item, async () => {
      const update = { peers: numbers.takeChanged(), changed, gone, security }
      const problems = await thread.load(update)
      this.#machinery.security = problems.length === 0 ? this.#security : undefined
      failSecurity(this.#failures, problems, state)
      endpoints.reusePorts()
    })
  }

  /** VNIs that the switch knows of these networks, or of none that is wanted. */
  #goneVnis(changed: ReadonlyMap<Vni, EngineSubnet>): readonly Vni[] {
    const gone: Vni[] = []
    for (const [vni, { network }] of this.#machinery.thread.loaded.subnets) {
      const isConcerned = this.#touched.has(network) || !this.#accepted.networks.has(network)
      if (isConcerned && !changed.has(vni)) gone.push(vni)
    }
    return gone
  }
}

function sameVtep(a: SocketAddress | null, b: SocketAddress | null): boolean {
  return a === b || (a !== null && b !== null && a.ip === b.ip && a.port === b.port)
}
