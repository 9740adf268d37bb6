/** This node in the ring of its cluster: opened when there are keys, rotated, joined, heard. */
import {
  describeError,
  parseIp,
  toHex,
  type Entropy,
  type Instant,
  type Ip,
  type SocketAddress,
} from '@weft/core'
import {
  isWeftMeta,
  KeyRing,
  openGossip,
  type GossipHandle,
  type GossipKey,
  type GossipProfile,
  type GossipSnapshot,
  type RowChange,
} from '@weft/gossip'
import { Backoff, type PeerView } from '@weft/swarm'
import type { AgentPorts, AgentTunables, NodeAddresses } from '../agent-options.ts'
import { CancelSource } from '../async/cancel-source.ts'
import { sleep } from '../async/waiting.ts'
import { Publisher, type Publication } from './publisher.ts'
import { rotate } from './session-keys.ts'

/** Bytes of a ring name: Docker's have 12 hexadecimal digits. */
const NAME_BYTES = 6

/** After this long in the ring, in ms, digests have brought what no bulk sync has (P2). */
const CAUGHT_UP_MS = 15_000

/** What a node in the ring needs. */
export interface GossipNodeParts {
  readonly ports: Pick<
    AgentPorts,
    'clock' | 'random' | 'entropy' | 'underlay' | 'streams' | 'aead' | 'log'
  >
  readonly gossipPort: number
  readonly profile: GossipProfile
  readonly tunables: AgentTunables
  readonly onRow: (change: RowChange) => void
  /** Members or their networks changed. */
  readonly onPeers: () => void
}

/** What a node in the ring is opened with. */
export interface RingMembership {
  readonly name: string
  readonly addresses: NodeAddresses
  readonly keys: readonly GossipKey[]
  /** Hosts of managers: where the ring begins. */
  readonly managerHosts: readonly string[]
  readonly snapshot: GossipSnapshot
}

/** A fresh name for the ring. */
export function ringName(entropy: Entropy): string {
  const bytes = new Uint8Array(NAME_BYTES)
  entropy.fill(bytes)
  return toHex(bytes)
}

/** One life in the ring, from opening to closing. */
export class GossipNode {
  readonly name: string
  readonly #handle: GossipHandle
  readonly #parts: GossipNodeParts
  readonly #ring: KeyRing
  readonly #publisher = new Publisher()
  readonly #networksOf = new Map<string, Set<string>>()
  readonly #watches: Disposable[] = []
  readonly #stop = new CancelSource()
  #contacts: readonly SocketAddress[]
  #heardAt: Instant | null = null
  #joining: Promise<void> | null = null

  private constructor(
    parts: GossipNodeParts,
    { name, managerHosts }: RingMembership,
    held: { handle: GossipHandle; ring: KeyRing },
  ) {
    this.name = name
    this.#parts = parts
    this.#handle = held.handle
    this.#ring = held.ring
    this.#contacts = contactsOf(managerHosts, parts.gossipPort)
  }

  /** Bind and begin to join. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_LOCAL. */
  static async open(parts: GossipNodeParts, membership: RingMembership): Promise<GossipNode> {
    const { name, addresses, keys, managerHosts, snapshot } = membership
    const ring = new KeyRing(keys)
    const { ports, gossipPort: port, profile } = parts
    const handle = await openGossip(
      {
        name,
        bind: { ip: addresses.bindIp, port },
        advertise: { ip: addresses.advertiseIp, port },
        meta: new Uint8Array(0),
        label: '',
        keys: ring,
        profile,
        bootstrap: contactsOf(managerHosts, port),
        known: snapshot.known,
        knownAttachments: snapshot.knownAttachments.map((entry) =>
          // What we say of ourselves is said anew: then peers are asked for all rows at once.
          entry.nodeName === name ? { ...entry, leaving: true } : entry,
        ),
      },
      { ...ports, random: ports.random.fork(`ring ${name}`) },
    )
    const node = new GossipNode(parts, membership, { handle, ring })
    node.#begin()
    return node
  }

  /** Say the difference to what was said before. Throws ERR_ROW_TOO_LARGE. */
  publish(publication: Publication): void {
    this.#handle.run(({ tables }, now) => this.#publisher.publish(tables, now, publication))
  }

