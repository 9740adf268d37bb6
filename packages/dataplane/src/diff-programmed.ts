/** Steps from what the machinery says to what is accepted: to adopt, to repair, to try again. */
import { ipFamily, type Ip, type Mac, type SocketAddress, type Vni } from '@weft/core'
import type { AcceptedNetwork, AcceptedState } from './accepted-state.ts'
import type { Change, PlacedEndpoint, SubnetShape } from './change.ts'
import type { EndpointId, NetworkId, SubnetSpec } from './desired-state.ts'
import { itemPath } from './items.ts'
import type {
  ProgrammedEndpoint,
  ProgrammedNetwork,
  ProgrammedState,
  ProgrammedSubnet,
} from './programmed-state.ts'
import { isAttachedAs, samePrefixes, sameSocketAddress, sameTexts } from './same.ts'
import { subnetFinder } from './subnet-finder.ts'

/** Nothing programmed. */
export const NOTHING_PROGRAMMED: ProgrammedState = { networks: new Map() }

const NO_NETWORK: Pick<ProgrammedNetwork, 'subnets' | 'local'> = {
  subnets: new Map(),
  local: new Map(),
}

/** One network under comparison. */
interface Scope {
  readonly id: NetworkId
  readonly from: Pick<ProgrammedNetwork, 'subnets' | 'local'>
  readonly state: AcceptedState
  readonly to: AcceptedNetwork
  /** VNIs whose device is made anew, so that nothing in `from` about them holds. */
  readonly rebuilt: Set<Vni>
  readonly changes: Change[]
}

/**
 * Every step from `from` to `to`. Compares by value; entries beyond the desired ones are removed.
 * Not in the order to take them: see `order`.
 */
export function diffProgrammed(from: ProgrammedState, to: AcceptedState): readonly Change[] {
  const changes: Change[] = []
  for (const [id, network] of from.networks) {
    if (!to.networks.has(id)) changes.push(removal(id, network))
  }
  for (const [id, network] of to.networks) {
    const known = from.networks.get(id)
    changes.push(...networkChanges(id, { from: known, state: to, to: network }))
  }
  return changes
}

/** The step that takes a whole network away. */
export function removal(
  id: NetworkId,
  { encapsulation, mtu }: Pick<AcceptedNetwork, 'encapsulation' | 'mtu'>,
): Change {
  const from = { encapsulation, mtu }
  return { kind: 'network', item: itemPath.network(id), network: id, from, to: null }
}

function networkChanges(
  id: NetworkId,
  ends: { from: ProgrammedNetwork | undefined; state: AcceptedState; to: AcceptedNetwork },
): readonly Change[] {
  const { from, state, to } = ends
  const changes: Change[] = []
  const same = from !== undefined && from.encapsulation === to.encapsulation
  if (from !== undefined && !same) changes.push(removal(id, from))
  if (!same || from.mtu !== to.mtu) {
    const shape = same ? { encapsulation: from.encapsulation, mtu: from.mtu } : null
    const wanted = { encapsulation: to.encapsulation, mtu: to.mtu }
    const item = itemPath.network(id)
    changes.push({ kind: 'network', item, network: id, from: shape, to: wanted })
  }
  const scope: Scope = {
    id,
    from: same ? from : NO_NETWORK,
    state,
    to,
    rebuilt: new Set(),
    changes,
  }
  diffSubnets(scope)
  diffLocal(scope)
  diffEntries(scope)
  return changes
}

function diffSubnets({ id, from, state, to, rebuilt, changes }: Scope): void {
  const wanted = new Set(to.subnets.map(({ vni }) => vni))
  for (const [vni, subnet] of from.subnets) {
    if (!wanted.has(vni)) changes.push(...subnetSteps(id, vni, { from: subnet, to: null }))
  }
  for (const subnet of to.subnets) {
    const shape = { prefixes: subnet.prefixes, tunnel: state.tunnel }
    const known = from.subnets.get(subnet.vni) ?? null
    const steps = subnetSteps(id, subnet.vni, { from: known, to: shape })
    if (steps.length > 1) rebuilt.add(subnet.vni)
    changes.push(...steps)
  }
}

/** None, one, or a removal and an addition where the device cannot be changed in place. */
function subnetSteps(
  id: NetworkId,
  vni: Vni,
  { from, to }: { from: ProgrammedSubnet | null; to: SubnetShape | null },
): readonly Change[] {
  const base = { kind: 'subnet', item: itemPath.subnet(id, vni), network: id, vni } as const
  const shape = from === null ? null : { prefixes: from.prefixes, tunnel: from.tunnel }
  if (from === null || to === null) return [{ ...base, from: shape, to }]
  const { ip, port, family } = from.tunnel
  if (port !== to.tunnel.port || family !== ipFamily(to.tunnel.ip)) {
    return [
      { ...base, from: shape, to: null },
      { ...base, from: null, to },
    ]
  }
  const same = samePrefixes(from.prefixes, to.prefixes) && (ip === null || ip === to.tunnel.ip)
  return same ? [] : [{ ...base, from: shape, to }]
}

