/** Steps from one accepted state to the next: what did not change is passed over by reference. */
import type { Ip, Mac, SocketAddress, Vni } from '@weft/core'
import type { AcceptedNetwork, AcceptedState } from './accepted-state.ts'
import type { Change } from './change.ts'
import type { EndpointId, NetworkId, NodeId, RemoteEndpoint } from './desired-state.ts'
import { diffProgrammed, NOTHING_PROGRAMMED, removal } from './diff-programmed.ts'
import { itemPath } from './items.ts'
import { programmedOf } from './programmed-state.ts'
import { samePeer, samePrefixes, sameRemote, sameSocketAddress } from './same.ts'
import { subnetFinder } from './subnet-finder.ts'

/**
 * The steps from `from` (null: nothing) to `to`. `from` must be what is programmed, completely:
 * after a failure read back and use `diffProgrammed`. Not in the order to take them: see `order`.
 */
export function diff(from: AcceptedState | null, to: AcceptedState): readonly Change[] {
  if (from === null) return diffProgrammed(NOTHING_PROGRAMMED, to)
  if (!sameSocketAddress(from.tunnel, to.tunnel)) return diffProgrammed(programmedOf(from), to)
  const changes: Change[] = []
  const movedPeers = peersThatMoved(from, to)
  for (const [id, network] of from.networks) {
    if (!to.networks.has(id)) changes.push(removal(id, network))
  }
  for (const [id, network] of to.networks) {
    const known = from.networks.get(id)
    if (known === network && movedPeers.size === 0) continue
    const scope = { id, from, to, before: known, after: network, movedPeers }
    for (const change of networkSteps(scope)) changes.push(change)
  }
  return changes
}

interface Scope {
  readonly id: NetworkId
  readonly from: AcceptedState
  readonly to: AcceptedState
  readonly before: AcceptedNetwork | undefined
  readonly after: AcceptedNetwork
  readonly movedPeers: ReadonlySet<NodeId>
}

/** Peers that are reached otherwise than before, or that came or went. */
function peersThatMoved(from: AcceptedState, to: AcceptedState): ReadonlySet<NodeId> {
  const moved = new Set<NodeId>()
  if (from.peers === to.peers) return moved
  for (const id of from.peers.keys()) if (!to.peers.has(id)) moved.add(id)
  for (const [id, peer] of to.peers) {
    const known = from.peers.get(id)
    if (known === undefined || !samePeer(known, peer)) moved.add(id)
  }
  return moved
}

function networkSteps(scope: Scope): readonly Change[] {
  const { before, after } = scope
  const sameFrame =
    before !== undefined &&
    before.encapsulation === after.encapsulation &&
    before.mtu === after.mtu &&
    sameSubnets(before, after)
  if (!sameFrame) return wholeNetworkSteps(scope)
  const local = before.local === after.local ? [] : localSteps(scope)
  const unmoved = before.remote === after.remote && scope.movedPeers.size === 0
  return unmoved ? local : [...local, ...remoteSteps(scope, before)]
}

function sameSubnets(before: AcceptedNetwork, after: AcceptedNetwork): boolean {
  if (before.subnets === after.subnets) return true
  if (before.subnets.length !== after.subnets.length) return false
  const known = new Map(before.subnets.map((subnet) => [subnet.vni, subnet]))
  return after.subnets.every(({ vni, prefixes }) => {
    const subnet = known.get(vni)
    return subnet !== undefined && samePrefixes(subnet.prefixes, prefixes)
  })
}

/** Subnets or the shape changed: rare, so the general comparison does it. */
function wholeNetworkSteps({ id, from, to, before, after }: Scope): readonly Change[] {
  const only = (state: AcceptedState, network: AcceptedNetwork): AcceptedState => ({
    ...state,
    networks: new Map([[id, network]]),
  })
  const known = before === undefined ? NOTHING_PROGRAMMED : programmedOf(only(from, before))
  return diffProgrammed(known, only(to, after))
}

