/** Judging an endpoint's cable from both ends. */
import { addressOf, type Ip, type Vni } from '@weft/core'
import type {
  AcceptedNetwork,
  EndpointId,
  NetnsAttachment,
  ProgrammedEndpoint,
  ProgrammedSubnet,
} from '@weft/dataplane'
import type { Link } from '@weft/linux'
import { SPOILED_NEIGHBOUR, type EntryReading } from './read-entries.ts'
import { fitsPrefix } from './read-subnet.ts'
import { routesOf } from './routes-of.ts'
import { isSoundPort } from './shape.ts'
import type { EndpointSite, SubnetSite } from './site.ts'
import type { NetworkSnapshot, PeerSnapshot } from './snapshot.ts'

/** What an endpoint is judged against. */
export interface EndpointScope {
  readonly subnets: ReadonlyMap<Vni, SubnetSite>
  readonly shapes: ReadonlyMap<Vni, Pick<ProgrammedSubnet, 'prefixes'>>
  readonly entries: EntryReading
  readonly snapshot: NetworkSnapshot
  readonly wanted: AcceptedNetwork | null
}

/** What a cable amounts to. */
export interface EndpointReading {
  readonly programmed: ProgrammedEndpoint
  readonly site: EndpointSite
  /** MTUs of the ends that are there, in bytes. */
  readonly mtuBytes: readonly number[]
}

/** RT_SCOPE of what only counts on the link: addresses the kernel gives by itself. */
const SCOPE_LINK = 253

/**
 * An endpoint with anything amiss hangs in the air (`vni` null), so that it is plugged in again;
 * one whose far end cannot be found has no attachment.
 */
export function readEndpoint(
  scope: EndpointScope,
  endpoint: EndpointId,
  link: Link,
): EndpointReading {
  const peer = scope.snapshot.peers.get(link.index) ?? null
  const mac = peer?.link.mac ?? SPOILED_NEIGHBOUR
  const vni = subnetOf(scope, link)
  const addresses = globalAddresses(peer)
  const wanted = scope.wanted?.local.get(endpoint)?.attachment
  const sound =
    peer !== null && vni !== null && isSoundCable(scope, { link, peer, vni, addresses })
  return {
    programmed: {
      vni: sound ? vni : null,
      mac,
      addresses,
      attachment: attachmentOf(peer) ?? (wanted?.kind === 'port' ? wanted : null),
    },
    site: { hostIndex: link.index, hostName: link.name, vni: vni ?? (0 as Vni), mac },
    mtuBytes: peer === null ? [link.mtuBytes] : [link.mtuBytes, peer.link.mtuBytes],
  }
}

function attachmentOf(peer: PeerSnapshot | null): NetnsAttachment | null {
  if (peer === null) return null
  const { identity, link, path } = peer
  return { kind: 'netns', path, ifname: link.name, identity }
}

function subnetOf({ subnets }: EndpointScope, { masterIndex }: Link): Vni | null {
  for (const subnet of subnets.values()) if (subnet.bridgeIndex === masterIndex) return subnet.vni
  return null
}

function globalAddresses(peer: PeerSnapshot | null): readonly Ip[] {
  const global = (peer?.addresses ?? []).filter(({ scope }) => scope !== SCOPE_LINK)
  return global.map(({ address }) => addressOf(address))
}

interface Cable {
  readonly link: Link
  readonly peer: PeerSnapshot
  readonly vni: Vni
  readonly addresses: readonly Ip[]
}

function isSoundCable(scope: EndpointScope, { link, peer, vni, addresses }: Cable): boolean {
  const { entries, shapes, subnets, wanted } = scope
  const bridgeIndex = subnets.get(vni)?.bridgeIndex
  const prefixes = shapes.get(vni)?.prefixes ?? []
  if (bridgeIndex === undefined || !isSoundPort(link, bridgeIndex) || !peer.link.up) return false
  const { mac } = peer.link
  if (mac === null || entries.portMacs.get(link.index)?.has(mac) !== true) return false
  const global = peer.addresses.filter(({ scope: reach }) => reach !== SCOPE_LINK)
  if (!global.every(({ address }) => fitsPrefix(address, prefixes))) return false
  const routes = routesOf(wanted?.subnets ?? [], { vni, addresses })
  return routes.every(({ destination, via }) =>
    peer.routes.some((route) => route.destination === destination && route.via === via),
  )
}
