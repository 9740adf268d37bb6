/** A node's facts as the value that its dataplane is told; what did not change is shared. */
import { ipFamily, type Ip, type SocketAddress } from '@weft/core'
import type {
  DesiredState,
  EndpointId,
  LocalEndpoint,
  NetworkSpec,
  PeerSpec,
  RemoteEndpoint,
  TunnelKey,
} from '@weft/dataplane'
import { shapeMtu, type OverlayShape } from './overlay-shape.ts'
import type { RemoteRow, RowRefusal } from './remote-candidate.ts'
import { RemoteJudge } from './remote-endpoints.ts'

/** One network with endpoints here. Without any it is not there at all (lazy extension). */
export interface NetworkFacts {
  readonly shape: OverlayShape
  readonly local: ReadonlyMap<EndpointId, LocalEndpoint>
  readonly rows: Iterable<RemoteRow>
}

/** All that the desired state follows from. */
export interface NodeState {
  readonly tunnel: SocketAddress
  readonly networks: Iterable<NetworkFacts>
  /** Of encrypted networks, the one that seals first. */
  readonly keys: readonly TunnelKey[]
}

/** The desired state, but for its number. */
export type Desired = Omit<DesiredState, 'generation'>

interface Composed {
  readonly judge: RemoteJudge
  spec: NetworkSpec | null
}

/**
 * The desired state is a function of the facts alone. What this remembers decides only which
 * objects are new ones: a dataplane looks at nothing else.
 */
export class DesiredComposer {
  #networks = new Map<string, Composed>()
  #peers: ReadonlyMap<string, PeerSpec> = new Map()
  #refused: Partial<Record<RowRefusal, number>> = {}

  /** Rows that were left out the last time, by reason. */
  get refused(): Readonly<Partial<Record<RowRefusal, number>>> {
    return this.#refused
  }

  compose({ tunnel, networks, keys }: NodeState): Desired {
    const kept = new Map<string, Composed>()
    const specs = new Map<string, NetworkSpec>()
    const vteps = new Map<string, Ip>()
    this.#refused = {}
    for (const facts of networks) {
      if (facts.local.size === 0) continue
      const { networkId } = facts.shape
      const composed = this.#networks.get(networkId) ?? { judge: new RemoteJudge(), spec: null }
      kept.set(networkId, composed)
      const ground = { shape: facts.shape, ownVtep: tunnel.ip }
      const remote = composed.judge.judge(facts.rows, ground, facts.local)
      for (const [name, vtep] of remote.vteps) vteps.set(name, vtep)
      this.#count(remote.refused)
      composed.spec = specOf(facts, { remote: remote.endpoints, tunnel }, composed.spec)
      specs.set(networkId, composed.spec)
    }
    this.#networks = kept
    this.#peers = peersOf(vteps, tunnel.port, this.#peers)
    return { tunnel, peers: this.#peers, networks: specs, keys }
  }

  #count(refused: Readonly<Partial<Record<RowRefusal, number>>>): void {
    for (const [reason, count] of Object.entries(refused) as [RowRefusal, number][]) {
      this.#refused[reason] = (this.#refused[reason] ?? 0) + count
    }
  }
}

function specOf(
  { shape, local }: NetworkFacts,
  { remote, tunnel }: {
    readonly remote: ReadonlyMap<EndpointId, RemoteEndpoint>
    readonly tunnel: SocketAddress
  },
  last: NetworkSpec | null,
): NetworkSpec {
  const { encapsulation, subnets } = shape
  const mtu = shapeMtu(shape, ipFamily(tunnel.ip))
  const sharedLocal = last !== null && isSameMap(last.local, local) ? last.local : local
  const isSame =
    last !== null &&
    last.encapsulation === encapsulation &&
    last.mtu === mtu &&
    last.subnets === subnets &&
    last.local === sharedLocal &&
    last.remote === remote
  return isSame ? last : { encapsulation, mtu, subnets, local: sharedLocal, remote }
}

/** Every VTEP of a cluster listens on the same port (docker-wire §1.3). */
function peersOf(
  vteps: ReadonlyMap<string, Ip>,
  port: number,
  last: ReadonlyMap<string, PeerSpec>,
): ReadonlyMap<string, PeerSpec> {
  const peers = new Map<string, PeerSpec>()
  for (const [name, ip] of vteps) {
    const known = last.get(name)
    peers.set(name, known?.tunnel.port === port ? known : { tunnel: { ip, port } })
  }
  return isSameMap(last, peers) ? last : peers
}

function isSameMap<Value>(
  a: ReadonlyMap<string, Value>,
  b: ReadonlyMap<string, Value>,
): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (b.get(key) !== value) return false
  return true
}
