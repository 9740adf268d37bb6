/**
 * Telling containers where an address is. Of one with another MAC by now they have asked before,
 * and would go on sending to the old one until they doubt it, some ten seconds later (RFC 4861
 * §7.3). Of one that is new some have asked too early: its first packets may be here before its
 * news, and who wants to answer asks again a second later (RFC 4861 §10; so does Linux's ARP).
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

/**
 * Frames that tell of newcomers, in one pass: a node that joins a large network hears of all its
 * endpoints at once, and hardly anybody here has asked for them yet.
 */
export const NEWCOMER_FRAMES_MAX = 1024

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
  /** It was at another MAC before. */
  readonly hasMoved: boolean
}

/**
 * Announce what these changes brought, after they were carried out: whoever moved, and who is new
 * on another node. Of who is new here its own first packet tells.
 */
export function announceArrivals(
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
    const known = arrivals.get(site) ?? []
    arrivals.set(site, known)
    for (const arrival of arrivalsOf(change, site.formerMacs)) {
      if (arrival.hasMoved || arrival.endpoint === null) known.push(arrival)
    }
  }
  for (const [site, each] of arrivals) if (each.length > 0) announce(site, each)
}

function noteDepartures(former: FormerMacs, change: Change): void {
  if (change.kind === 'neighbour' && change.from !== null) former.leave(change.ip, change.from)
  if (change.kind !== 'local' || change.from === null) return
  for (const ip of change.from.addresses) former.leave(ip, change.from.mac)
}

function arrivalsOf(change: Change, former: FormerMacs): readonly Arrival[] {
  if (change.kind === 'neighbour') {
    const { ip, to: mac, vni } = change
    if (mac === null) return []
    return [{ vni, ip, mac, endpoint: null, hasMoved: former.arrive(ip, mac) }]
  }
  if (change.kind !== 'local' || change.to === null) return []
  const { endpoint, to } = change
  const { mac, vni } = to
  return to.addresses.map((ip) => {
    return { vni, ip, mac, endpoint, hasMoved: former.arrive(ip, mac) }
  })
}

/** To each container of the subnet but the one that has moved; our own stack asks again. */
function announce(site: NetworkSite, arrivals: readonly Arrival[]): void {
  const frames: OutgoingFrame[] = []
  const stale = new MessageWriter()
  let newcomerFrames = 0
  for (const arrival of arrivals) {
    const { hasMoved, ip, mac, vni } = arrival
    if (!hasMoved && newcomerFrames >= NEWCOMER_FRAMES_MAX) continue
    const own = framesOf(site, arrival)
    frames.push(...own)
    if (!hasMoved) newcomerFrames += own.length
    const linkIndex = site.subnets.get(vni)?.bridgeIndex
    if (linkIndex === undefined || !hasMoved) continue
    writeNeighbour(stale, 'delete', { linkIndex, ip, mac })
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

function framesOf(site: NetworkSite, { endpoint, ip, mac, vni }: Arrival): OutgoingFrame[] {
  const frameOf = ipFamily(ip) === 4 ? gratuitousArpFrame : unsolicitedAdvertisementFrame
  const bytes = frameOf({ ip, mac })
  const frames: OutgoingFrame[] = []
  for (const [name, { hostIndex, vni: its }] of site.endpoints) {
    if (its === vni && name !== endpoint) frames.push({ linkIndex: hostIndex, bytes })
  }
  return frames
}
