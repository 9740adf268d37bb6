/**
 * Telling containers that an address has another MAC by now. They have asked before, and would go
 * on sending to the old one until they doubt it, some ten seconds later (RFC 4861 §7.3).
 */
import { ipFamily, type Ip, type Mac, type Vni } from '@weft/core'
import type { Change, EndpointId, FailureLog, NetworkId } from '@weft/dataplane'
import {
  isKernelError,
  MessageWriter,
  sendFrames,
  writeNeighbour,
  type OutgoingFrame,
} from '@weft/linux'
import { gratuitousArpFrame, unsolicitedAdvertisementFrame } from '@weft/wire'
import type { NetworkSite } from './site.ts'

/** Addresses that have left and whose MACs are remembered, in one network; the last ones count. */
export const FORMER_MACS_MAX = 4096

/** MACs of addresses that are there no more: who comes with another has to be announced. */
export class FormerMacs {
  readonly #macs = new Map<Ip, Mac>()

  /** The address has left this MAC. */
  leave(ip: Ip, mac: Mac): void {
    this.#macs.delete(ip)
    this.#macs.set(ip, mac)
    const [oldest] = this.#macs.keys()
    if (this.#macs.size > FORMER_MACS_MAX && oldest !== undefined) this.#macs.delete(oldest)
  }

  /** The address is at this MAC; true when it was at another before. */
  arrive(ip: Ip, mac: Mac): boolean {
    const former = this.#macs.get(ip)
    this.#macs.delete(ip)
    return former !== undefined && former !== mac
  }
}

/** An address that has a MAC now. */
interface Arrival {
  readonly vni: Vni
  readonly ip: Ip
  readonly mac: Mac
  /** Null when it is elsewhere. */
  readonly endpoint: EndpointId | null
}

/** Announce what came with another MAC by these changes, after they were carried out. */
export function announceMoves(
  sites: ReadonlyMap<NetworkId, NetworkSite>,
  changes: readonly Change[],
  failures: FailureLog,
): void {
  const arrivals = new Map<NetworkSite, Arrival[]>()
  for (const change of changes) {
    const site = sites.get(change.network)
    if (site !== undefined) noteDepartures(site.formerMacs, change)
  }
  for (const change of changes) {
    const site = sites.get(change.network)
    if (site === undefined || failures.has(change.item)) continue
    const moved = arrivalsOf(change).filter(({ ip, mac }) => site.formerMacs.arrive(ip, mac))
    if (moved.length > 0) arrivals.set(site, [...(arrivals.get(site) ?? []), ...moved])
  }
  for (const [site, moved] of arrivals) announce(site, moved)
}

function noteDepartures(former: FormerMacs, change: Change): void {
  if (change.kind === 'neighbour' && change.from !== null) former.leave(change.ip, change.from)
  if (change.kind !== 'local' || change.from === null) return
  for (const ip of change.from.addresses) former.leave(ip, change.from.mac)
}

function arrivalsOf(change: Change): readonly Arrival[] {
  if (change.kind === 'neighbour') {
    const { ip, to: mac, vni } = change
    return mac === null ? [] : [{ vni, ip, mac, endpoint: null }]
  }
  if (change.kind !== 'local' || change.to === null) return []
  const { endpoint, to } = change
  return to.addresses.map((ip) => ({ vni: to.vni, ip, mac: to.mac, endpoint }))
}

/** To each container of the subnet but the one that has moved; our own stack asks again. */
function announce(site: NetworkSite, arrivals: readonly Arrival[]): void {
  const frames: OutgoingFrame[] = []
  const stale = new MessageWriter()
  for (const { endpoint, ip, mac, vni } of arrivals) {
    const frameOf = ipFamily(ip) === 4 ? gratuitousArpFrame : unsolicitedAdvertisementFrame
    const bytes = frameOf({ ip, mac })
    for (const [name, { hostIndex, vni: its }] of site.endpoints) {
      if (its === vni && name !== endpoint) frames.push({ linkIndex: hostIndex, bytes })
    }
    const linkIndex = site.subnets.get(vni)?.bridgeIndex
    if (linkIndex !== undefined) writeNeighbour(stale, 'delete', { linkIndex, ip, mac })
  }
  // What is refused was not known, or has gone: whoever is not told finds out by and by.
  site.kernel.transact(stale)
  try {
    sendFrames({ namespace: site.kernel.namespace.fd }, frames)
  } catch (error) {
    // Nobody is told where we may not send frames (CAP_NET_RAW).
    if (!isKernelError(error)) throw error
  }
}
