/** Which endpoints of a network can be programmed: names, addresses, and who has them already. */
import type { Ip, Mac } from '@weft/core'
import { capabilityName } from './capability-name.ts'
import type { Capabilities } from './dataplane.ts'
import type {
  EndpointId,
  LocalEndpoint,
  NetworkId,
  NodeId,
  PeerSpec,
  RemoteEndpoint,
  SubnetSpec,
} from './desired-state.ts'
import { attachmentProblem, macProblem, nameProblem, unicastProblem } from './item-checks.ts'
import {
  conflictError,
  dependencyError,
  invalidItem,
  unsupportedError,
  type ItemError,
} from './item-errors.ts'
import { itemPath } from './items.ts'
import { sameRemote } from './same.ts'
import { SubnetFinder } from './subnet-finder.ts'

/** Where the endpoints of a network may live. */
export class EndpointGround {
  readonly id: NetworkId
  readonly #good: SubnetFinder
  readonly #failed: SubnetFinder
  readonly #gateways = new Map<Ip, string>()

  constructor(id: NetworkId, good: readonly SubnetSpec[], failed: readonly SubnetSpec[]) {
    this.id = id
    this.#good = new SubnetFinder(good)
    this.#failed = new SubnetFinder(failed)
    for (const { vni, prefixes } of good) {
      for (const { gateway } of prefixes) {
        if (gateway !== null) this.#gateways.set(gateway, itemPath.subnet(id, vni))
      }
    }
  }

  /** Why an endpoint cannot be, whatever others there are; null when it can. */
  error(
    item: string,
    name: EndpointId,
    face: { mac: Mac; addresses: readonly Ip[] },
  ): ItemError | null {
    const problem = nameProblem(name) ?? macProblem(face.mac)
    if (problem !== null) return invalidItem(item, problem)
    let subnet: SubnetSpec | null = null
    for (const address of face.addresses) {
      const match = this.#good.find(address)
      if (match === null) return this.#outside(item, address)
      const taken = this.#gateways.get(address)
      if (taken !== undefined) return conflictError(item, taken)
      const bad = matchProblem(match.edge, {
        spread: subnet !== null && subnet !== match.subnet,
        twice: face.addresses.length > 1 && isTwice(face.addresses, address),
      })
      if (bad !== null) return invalidItem(item, bad)
      subnet = match.subnet
    }
    if (subnet !== null) return null
    return invalidItem(item, { problem: 'the endpoint has no address', expected: 'an address' })
  }

  #outside(item: string, address: Ip): ItemError {
    const problem = unicastProblem(address)
    if (problem !== null) return invalidItem(item, problem)
    const failed = this.#failed.find(address)
    if (failed !== null) return dependencyError(item, itemPath.subnet(this.id, failed.subnet.vni))
    const expected = 'an address in a subnet of the network'
    return invalidItem(item, { problem: 'the address is outside every subnet', expected })
  }
}

function isTwice(addresses: readonly Ip[], address: Ip): boolean {
  return addresses.indexOf(address) !== addresses.lastIndexOf(address)
}

function matchProblem(
  edge: string | null,
  { spread, twice }: { spread: boolean; twice: boolean },
): { problem: string; expected: string } | null {
  if (edge !== null) {
    const expected = 'an address between the first and the last of its prefix'
    return { problem: `the address is the ${edge} address of its prefix`, expected }
  }
  if (twice) return { problem: 'the address is given twice', expected: 'different addresses' }
  const expected = 'addresses in one subnet'
  return spread ? { problem: 'the addresses are spread over two subnets', expected } : null
}

/** Who has a MAC or an address. */
type Claims = Map<string, EndpointId>

/** Put an endpoint's claims down; the first holder found stays and is returned. */
function claim(
  claims: Claims,
  name: EndpointId,
  face: { mac: Mac; addresses: readonly Ip[] },
): EndpointId | null {
  const holder = holderOf(claims, face)
  if (holder !== null) return holder
  claims.set(face.mac, name)
  for (const ip of face.addresses) claims.set(ip, name)
  return null
}

function holderOf(
  claims: Claims,
  { mac, addresses }: { mac: Mac; addresses: readonly Ip[] },
): EndpointId | null {
  if (claims.size === 0) return null
  let holder = claims.get(mac)
  for (const ip of addresses) holder ??= claims.get(ip)
  return holder ?? null
}

function release(claims: Claims, { mac, addresses }: RemoteEndpoint): void {
  claims.delete(mac)
  for (const ip of addresses) claims.delete(ip)
}

/** Endpoints that can be, and why the others cannot; `good` is the given map when all can. */
export interface EndpointVerdicts<Spec> {
  readonly good: ReadonlyMap<EndpointId, Spec>
  readonly errors: ReadonlyMap<EndpointId, ItemError>
}

function byName<Spec>(specs: ReadonlyMap<EndpointId, Spec>): (readonly [EndpointId, Spec])[] {
  return [...specs].sort(([a], [b]) => (a < b ? -1 : 1))
}

function split<Spec>(
  specs: ReadonlyMap<EndpointId, Spec>,
  errors: ReadonlyMap<EndpointId, ItemError>,
): EndpointVerdicts<Spec> {
  if (errors.size === 0) return { good: specs, errors }
  return { good: new Map([...specs].filter(([name]) => !errors.has(name))), errors }
}

/** Verdicts on local endpoints; of two that want the same, the smaller name has it. */
export function localVerdicts(
  local: ReadonlyMap<EndpointId, LocalEndpoint>,
  ground: EndpointGround,
  capabilities: Capabilities,
): EndpointVerdicts<LocalEndpoint> {
  const claims: Claims = new Map()
  const errors = new Map<EndpointId, ItemError>()
  for (const [name, spec] of byName(local)) {
    const item = itemPath.local(ground.id, name)
    const error = ground.error(item, name, spec) ?? attachmentError(item, spec, capabilities)
    const holder = error === null ? claim(claims, name, spec) : null
    if (error !== null) errors.set(name, error)
    else if (holder !== null) {
      errors.set(name, conflictError(item, itemPath.local(ground.id, holder)))
    }
  }
  return split(local, errors)
}