function localSteps({ id, from, to, before, after }: Scope): readonly Change[] {
  const bare = (state: AcceptedState, network: AcceptedNetwork): AcceptedState => ({
    ...state,
    networks: new Map([[id, { ...network, remote: new Map() }]]),
  })
  if (before === undefined) return []
  return diffProgrammed(programmedOf(bare(from, before)), bare(to, after))
}

/** An entry with its key, and the endpoint that wants it. */
interface Entry<Key, Value> {
  readonly item: string
  readonly vni: Vni
  readonly key: Key
  readonly value: Value
}

/** The entries of the endpoints that changed, by `vni/key`. */
interface Entries {
  readonly forwarding: Map<string, Entry<Mac, SocketAddress>>
  readonly neighbours: Map<string, Entry<Ip, Mac>>
}

/**
 * Steps for remote endpoints. Entries and not endpoints are compared, since a MAC or an address
 * may pass from one endpoint to another, and removing it for the first would break the second.
 */
function remoteSteps(scope: Scope, before: AcceptedNetwork): readonly Change[] {
  const old: Entries = { forwarding: new Map(), neighbours: new Map() }
  const now: Entries = { forwarding: new Map(), neighbours: new Map() }
  const { after, movedPeers } = scope
  let kept = 0
  for (const [endpoint, spec] of after.remote) {
    const known = before.remote.get(endpoint)
    if (known !== undefined) kept++
    const same = known !== undefined && sameRemote(known, spec)
    if (same && !(movedPeers.size > 0 && movedPeers.has(spec.node))) continue
    if (known !== undefined) addEntries(old, scope.from, { scope, endpoint, spec: known })
    addEntries(now, scope.to, { scope, endpoint, spec })
  }
  if (kept < before.remote.size) {
    for (const [endpoint, spec] of before.remote) {
      if (!after.remote.has(endpoint)) addEntries(old, scope.from, { scope, endpoint, spec })
    }
  }
  return entrySteps(scope.id, old, now)
}

function addEntries(
  entries: Entries,
  state: AcceptedState,
  { scope, endpoint, spec }: { scope: Scope; endpoint: EndpointId; spec: RemoteEndpoint },
): void {
  const vni = subnetFinder(scope.after.subnets).subnetOf(spec.addresses)?.vni
  const peer = state.peers.get(spec.node)
  if (vni === undefined || peer === undefined) return
  const item = itemPath.remote(scope.id, endpoint)
  const { mac } = spec
  entries.forwarding.set(`${vni}/${mac}`, { item, vni, key: mac, value: peer.tunnel })
  for (const ip of spec.addresses) {
    entries.neighbours.set(`${vni}/${ip}`, { item, vni, key: ip, value: mac })
  }
}

function entrySteps(network: NetworkId, old: Entries, now: Entries): readonly Change[] {
  const changes: Change[] = []
  for (const [key, { item, vni, key: mac, value: to }] of now.forwarding) {
    const from = old.forwarding.get(key)?.value ?? null
    if (from !== null && sameSocketAddress(from, to)) continue
    changes.push({ kind: 'forwarding', item, network, vni, mac, from, to })
  }
  for (const [key, { item, vni, key: ip, value: to }] of now.neighbours) {
    const from = old.neighbours.get(key)?.value ?? null
    if (from !== to) changes.push({ kind: 'neighbour', item, network, vni, ip, from, to })
  }
  for (const [key, { item, vni, key: mac, value: from }] of old.forwarding) {
    if (now.forwarding.has(key)) continue
    changes.push({ kind: 'forwarding', item, network, vni, mac, from, to: null })
  }
  for (const [key, { item, vni, key: ip, value: from }] of old.neighbours) {
    if (now.neighbours.has(key)) continue
    changes.push({ kind: 'neighbour', item, network, vni, ip, from, to: null })
  }
  return changes
}
