/** Judging forwarding and neighbour entries: which are whole, and which serve nothing. */
import type { Ip, Mac, SocketAddress, Vni } from '@weft/core'
import type { EndpointId } from '@weft/dataplane'
import { neighbourState, type ForwardingEntry, type Link } from '@weft/linux'
import type { Stray } from './reading.ts'
import type { SubnetSite } from './site.ts'
import type { NetworkSnapshot } from './snapshot.ts'

/** Stands for an entry that is there and not as it should be: equal to nothing desired. */
export const SPOILED_FORWARDING: SocketAddress = { ip: '::' as Ip, port: 0 }

/** The same for a neighbour. */
export const SPOILED_NEIGHBOUR = '00:00:00:00:00:00' as Mac

/** What was found beside the entries of the subnets. */
export interface EntryReading {
  /** Entries on endpoints' ports for MACs by index of the port. */
  readonly portMacs: ReadonlyMap<number, ReadonlySet<Mac>>
  readonly strays: readonly Stray[]
}

/** Fill the subnets' maps from a snapshot; gather what stands on the ports of endpoints. */
export function readEntries(
  subnets: ReadonlyMap<Vni, SubnetSite>,
  endpoints: ReadonlyMap<EndpointId, Link>,
  snapshot: NetworkSnapshot,
): EntryReading {
  const tunnels = new Map<number, TunnelEntries>()
  for (const subnet of subnets.values()) {
    tunnels.set(subnet.vxlanIndex, { subnet, bridged: new Set() })
  }
  const portMacs = new Map<number, Set<Mac>>()
  for (const link of endpoints.values()) portMacs.set(link.index, new Set())
  for (const entry of snapshot.forwarding) {
    const tunnel = tunnels.get(entry.linkIndex)
    if (tunnel !== undefined) addTunnelEntry(tunnel, entry)
    else if (isBridged(entry)) portMacs.get(entry.linkIndex)?.add(entry.mac)
  }
  for (const tunnel of tunnels.values()) spoilHalves(tunnel)
  readNeighbours(tunnels, snapshot)
  return { portMacs, strays: straysOf(portMacs, snapshot) }
}

/** A tunnel's own entries go to its subnet; those of its bridge are gathered beside. */
interface TunnelEntries {
  readonly subnet: SubnetSite
  readonly bridged: Set<Mac>
}

/** In the bridge's table, and not an address of the port itself (those are permanent). */
function isBridged({ table, state }: ForwardingEntry): boolean {
  return table === 'master' && (state & neighbourState.permanent) === 0
}

function addTunnelEntry({ subnet, bridged }: TunnelEntries, entry: ForwardingEntry): void {
  const { mac } = entry
  if (entry.table === 'master') {
    if (isBridged(entry)) bridged.add(mac)
    return
  }
  subnet.forwarding.set(mac, destinationOf(entry, subnet))
}

/** A static entry with nothing special leads to a socket address; any other is spoiled. */
function destinationOf(entry: ForwardingEntry, { port, vni }: SubnetSite): SocketAddress {
  const { destination, state, viaIndex } = entry
  const lasts = (state & (neighbourState.noArp | neighbourState.permanent)) !== 0
  const plain = viaIndex === null && (entry.vni === null || entry.vni === vni)
  if (destination === null || !lasts || !plain) return SPOILED_FORWARDING
  return { ip: destination, port: entry.port ?? port }
}

/** An entry is whole when the tunnel and its bridge both have it. */
function spoilHalves({ subnet, bridged }: TunnelEntries): void {
  for (const mac of subnet.forwarding.keys()) {
    if (!bridged.has(mac)) subnet.forwarding.set(mac, SPOILED_FORWARDING)
  }
  for (const mac of bridged) {
    if (!subnet.forwarding.has(mac)) subnet.forwarding.set(mac, SPOILED_FORWARDING)
  }
}

function readNeighbours(
  tunnels: ReadonlyMap<number, TunnelEntries>,
  snapshot: NetworkSnapshot,
): void {
  for (const { linkIndex, ip, mac, state } of snapshot.neighbours) {
    const tunnel = tunnels.get(linkIndex)
    // The kernel's own entries for group addresses need no ARP; dead ones linger for a while.
    if (tunnel === undefined || mac === null || (state & KERNELS_OWN) !== 0) continue
    const permanent = (state & neighbourState.permanent) !== 0
    tunnel.subnet.neighbours.set(ip, permanent ? mac : SPOILED_NEIGHBOUR)
  }
}

const KERNELS_OWN = neighbourState.noArp | neighbourState.failed

/** Entries on a port for any but the MAC at its far end: nobody else can be behind a cable. */
function straysOf(
  portMacs: ReadonlyMap<number, ReadonlySet<Mac>>,
  { peers }: NetworkSnapshot,
): readonly Stray[] {
  const strays: Stray[] = []
  for (const [linkIndex, macs] of portMacs) {
    const own = peers.get(linkIndex)?.link.mac ?? null
    for (const mac of macs) if (mac !== own) strays.push({ linkIndex, mac })
  }
  return strays
}