function attachmentError(
  item: string,
  { attachment }: LocalEndpoint,
  capabilities: Capabilities,
): ItemError | null {
  if (!capabilities.attachments.has(attachment.kind)) {
    return unsupportedError(item, capabilityName.attachment(attachment.kind))
  }
  const problem = attachmentProblem(attachment)
  return problem === null ? null : invalidItem(item, problem)
}

/** What remote endpoints are judged against. Same objects, same verdicts. */
export interface RemoteContext {
  readonly ground: EndpointGround
  /** Local endpoints that go: what is here is not elsewhere. */
  readonly local: ReadonlyMap<EndpointId, LocalEndpoint>
  readonly peers: ReadonlyMap<NodeId, PeerSpec>
  readonly failedPeers: ReadonlyMap<NodeId, ItemError>
}

/**
 * Verdicts on the remote endpoints of one network. Remembers who has what, so that of thousands
 * of endpoints only those that changed are looked at, as long as nothing is wrong anywhere.
 */
export class RemoteJudge {
  #context: RemoteContext | null = null
  #known: ReadonlyMap<EndpointId, RemoteEndpoint> = new Map()
  #claims: Claims = new Map()
  #localClaims: Claims = new Map()
  #verdicts: EndpointVerdicts<RemoteEndpoint> = { good: new Map(), errors: new Map() }

  /** Of two that want the same, local ones have it before remote ones, then smaller names. */
  judge(
    remote: ReadonlyMap<EndpointId, RemoteEndpoint>,
    context: RemoteContext,
  ): EndpointVerdicts<RemoteEndpoint> {
    const sameContext = this.#context !== null && isSameContext(this.#context, context)
    if (sameContext && remote === this.#known) return this.#verdicts
    const clean = sameContext && this.#verdicts.errors.size === 0
    if (!clean || !this.#judgeChanged(remote, context)) this.#judgeAll(remote, context)
    this.#context = context
    this.#known = remote
    return this.#verdicts
  }

  /** False when something is wrong somewhere: then everything must be weighed. */
  #judgeChanged(remote: ReadonlyMap<EndpointId, RemoteEndpoint>, context: RemoteContext): boolean {
    const changed: (readonly [EndpointId, RemoteEndpoint])[] = []
    const gone: RemoteEndpoint[] = []
    let kept = 0
    for (const entry of remote) {
      const known = this.#known.get(entry[0])
      if (known !== undefined) kept++
      if (known !== undefined && sameRemote(known, entry[1])) continue
      changed.push(entry)
      if (known !== undefined) gone.push(known)
    }
    if (kept < this.#known.size) {
      for (const [name, spec] of this.#known) if (!remote.has(name)) gone.push(spec)
    }
    for (const spec of gone) release(this.#claims, spec)
    for (const [name, spec] of changed) {
      if (!this.#admit(name, spec, context)) return false
    }
    this.#verdicts = { good: remote, errors: new Map() }
    return true
  }

  #judgeAll(remote: ReadonlyMap<EndpointId, RemoteEndpoint>, context: RemoteContext): void {
    this.#claims = new Map()
    this.#localClaims = new Map()
    for (const [name, spec] of context.local) claim(this.#localClaims, name, spec)
    for (const [name, spec] of remote) {
      if (!this.#admit(name, spec, context)) return this.#weighAll(remote, context)
    }
    this.#verdicts = { good: remote, errors: new Map() }
  }

  #admit(name: EndpointId, spec: RemoteEndpoint, context: RemoteContext): boolean {
    const item = itemPath.remote(context.ground.id, name)
    if (remoteError(item, name, { spec, context }) !== null) return false
    return holderOf(this.#localClaims, spec) === null && claim(this.#claims, name, spec) === null
  }

  /** In the order of names, so that the outcome does not depend on what came first. */
  #weighAll(remote: ReadonlyMap<EndpointId, RemoteEndpoint>, context: RemoteContext): void {
    this.#claims = new Map()
    const errors = new Map<EndpointId, ItemError>()
    const { id } = context.ground
    for (const [name, spec] of byName(remote)) {
      const item = itemPath.remote(id, name)
      const error = remoteError(item, name, { spec, context }) ?? this.#takenError(id, name, spec)
      if (error !== null) errors.set(name, error)
    }
    this.#verdicts = split(remote, errors)
  }

  #takenError(id: NetworkId, name: EndpointId, spec: RemoteEndpoint): ItemError | null {
    const item = itemPath.remote(id, name)
    const local = holderOf(this.#localClaims, spec)
    if (local !== null) return conflictError(item, itemPath.local(id, local))
    const holder = claim(this.#claims, name, spec)
    return holder === null ? null : conflictError(item, itemPath.remote(id, holder))
  }
}

function remoteError(
  item: string,
  name: EndpointId,
  { spec, context }: { spec: RemoteEndpoint; context: RemoteContext },
): ItemError | null {
  if (!context.peers.has(spec.node)) {
    const peer = itemPath.peer(spec.node)
    if (context.failedPeers.has(spec.node)) return dependencyError(item, peer)
    const expected = 'a node that is among the peers'
    return invalidItem(item, { problem: 'the node is unknown', expected })
  }
  return context.ground.error(item, name, spec)
}

function isSameContext(a: RemoteContext, b: RemoteContext): boolean {
  return a.ground === b.ground && a.local === b.local && a.peers === b.peers
}
