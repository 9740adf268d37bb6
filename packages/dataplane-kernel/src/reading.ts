/** Reading a snapshot: which items it amounts to, which devices serve them, and what is amiss. */
import type { Mac, Vni } from '@weft/core'
import {
  type AcceptedNetwork,
  type Encapsulation,
  type EndpointId,
  type NetworkId,
  type ProgrammedEndpoint,
  type ProgrammedNetwork,
  type ProgrammedSubnet,
} from '@weft/dataplane'
import type { AddressSpec, Link, LinkChange } from '@weft/linux'
import { parseMark, type Mark } from './mark.ts'
import { readEntries } from './read-entries.ts'
import { readEndpoint, type EndpointScope } from './read-endpoint.ts'
import { readSubnet } from './read-subnet.ts'
import type { EndpointSite, SubnetSite } from './site.ts'
import type { NetworkSnapshot } from './snapshot.ts'

/** Something to be put right in place that no item shows: a port's switch, a device down. */
export type Mend =
  | {
      readonly kind: 'link'
      readonly item: string
      readonly linkIndex: number
      readonly change: LinkChange
    }
  | { readonly kind: 'address'; readonly item: string; readonly address: AddressSpec }

/** A forwarding entry that serves nothing. */
export interface Stray {
  readonly linkIndex: number
  readonly mac: Mac
}

/** What a snapshot says. */
export interface NetworkReading {
  readonly programmed: ProgrammedNetwork
  readonly subnets: Map<Vni, SubnetSite>
  readonly endpoints: Map<EndpointId, EndpointSite>
  readonly mends: readonly Mend[]
  /** Devices of ours that are no use: half of a subnet, a second cable. */
  readonly debris: readonly { readonly linkIndex: number; readonly name: string }[]
  readonly strays: readonly Stray[]
  /** Devices in the namespace that carry no mark of ours, by name. */
  readonly foreign: readonly string[]
  readonly routing: boolean
}

/** What is known beforehand about the network. */
export interface ReadingScope {
  readonly instance: string
  readonly id: NetworkId
  readonly encapsulation: Encapsulation
  /** What it should be, where that is known: decides which of two values is the odd one. */
  readonly wanted: AcceptedNetwork | null
}

/** Links by what their marks say. Of two with the same mark the first counts. */
interface MarkedLinks {
  readonly bridges: Map<Vni, { readonly link: Link; readonly mark: BridgeMark }>
  readonly tunnels: Map<Vni, Link>
  readonly endpoints: Map<EndpointId, Link>
  readonly spare: Link[]
  readonly foreign: string[]
}

type BridgeMark = Extract<Mark, { kind: 'bridge' }>

/** Make sense of a snapshot. Pure. */
export function readNetwork(scope: ReadingScope, snapshot: NetworkSnapshot): NetworkReading {
  const marked = sortLinks(scope, snapshot.links)
  const subnets = new Map<Vni, SubnetSite>()
  const shapes = new Map<Vni, Omit<ProgrammedSubnet, 'forwarding' | 'neighbours'>>()
  const mends: Mend[] = []
  const mtus: number[] = []
  for (const [vni, { link: bridge, mark }] of marked.bridges) {
    const tunnel = marked.tunnels.get(vni)
    marked.tunnels.delete(vni)
    const read = tunnel === undefined ? null : readSubnet(scope, { bridge, mark, tunnel, snapshot })
    if (tunnel === undefined || read === null) {
      marked.spare.push(bridge, ...(tunnel === undefined ? [] : [tunnel]))
      continue
    }
    subnets.set(vni, read.site)
    shapes.set(vni, read.shape)
    mends.push(...read.mends)
    mtus.push(bridge.mtuBytes, tunnel.mtuBytes)
  }
  marked.spare.push(...marked.tunnels.values())
  const entries = readEntries(subnets, marked.endpoints, snapshot)
  const scopeOfEndpoints = { subnets, shapes, entries, snapshot, wanted: scope.wanted }
  const { local, endpoints } = readEndpoints(scopeOfEndpoints, marked.endpoints, mtus)
  return {
    programmed: {
      encapsulation: scope.encapsulation,
      mtu: oddOne(mtus, scope.wanted?.mtu),
      subnets: withEntries(shapes, subnets),
      local,
    },
    subnets,
    endpoints,
    mends,
    debris: marked.spare.map(({ index, name }) => ({ linkIndex: index, name })),
    strays: entries.strays,
    foreign: marked.foreign,
    routing: snapshot.routing,
  }
}

function sortLinks({ instance, id }: ReadingScope, links: readonly Link[]): MarkedLinks {
  const sorted: MarkedLinks = {
    bridges: new Map(),
    tunnels: new Map(),
    endpoints: new Map(),
    spare: [],
    foreign: [],
  }
  for (const link of links) {
    const mark = parseMark(instance, link.alias)
    if (mark === null || mark.network !== id) {
      if (link.name !== 'lo') sorted.foreign.push(link.name)
    } else if (!place(sorted, link, mark)) sorted.spare.push(link)
  }
  return sorted
}

/** False when something else already holds the place, or the device is not of the marked kind. */
function place({ bridges, tunnels, endpoints }: MarkedLinks, link: Link, mark: Mark): boolean {
  switch (mark.kind) {
    case 'bridge':
      if (link.kind !== 'bridge' || bridges.has(mark.vni)) return false
      bridges.set(mark.vni, { link, mark })
      return true
    case 'tunnel':
      if (link.kind !== 'vxlan' || tunnels.has(mark.vni)) return false
      tunnels.set(mark.vni, link)
      return true
    case 'local':
      if (link.kind !== 'veth' || endpoints.has(mark.endpoint)) return false
      endpoints.set(mark.endpoint, link)
      return true
    case 'network':
      return link.name === 'lo'
  }
}

function readEndpoints(
  scope: EndpointScope,
  links: ReadonlyMap<EndpointId, Link>,
  mtus: number[],
): { local: Map<EndpointId, ProgrammedEndpoint>; endpoints: Map<EndpointId, EndpointSite> } {
  const local = new Map<EndpointId, ProgrammedEndpoint>()
  const endpoints = new Map<EndpointId, EndpointSite>()
  for (const [endpoint, link] of links) {
    const { programmed, site, mtuBytes } = readEndpoint(scope, endpoint, link)
    local.set(endpoint, programmed)
    endpoints.set(endpoint, site)
    mtus.push(...mtuBytes)
  }
  return { local, endpoints }
}

function withEntries(
  shapes: ReadonlyMap<Vni, Omit<ProgrammedSubnet, 'forwarding' | 'neighbours'>>,
  subnets: ReadonlyMap<Vni, SubnetSite>,
): ReadonlyMap<Vni, ProgrammedSubnet> {
  const whole = new Map<Vni, ProgrammedSubnet>()
  for (const [vni, shape] of shapes) {
    const site = subnets.get(vni)
    if (site === undefined) continue
    const { forwarding, neighbours } = site
    whole.set(vni, { ...shape, forwarding, neighbours })
  }
  return whole
}

/** The first value that is not the wanted one; without a wanted one the first. */
function oddOne(values: readonly number[], wanted: number | undefined): number {
  return values.find((value) => value !== wanted) ?? wanted ?? 0
}
