/** Damage to an open dataplane behind its back: to its tables, interfaces and thread. */
import type { Ip, Mac, SocketAddress, Vni } from '@weft/core'
import {
  subnetFinder,
  type Dataplane,
  type EndpointId,
  type NetnsAttachment,
  type NetworkId,
} from '@weft/dataplane'
import { Kernel } from '@weft/linux'
import type { EngineState, EngineSubnet } from '../engine/engine-state.ts'
import type { SwitchUpdate } from '../switch-protocol.ts'
import { UserspaceDataplane } from '../userspace-dataplane.ts'

/** One thing gone or changed; as the compliance suite has it. */
export type SwitchDamage =
  | { readonly kind: 'delete-forwarding'; readonly network: NetworkId; readonly mac: Mac }
  | {
      readonly kind: 'misdirect-forwarding' | 'add-forwarding'
      readonly network: NetworkId
      readonly mac: Mac
      readonly to: Ip
    }
  | { readonly kind: 'delete-neighbour'; readonly network: NetworkId; readonly ip: Ip }
  | { readonly kind: 'delete-endpoint'; readonly network: NetworkId; readonly endpoint: EndpointId }
  | { readonly kind: 'delete-network'; readonly network: NetworkId }

/** Do the damage; resolves when it is done. */
export async function damage(dataplane: Dataplane, wound: SwitchDamage): Promise<void> {
  const { endpoints, thread } = opened(dataplane).machinery
  const { network } = wound
  const mine = [...endpoints.all].filter((plugged) => plugged.network === network)
  if (wound.kind === 'delete-endpoint') {
    for (const { end, endpoint } of mine) {
      if (endpoint === wound.endpoint && end.kind === 'netns') deleteInterface(end.attachment)
    }
    return
  }
  if (wound.kind === 'delete-network') {
    for (const { end } of mine) if (end.kind === 'netns') deleteInterface(end.attachment)
    const loaded = [...thread.loaded.subnets]
    const gone = loaded.flatMap(([vni, subnet]) => (subnet.network === network ? [vni] : []))
    await thread.damage({ peers: null, changed: new Map(), gone, security: null })
    return
  }
  await thread.damage(woundedTables(thread.loaded, wound))
}

/** The switch's thread dies as by a bug in it; resolves when it is dead. */
export function killSwitch(dataplane: Dataplane): Promise<void> {
  return opened(dataplane).machinery.thread.kill()
}

/** The switch knows no key any more. */
export async function forgetKeys(dataplane: Dataplane): Promise<void> {
  const { thread } = opened(dataplane).machinery
  const security = { spec: null }
  await thread.damage({ peers: null, changed: new Map(), gone: [], security })
}

function opened(dataplane: Dataplane): UserspaceDataplane {
  if (dataplane instanceof UserspaceDataplane) return dataplane
  throw new Error('bug: not a userspace dataplane')
}

function deleteInterface({ ifname, path }: NetnsAttachment): void {
  using kernel = Kernel.open(path)
  kernel.links.delete(ifname)
}

type TableDamage = Exclude<SwitchDamage, { kind: 'delete-endpoint' | 'delete-network' }>

function woundedTables(
  { peers, subnets }: EngineState,
  wound: TableDamage,
): SwitchUpdate {
  const all = new Map(peers)
  const changed = new Map<Vni, EngineSubnet>()
  for (const [vni, subnet] of subnets) {
    if (subnet.network !== wound.network || !concerns(subnet, wound)) continue
    const forwarding = new Map(subnet.forwarding)
    const neighbours = new Map(subnet.neighbours)
    if (wound.kind === 'delete-forwarding') forwarding.delete(wound.mac)
    else if (wound.kind === 'delete-neighbour') neighbours.delete(wound.ip)
    else forwarding.set(wound.mac, peerAt(all, wound.to))
    changed.set(vni, { ...subnet, forwarding, neighbours })
  }
  return { peers: all, changed, gone: [], security: null }
}

function concerns(subnet: EngineSubnet, wound: TableDamage): boolean {
  if (wound.kind === 'add-forwarding') return true
  if (wound.kind !== 'delete-neighbour') return subnet.forwarding.has(wound.mac)
  const { prefixes } = subnet
  return subnetFinder([{ vni: 1 as Vni, prefixes }]).find(wound.ip) !== null
}

/** The number of the VTEP at an address; a new one where there is none. */
function peerAt(peers: Map<number, SocketAddress>, ip: Ip): number {
  for (const [number, address] of peers) if (address.ip === ip) return number
  const number = Math.max(-1, ...peers.keys()) + 1
  peers.set(number, { ip, port: [...peers.values()][0]?.port ?? 0 })
  return number
}
