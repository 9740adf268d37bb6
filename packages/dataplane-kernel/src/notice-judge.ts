/** Judging notifications: an echo of our own doing, an entry that vanished, or a reason to look. */
import type { Ip, Mac } from '@weft/core'
import {
  neighbourState,
  type ForwardingEntry,
  type Link,
  type Neighbour,
  type Notice,
} from '@weft/linux'
import { isSoundPort, isSoundTunnel } from './shape.ts'
import { subnetOfLink, type NetworkHoldings, type SubnetSite } from './site.ts'

/** An entry that the kernel says is gone and that should be there. */
export type LostEntry =
  | { readonly kind: 'forwarding'; readonly subnet: SubnetSite; readonly mac: Mac }
  | { readonly kind: 'neighbour'; readonly subnet: SubnetSite; readonly ip: Ip }

/** What notices of one network amount to. */
export interface Judgement {
  /** Entries to be restored at once, each once. */
  readonly lost: readonly LostEntry[]
  /** Devices may not be as we left them. */
  readonly frame: boolean
  /** Entries of ports may not be as we left them. */
  readonly entries: boolean
  /**
   * Entries of the tunnel, by key, whose last notice shows them as nobody wants them, and those
   * whose last notice shows them as they should be. Notices lag, so a wrong one may be an echo of
   * what we have undone since, and then another that sets it right is on its way.
   */
  readonly wrong: readonly string[]
  readonly right: readonly string[]
}

/** What one entry of the tunnel came to. */
interface Standing {
  readonly kind: 'standing'
  readonly key: string
  readonly right: boolean
}

type Verdict = 'expected' | 'frame' | 'entries' | LostEntry | Standing

/**
 * Compare notices with what the site holds to be true. Notices lag: those of our own doing agree
 * with the site unless it was changed again since, and then looking does no harm.
 */
export function judgeNotices(
  site: NetworkHoldings,
  notices: readonly Notice[],
  mtuBytes: number,
): Judgement {
  const lost = new Map<string, LostEntry>()
  // A device that is being made is announced at every step: only the last one tells.
  const links = new Map<number, { readonly link: Link; readonly gone: boolean }>()
  const standing = new Map<string, boolean>()
  const seen = { frame: false, entries: false }
  for (const notice of notices) {
    if (notice.about === 'link') links.set(notice.link.index, notice)
    const verdict = judge(site, notice)
    if (typeof verdict === 'object' && verdict.kind === 'standing') {
      standing.set(verdict.key, verdict.right)
    } else if (typeof verdict === 'object') lost.set(keyOf(verdict), verdict)
    else if (verdict !== 'expected') seen[verdict] = true
  }
  for (const { gone, link } of links.values()) {
    if (!isExpectedLink(site, { gone, link }, mtuBytes)) seen.frame = true
  }
  const keysThatAre = (right: boolean): string[] =>
    [...standing].filter(([, is]) => is === right).map(([key]) => key)
  return { lost: [...lost.values()], ...seen, wrong: keysThatAre(false), right: keysThatAre(true) }
}

function keyOf(entry: LostEntry): string {
  return `${entry.subnet.vni}/${entry.kind === 'forwarding' ? entry.mac : entry.ip}`
}

function judge(site: NetworkHoldings, notice: Notice): Verdict {
  switch (notice.about) {
    case 'forwarding':
      return judgeForwarding(site, notice)
    case 'neighbour':
      return judgeNeighbour(site, notice)
    case 'address':
      return subnetOfLink(site, notice.address.linkIndex) === null ? 'expected' : 'frame'
    default:
      return 'expected'
  }
}

/** A link that we do not hold may be one that we have removed since, or a stranger: no matter. */
function isExpectedLink(
  site: NetworkHoldings,
  { gone, link }: { readonly gone: boolean; readonly link: Link },
  mtuBytes: number,
): boolean {
  const { index } = link
  const subnet = subnetOfLink(site, index)
  const endpoint = [...site.endpoints.values()].find(({ hostIndex }) => hostIndex === index)
  if (subnet === null && endpoint === undefined) return true
  if (gone || link.mtuBytes !== mtuBytes) return false
  if (endpoint !== undefined) {
    const bridgeIndex = site.subnets.get(endpoint.vni)?.bridgeIndex
    return bridgeIndex !== undefined && isSoundPort(link, bridgeIndex)
  }
  if (subnet?.bridgeIndex === index) return link.up
  return subnet !== null && isSoundPort(link, subnet.bridgeIndex) && isSoundTunnel(link)
}

function judgeForwarding(
  site: NetworkHoldings,
  { entry, gone }: { readonly entry: ForwardingEntry; readonly gone: boolean },
): Verdict {
  const { linkIndex, mac, state, table } = entry
  // Addresses of the ports themselves.
  if (table === 'master' && (state & neighbourState.permanent) !== 0) return 'expected'
  const subnet = subnetOfLink(site, linkIndex)
  if (subnet === null) return judgePortEntry(site, { entry, gone })
  if (linkIndex !== subnet.vxlanIndex) return 'expected'
  const expected = subnet.forwarding.get(mac)
  if (gone && expected !== undefined) return { kind: 'forwarding', subnet, mac }
  const { destination, port } = entry
  const same = expected?.ip === destination && expected.port === (port ?? subnet.port)
  const right = gone || (expected !== undefined && (table === 'master' || same))
  return { kind: 'standing', key: `${table} ${linkIndex} ${mac}`, right }
}

/** Entries on the host end of a cable. */
function judgePortEntry(
  site: NetworkHoldings,
  { entry, gone }: { readonly entry: ForwardingEntry; readonly gone: boolean },
): Verdict {
  if (entry.table === 'self') return 'expected'
  for (const { hostIndex, mac } of site.endpoints.values()) {
    if (hostIndex !== entry.linkIndex) continue
    return (mac === entry.mac) === gone ? 'entries' : 'expected'
  }
  return 'expected'
}

function judgeNeighbour(
  site: NetworkHoldings,
  { gone, neighbour }: { readonly gone: boolean; readonly neighbour: Neighbour },
): Verdict {
  const { ip, linkIndex, mac, state } = neighbour
  const subnet = subnetOfLink(site, linkIndex)
  if (subnet === null || linkIndex !== subnet.vxlanIndex) return 'expected'
  const expected = subnet.neighbours.get(ip)
  if (gone && expected !== undefined) return { kind: 'neighbour', subnet, ip }
  // On its way out it is called failed; the word that it is gone follows.
  if (!gone && (state & (neighbourState.noArp | neighbourState.failed)) !== 0) return 'expected'
  const permanent = (state & neighbourState.permanent) !== 0
  const right = gone || (permanent && mac === expected)
  return { kind: 'standing', key: `neighbour ${linkIndex} ${ip}`, right }
}
