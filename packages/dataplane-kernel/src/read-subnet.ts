/** Judging a subnet's two devices: what they amount to, and what can be mended in place. */
import {
  addressOf,
  cidrOf,
  ipFamily,
  prefixLength,
  type Cidr,
  type InterfaceAddress,
  type Vni,
} from '@weft/core'
import { itemPath, type PrefixSpec, type ProgrammedSubnet } from '@weft/dataplane'
import type { Link } from '@weft/linux'
import { slotOf } from './names.ts'
import type { Mend, ReadingScope } from './reading.ts'
import { isSoundPort, isSoundTunnel, linkLocalOf, PORT_SHAPE } from './shape.ts'
import type { SubnetSite } from './site.ts'
import type { NetworkSnapshot } from './snapshot.ts'

/** A subnet's devices, with what the bridge's mark says. */
export interface SubnetParts {
  readonly bridge: Link
  readonly mark: { readonly vni: Vni; readonly cidrs: readonly Cidr[] }
  readonly tunnel: Link
  readonly snapshot: NetworkSnapshot
}

/** What a subnet's devices amount to; the entries are read for all subnets at once. */
export interface SubnetReading {
  readonly site: SubnetSite
  readonly shape: Omit<ProgrammedSubnet, 'forwarding' | 'neighbours'>
  readonly mends: readonly Mend[]
}

/** Null when the tunnel is not one of ours as they must be, and has to be made again. */
export function readSubnet(scope: ReadingScope, parts: SubnetParts): SubnetReading | null {
  const { bridge, mark, tunnel, snapshot } = parts
  const { vxlan } = tunnel
  const ip = vxlan?.local ?? null
  const port = vxlan?.port
  if (!isSoundTunnel(tunnel) || vxlan?.vni !== mark.vni || ip === null || port === undefined) {
    return null
  }
  const site: SubnetSite = {
    vni: mark.vni,
    slot: slotOf(bridge.name) ?? slotOf(tunnel.name) ?? 0,
    bridgeIndex: bridge.index,
    vxlanIndex: tunnel.index,
    port,
    family: ipFamily(ip),
    forwarding: new Map(),
    neighbours: new Map(),
  }
  const carried = snapshot.addresses
    .filter(({ linkIndex }) => linkIndex === bridge.index)
    .map(({ address }) => address)
  const prefixes = prefixesOf(mark, carried)
  return {
    site,
    shape: { vni: mark.vni, prefixes, tunnel: { ip, port, family: site.family } },
    mends: mendsOf(itemPath.subnet(scope.id, mark.vni), parts, { carried, prefixes }),
  }
}

/** The marked prefixes with the gateways that the bridge carries, then addresses beyond those. */
function prefixesOf(
  { vni, cidrs }: SubnetParts['mark'],
  carried: readonly InterfaceAddress[],
): readonly PrefixSpec[] {
  const rest = new Set(carried.filter((address) => address !== linkLocalOf(vni)))
  const marked = cidrs.map((cidr): PrefixSpec => {
    const own = [...rest].find((address) => cidrOf(address) === cidr)
    if (own !== undefined) rest.delete(own)
    return { cidr, gateway: own === undefined ? null : addressOf(own) }
  })
  const extra = [...rest].map((address) => ({
    cidr: cidrOf(address),
    gateway: addressOf(address),
  }))
  return [...marked, ...extra]
}

interface Carried {
  readonly carried: readonly InterfaceAddress[]
  readonly prefixes: readonly PrefixSpec[]
}

function mendsOf(
  item: string,
  { bridge, mark, tunnel }: SubnetParts,
  { carried, prefixes }: Carried,
): readonly Mend[] {
  const mends: Mend[] = []
  if (!bridge.up) mends.push({ kind: 'link', item, linkIndex: bridge.index, change: { up: true } })
  if (!isSoundPort(tunnel, bridge.index)) {
    const change = { masterIndex: bridge.index, bridgePort: PORT_SHAPE, up: true }
    mends.push({ kind: 'link', item, linkIndex: tunnel.index, change })
  }
  const linkLocal = linkLocalOf(mark.vni)
  const wantsIt = prefixes.some(
    ({ cidr, gateway }) => gateway !== null && ipFamily(addressOf(cidr)) === 6,
  )
  if (wantsIt && !carried.includes(linkLocal)) {
    const address = { linkIndex: bridge.index, address: linkLocal, noDuplicateDetection: true }
    mends.push({ kind: 'address', item, address })
  }
  return mends
}

/** True when an address has the length of a prefix that holds it. */
export function fitsPrefix(address: InterfaceAddress, prefixes: readonly PrefixSpec[]): boolean {
  const network = cidrOf(address)
  return prefixes.some(
    ({ cidr }) => cidr === network && prefixLength(cidr) === prefixLength(address),
  )
}
