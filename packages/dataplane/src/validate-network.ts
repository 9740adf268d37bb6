/** The verdict on one network, kept from one generation to the next. */
import type { AcceptedNetwork } from './accepted-state.ts'
import type { Capabilities, ItemFailure } from './dataplane.ts'
import type {
  EndpointId,
  LocalEndpoint,
  NetworkId,
  NetworkSpec,
  SubnetSpec,
} from './desired-state.ts'
import { sameAttachment, samePrefixes, sameTexts } from './same.ts'
import {
  EndpointGround,
  localVerdicts,
  RemoteJudge,
  type EndpointVerdicts,
  type RemoteContext,
} from './validate-endpoints.ts'
import { failureOf, type ItemError } from './item-errors.ts'
import type { PeerVerdicts } from './validate-peers.ts'
import type { SubnetVerdicts } from './validate-subnets.ts'

interface Frame {
  readonly mtu: number
  readonly subnets: SubnetVerdicts
  readonly capabilities: Capabilities
}

/** Judges one network in two steps, since local endpoints of all networks share their places. */
export class NetworkJudge {
  readonly id: NetworkId
  readonly #remote = new RemoteJudge()
  #network: NetworkSpec | null = null
  #subnets: SubnetVerdicts = { good: [], errors: new Map() }
  #mtu = 0
  #ground: EndpointGround
  #groundKey: { good: readonly SubnetSpec[]; failed: readonly SubnetSpec[] }
  #localGiven: ReadonlyMap<EndpointId, LocalEndpoint> | null = null
  #local: EndpointVerdicts<LocalEndpoint> = { good: new Map(), errors: new Map() }
  #accepted: AcceptedNetwork | null = null

  constructor(id: NetworkId) {
    this.id = id
    this.#groundKey = { good: [], failed: [] }
    this.#ground = new EndpointGround(id, [], [])
  }

  /** Local endpoints that are well-formed, before their places are weighed. */
  get local(): ReadonlyMap<EndpointId, LocalEndpoint> {
    return this.#local.good
  }

  /** First step: subnets and local endpoints. */
  begin(network: NetworkSpec, { mtu, subnets, capabilities }: Frame): void {
    this.#network = network
    this.#mtu = mtu
    this.#subnets = subnets
    const key = { good: subnets.good, failed: [...subnets.errors.keys()] }
    const sameGround =
      sameSubnets(key.good, this.#groundKey.good) && sameSubnets(key.failed, this.#groundKey.failed)
    if (!sameGround) this.#ground = new EndpointGround(this.id, key.good, key.failed)
    this.#groundKey = key
    const known = this.#localGiven
    if (!sameGround || known === null || !sameLocals(known, network.local)) {
      this.#local = localVerdicts(network.local, this.#ground, capabilities)
    }
    this.#localGiven = network.local
  }

  /** Second step: the rest. Adds failures, and gives the network as it can be programmed. */
  finish(
    peers: PeerVerdicts,
    losers: ReadonlyMap<EndpointId, ItemError> | undefined,
    failures: ItemFailure[],
  ): AcceptedNetwork {
    const { good } = this.#local
    const local = losers === undefined ? good : new Map([...good].filter(([n]) => !losers.has(n)))
    const network = this.#network as NetworkSpec
    const context: RemoteContext = {
      ground: this.#ground,
      local,
      peers: peers.good,
      failedPeers: peers.errors,
    }
    const remote = this.#remote.judge(network.remote, context)
    for (const errors of [this.#subnets.errors, this.#local.errors, losers, remote.errors]) {
      for (const error of errors?.values() ?? []) failures.push(failureOf(error))
    }
    return this.#accept(network, { local, remote: remote.good })
  }

  /** The given network itself where nothing was left out, else the last one made if it fits. */
  #accept(network: NetworkSpec, parts: Pick<AcceptedNetwork, 'local' | 'remote'>): AcceptedNetwork {
    const { encapsulation } = network
    const subnets = this.#subnets.good
    const whole = { encapsulation, mtu: this.#mtu, subnets, ...parts }
    if (isSameNetwork(network, whole)) return (this.#accepted = network as AcceptedNetwork)
    if (this.#accepted !== null && isSameNetwork(this.#accepted, whole)) return this.#accepted
    return (this.#accepted = whole)
  }
}

function isSameNetwork(a: NetworkSpec, b: NetworkSpec): boolean {
  const sameFrame = a.encapsulation === b.encapsulation && a.mtu === b.mtu
  return sameFrame && a.subnets === b.subnets && a.local === b.local && a.remote === b.remote
}

function sameSubnets(a: readonly SubnetSpec[], b: readonly SubnetSpec[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  return a.every((subnet, i) => {
    const other = b[i]
    return (
      other !== undefined &&
      other.vni === subnet.vni &&
      samePrefixes(other.prefixes, subnet.prefixes)
    )
  })
}

function sameLocals(
  a: ReadonlyMap<EndpointId, LocalEndpoint>,
  b: ReadonlyMap<EndpointId, LocalEndpoint>,
): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [name, spec] of a) {
    const other = b.get(name)
    if (other === undefined || (other !== spec && !sameLocal(other, spec))) return false
  }
  return true
}

function sameLocal(a: LocalEndpoint, b: LocalEndpoint): boolean {
  if (a.mac !== b.mac || !sameTexts(a.addresses, b.addresses)) return false
  return sameAttachment(a.attachment, b.attachment)
}
