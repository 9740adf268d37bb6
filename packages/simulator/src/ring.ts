/** A ring of production gossip nodes on virtual time. */
import {
  assert,
  createLogger,
  formatFields,
  SeededRandom,
  silentLogger,
  type Instant,
  type Logger,
} from '@weft/core'
import { SimEntropy } from '@weft/core/testing'
import {
  Gossip,
  KeyRing,
  type GossipKey,
  type GossipOptions,
  type GossipPorts,
  type GossipProfile,
  type KnownMember,
  type NetworkEntry,
} from '@weft/gossip'
import type { ClockError } from './engine/node-clock.ts'
import { NetworkModel, type LinkWeather } from './engine/network-model.ts'
import type { SimProcess } from './engine/sim-process.ts'
import type { WorldWatch } from './engine/crossing.ts'
import { World } from './engine/world.ts'
import { insecureSimAead } from './insecure-sim-aead.ts'
import { hostAddress } from './ring-address.ts'

/** What the simulator uses of a gossip node; a planted bug stands between it and the real one. */
export type GossipNode = Pick<
  Gossip,
  | 'membership'
  | 'tables'
  | 'streams'
  | 'receive'
  | 'tick'
  | 'nextDeadline'
  | 'drain'
  | 'join'
  | 'leave'
  | 'snapshot'
>

/** Makes a node. */
export type NodeFactory = (now: Instant, options: GossipOptions, ports: GossipPorts) => GossipNode

/** A host of the ring. */
export type RingHost = SimProcess<GossipNode>

/** What a ring consists of. Complete. */
export interface RingOptions {
  /** Everything that looks like chance follows from it. */
  readonly seed: string
  /** Hosts at most. */
  readonly hostsMax: number
  readonly profile: GossipProfile
  readonly weather: LinkWeather
  readonly label: string
  /** Who looks on. */
  readonly watch: WorldWatch
  /** Takes the nodes' log lines; null: they go nowhere. */
  readonly log: ((at: number, node: string, line: string) => void) | null
  readonly createNode: NodeFactory
}

/** What a node knows when it starts. */
export interface NodeStart {
  readonly name: string
  /** Empty: in the clear. The first seals. */
  readonly keys: readonly GossipKey[]
  readonly known: readonly KnownMember[]
  readonly knownAttachments: readonly NetworkEntry[]
}

/** The real thing. */
export const productionNode: NodeFactory = (now, options, ports) => new Gossip(now, options, ports)

/** Hosts whose addresses every node is given to join. */
export const BOOTSTRAP_HOSTS = 2

/** Hosts, the network between them, and a gossip node on those that run. */
export class Ring {
  readonly world: World<GossipNode>
  readonly #options: RingOptions
  readonly #random: SeededRandom
  readonly #keyRings = new Map<number, KeyRing>()

  constructor(options: RingOptions) {
    const { seed, hostsMax, weather, watch } = options
    this.#options = options
    this.#random = new SeededRandom(seed)
    this.world = new World<GossipNode>(new NetworkModel(seed, hostsMax, weather), watch)
  }

  /** Add a host; nothing runs on it yet. */
  addHost(clock: ClockError): RingHost {
    const { hosts } = this.world
    assert(hosts.length < this.#options.hostsMax, 'a ring has hostsMax hosts at most')
    return this.world.addHost(hostAddress(hosts.length), clock)
  }

  /** The host with this number. */
  host(index: number): RingHost {
    const host = this.world.hosts[index]
    assert(host !== undefined, 'hosts are numbered from 0')
    return host
  }

  /** Start a node on a host where none runs. */
  start(host: RingHost, start: NodeStart): GossipNode {
    const { profile, label, createNode } = this.#options
    const keys = start.keys.length === 0 ? null : new KeyRing(start.keys)
    if (keys === null) this.#keyRings.delete(host.index)
    else this.#keyRings.set(host.index, keys)
    const options: GossipOptions = {
      name: start.name,
      advertise: host.address,
      meta: new Uint8Array(0),
      label,
      keys,
      profile,
      bootstrap: this.bootstrap(host),
      known: start.known,
      knownAttachments: start.knownAttachments,
    }
    const random = this.#random.fork(`host ${host.index} process ${host.life + 1}`)
    return this.world.start(host, (now) =>
      createNode(now, options, {
        random: random.fork('choices'),
        entropy: new SimEntropy(random.fork('nonces')),
        aead: insecureSimAead,
        log: this.#logger(start.name),
      }),
    )
  }

  /** The keys of a running node; null: it speaks in the clear. */
  keysOf(host: RingHost): KeyRing | null {
    return this.#keyRings.get(host.index) ?? null
  }

  /** Whom a node on this host joins. */
  bootstrap(host: RingHost): RingHost['address'][] {
    const first = this.world.hosts.slice(0, BOOTSTRAP_HOSTS)
    return first.filter((other) => other !== host).map((other) => other.address)
  }

  #logger(node: string): Logger {
    const { log } = this.#options
    if (log === null) return silentLogger
    return createLogger((level, message, fields) =>
      log(this.world.now, node, `${level.padEnd(5)} ${message}${formatFields(fields)}`),
    )
  }
}