  /** Other keys: the ring changes over without a message lost. */
  rotate(keys: readonly GossipKey[]): void {
    rotate(this.#ring, keys)
  }

  /** Other managers: whoever is new among them is joined. */
  managersAre(hosts: readonly string[]): void {
    const before = new Set(this.#contacts.map(({ ip }) => ip))
    this.#contacts = contactsOf(hosts, this.#parts.gossipPort)
    if (this.#contacts.some(({ ip }) => !before.has(ip) && !this.#isActive(ip))) this.#join()
  }

  /** True once what peers know of this network is known here too (P13). */
  hasCaughtUp(networkId: string): boolean {
    if (this.#isAlone()) return true
    if (this.#heardAt === null) return false
    if (this.#parts.ports.clock.now() - this.#heardAt >= CAUGHT_UP_MS) return true
    const networks = this.#handle.gossip.tables.networks()
    const view = networks.find((network) => network.networkId === networkId)
    return view === undefined || view.isAnswered || view.nodes.length <= 1
  }

  peers(): readonly PeerView[] {
    const { roster } = this.#handle.gossip.membership
    const own = new Set(this.#handle.gossip.tables.networks().map(({ networkId }) => networkId))
    const peers: PeerView[] = []
    for (const { name, address, state, meta } of roster.all()) {
      if (name === roster.self.name) continue
      const networks = [...(this.#networksOf.get(name) ?? [])].filter((id) => own.has(id))
      peers.push({ name, address: address.ip, state, weft: isWeftMeta(meta), networks })
    }
    return peers
  }

  snapshot(): GossipSnapshot {
    return this.#handle.gossip.snapshot()
  }

  /** Say goodbye, and end. */
  async leave(): Promise<void> {
    this.#end()
    await this.#handle.leave()
    await this.#handle.close()
  }

  /** End without a word. */
  async close(): Promise<void> {
    this.#end()
    await this.#handle.close()
    await this.#joining
  }

  #end(): void {
    this.#stop.cancel(new Error('the node stops'))
    for (const watch of this.#watches) watch[Symbol.dispose]()
    this.#watches.length = 0
  }

  #begin(): void {
    const { tables } = this.#handle.gossip
    this.#watches.push(
      tables.watchRows({}, (change) => {
        if (change.row.owner !== this.name) this.#parts.onRow(change)
      }),
      tables.watchAttachments(({ type, networkId, nodeName }) => {
        const networks = this.#networksOf.get(nodeName) ?? new Set()
        if (type === 'attach') this.#networksOf.set(nodeName, networks.add(networkId))
        else networks.delete(networkId)
        if (networks.size === 0) this.#networksOf.delete(nodeName)
        this.#parts.onPeers()
      }),
    )
    this.#join()
  }

  #join(): void {
    this.#joining ??= this.#joinUntilHeard().finally(() => (this.#joining = null))
  }

  /** Members of before are asked as well as managers: a ring has no head. */
  async #joinUntilHeard(): Promise<void> {
    const { ports, tunables } = this.#parts
    const { clock, random, log } = ports
    const range = { firstMs: tunables.backoffMsMin, lastMs: tunables.backoffMsMax }
    const backoff = new Backoff(range, random.fork('join'))
    const isOver = (): boolean => this.#stop.aborted
    while (!isOver()) {
      const contacts = [...this.#contacts, ...this.#members()]
      try {
        await this.#handle.join(contacts, { signal: this.#stop })
        if (contacts.length > 0) this.#heardAt ??= clock.now()
        this.#parts.onPeers()
        return
      } catch (error) {
        if (isOver()) return
        log.info('no peer answered', { reason: describeError(error) })
        await sleep(clock, backoff.nextMs(), this.#stop).catch(() => undefined)
      }
    }
  }

  #members(): readonly SocketAddress[] {
    const { roster } = this.#handle.gossip.membership
    return roster.pick(JOIN_MEMBERS, ({ name }) => name !== this.name).map(({ address }) => address)
  }

  #isActive(ip: Ip): boolean {
    for (const { address, state } of this.#handle.gossip.membership.roster.all()) {
      if (address.ip === ip && (state === 'alive' || state === 'suspect')) return true
    }
    return false
  }

  /** Nobody else is known, and no manager is elsewhere: there is nobody to ask. */
  #isAlone(): boolean {
    const { roster } = this.#handle.gossip.membership
    const self = roster.self.address.ip
    return roster.activeCount <= 1 && this.#contacts.every(({ ip }) => ip === self)
  }
}

/** Members of before that are asked, besides managers. */
const JOIN_MEMBERS = 3

/** Managers' hosts on the port of gossip (docker-wire §1.2); names are not looked up. */
export function contactsOf(hosts: readonly string[], port: number): readonly SocketAddress[] {
  return hosts.flatMap((host) => {
    try {
      return [{ ip: parseIp(host), port }]
    } catch {
      return []
    }
  })
}

/** The host of `host:port`, without the brackets of an IPv6 address. */
export function hostOf(address: string): string {
  const colon = address.lastIndexOf(':')
  const host = colon < 0 ? address : address.slice(0, colon)
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
