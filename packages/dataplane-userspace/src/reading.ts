/** What the machinery holds: the engine's own tables, and the interfaces as the kernel has them. */
import { ipFamily, type SocketAddress, type Vni } from '@weft/core'
import type {
  AcceptedState,
  EndpointId,
  NetworkId,
  ProgrammedEndpoint,
  ProgrammedNetwork,
  ProgrammedState,
  ProgrammedSubnet,
  SubnetSpec,
} from '@weft/dataplane'
import type { Endpoints, PluggedEndpoint } from './endpoints.ts'
import type { EngineState, EngineSubnet } from './engine/engine-state.ts'

/** What is read. */
export interface ReadingScope {
  readonly tables: EngineState
  readonly endpoints: Endpoints
  /** Our VTEP; null when no sockets are open, and then nothing can be forwarded. */
  readonly tunnel: SocketAddress | null
  /** What should be, where that is known: decides which of two MTUs is the odd one. */
  readonly accepted: AcceptedState | null
}

/** A reading, with the endpoints whose end is gone. */
export interface Reading {
  readonly state: ProgrammedState
  readonly gone: readonly PluggedEndpoint[]
}

/** A network while it is read. */
interface Draft {
  encapsulation: ProgrammedNetwork['encapsulation']
  readonly mtus: number[]
  readonly subnets: Map<Vni, ProgrammedSubnet>
  readonly local: Map<EndpointId, ProgrammedEndpoint>
}

/** Make items of tables and interfaces. Takes a netlink round trip or four for each interface. */
export function readMachinery(scope: ReadingScope): Reading {
  const drafts = new Map<NetworkId, Draft>()
  for (const [vni, subnet] of scope.tables.subnets) {
    const draft = drafts.get(subnet.network) ?? emptyDraft(subnet)
    drafts.set(subnet.network, draft)
    draft.mtus.push(subnet.mtuBytes)
    draft.subnets.set(vni, programmedSubnet(scope, vni, subnet))
  }
  const gone: PluggedEndpoint[] = []
  for (const plugged of scope.endpoints.all) {
    if (!readEndpoint(scope, drafts.get(plugged.network), plugged)) gone.push(plugged)
  }
  const networks = new Map<NetworkId, ProgrammedNetwork>()
  for (const [id, { encapsulation, local, mtus, subnets }] of drafts) {
    const mtu = oddOne(mtus, scope.accepted?.networks.get(id)?.mtu)
    networks.set(id, { encapsulation, mtu, subnets, local })
  }
  return { state: { networks }, gone }
}

function emptyDraft({ encapsulation }: EngineSubnet): Draft {
  return { encapsulation, mtus: [], subnets: new Map(), local: new Map() }
}

/** A peer number without an address is an address that nobody has. */
const NOWHERE: SocketAddress = { ip: '0.0.0.0' as SocketAddress['ip'], port: 0 }

function programmedSubnet(
  { tables, tunnel }: ReadingScope,
  vni: Vni,
  { forwarding, neighbours, prefixes }: EngineSubnet,
): ProgrammedSubnet {
  const vteps = [...forwarding].map(
    ([mac, peer]) => [mac, tables.peers.get(peer) ?? NOWHERE] as const,
  )
  const { ip, port } = tunnel ?? NOWHERE
  return {
    vni,
    prefixes,
    tunnel: { ip, port, family: ipFamily(ip) },
    forwarding: new Map(vteps),
    neighbours,
  }
}

/** False when its end is gone: then nothing is left of it that could be read. */
function readEndpoint(
  { endpoints, tables }: ReadingScope,
  draft: Draft | undefined,
  plugged: PluggedEndpoint,
): boolean {
  const { end, endpoint, placed, port } = plugged
  const read = endpoints.read(plugged, subnetsOf(draft))
  if (read === null) return false
  if (read.mtuBytes > 0) draft?.mtus.push(read.mtuBytes)
  const known = tables.subnets.get(placed.vni)?.ports.get(placed.mac)
  const served = known?.port === port && read.mac === placed.mac
  draft?.local.set(endpoint, {
    vni: read.sound && served ? placed.vni : null,
    mac: read.mac ?? placed.mac,
    addresses: read.addresses,
    attachment: end.kind === 'netns' ? end.attachment : { kind: 'port', port: end.card },
  })
  return true
}

function subnetsOf(draft: Draft | undefined): readonly SubnetSpec[] {
  return [...(draft?.subnets.values() ?? [])]
}

/** The first value that is not the wanted one; without a wanted one the first. */
function oddOne(values: readonly number[], wanted: number | undefined): number {
  return values.find((value) => value !== wanted) ?? wanted ?? 0
}