function diffLocal(scope: Scope): void {
  const { id, from, to, changes } = scope
  for (const [endpoint, known] of from.local) {
    if (!to.local.has(endpoint)) changes.push(localStep(id, endpoint, { from: known, to: null }))
  }
  const finder = subnetFinder(to.subnets)
  for (const [endpoint, spec] of to.local) {
    const subnet = finder.subnetOf(spec.addresses)
    if (subnet === null) continue
    const known = from.local.get(endpoint) ?? null
    const placed = placedEndpoint(spec, subnet)
    const rebuilt = scope.rebuilt.has(subnet.vni)
    if (known === null || rebuilt || !sameEndpoint(known, placed)) {
      changes.push(localStep(id, endpoint, { from: known, to: placed }))
    }
  }
}

function placedEndpoint(spec: Omit<PlacedEndpoint, 'vni'>, subnet: SubnetSpec): PlacedEndpoint {
  return { mac: spec.mac, addresses: spec.addresses, attachment: spec.attachment, vni: subnet.vni }
}

function localStep(
  id: NetworkId,
  endpoint: EndpointId,
  ends: { from: ProgrammedEndpoint | null; to: PlacedEndpoint | null },
): Change {
  return { kind: 'local', item: itemPath.local(id, endpoint), network: id, endpoint, ...ends }
}

function sameEndpoint(known: ProgrammedEndpoint, wanted: PlacedEndpoint): boolean {
  if (known.vni !== wanted.vni || known.mac !== wanted.mac || known.attachment === null)
    return false
  return (
    sameTexts(known.addresses, wanted.addresses) &&
    isAttachedAs(known.attachment, wanted.attachment)
  )
}

/** Forwarding and neighbours of all subnets. */
function diffEntries(scope: Scope): void {
  const finder = subnetFinder(scope.to.subnets)
  const wanted = new Map<Vni, { macs: Set<Mac>; ips: Set<Ip> }>()
  for (const { vni } of scope.to.subnets) wanted.set(vni, { macs: new Set(), ips: new Set() })
  for (const [endpoint, { mac, addresses, node }] of scope.to.remote) {
    const vni = finder.subnetOf(addresses)?.vni
    const peer = scope.state.peers.get(node)
    const keys = vni === undefined ? undefined : wanted.get(vni)
    if (vni === undefined || peer === undefined || keys === undefined) continue
    keys.macs.add(mac)
    const item = itemPath.remote(scope.id, endpoint)
    wantForwarding(scope, { item, vni, mac, to: peer.tunnel })
    for (const ip of addresses) {
      keys.ips.add(ip)
      wantNeighbour(scope, { item, vni, ip, to: mac })
    }
  }
  for (const [vni, keys] of wanted) removeExtras(scope, vni, keys)
}

function knownSubnet({ from, rebuilt }: Scope, vni: Vni): ProgrammedSubnet | undefined {
  return rebuilt.has(vni) ? undefined : from.subnets.get(vni)
}

function wantForwarding(
  scope: Scope,
  want: { item: string; vni: Vni; mac: Mac; to: SocketAddress },
): void {
  const from = knownSubnet(scope, want.vni)?.forwarding.get(want.mac) ?? null
  if (from !== null && sameSocketAddress(from, want.to)) return
  scope.changes.push({ kind: 'forwarding', network: scope.id, ...want, from })
}

function wantNeighbour(scope: Scope, want: { item: string; vni: Vni; ip: Ip; to: Mac }): void {
  const from = knownSubnet(scope, want.vni)?.neighbours.get(want.ip) ?? null
  if (from === want.to) return
  scope.changes.push({ kind: 'neighbour', network: scope.id, ...want, from })
}

function removeExtras(
  scope: Scope,
  vni: Vni,
  { macs, ips }: { macs: ReadonlySet<Mac>; ips: ReadonlySet<Ip> },
): void {
  const known = knownSubnet(scope, vni)
  const { id: network, changes } = scope
  for (const [mac, from] of known?.forwarding ?? []) {
    if (macs.has(mac)) continue
    const item = itemPath.forwarding(network, vni, mac)
    changes.push({ kind: 'forwarding', item, network, vni, mac, from, to: null })
  }
  for (const [ip, from] of known?.neighbours ?? []) {
    if (ips.has(ip)) continue
    const item = itemPath.neighbour(network, vni, ip)
    changes.push({ kind: 'neighbour', item, network, vni, ip, from, to: null })
  }
}
