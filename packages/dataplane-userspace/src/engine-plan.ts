/** What the engine is told of an accepted network: only what has its end, by numbers of peers. */
import { formatSocketAddress, type Ip, type Mac, type SocketAddress, type Vni } from '@weft/core'
import {
  itemPath,
  subnetFinder,
  type AcceptedNetwork,
  type AcceptedState,
  type FailureLog,
  type NetworkId,
} from '@weft/dataplane'
import type { Endpoints } from './endpoints.ts'
import type { EnginePort, EngineSubnet } from './engine/engine-state.ts'

/** Numbers of VTEPs. A VTEP keeps its number as long as somebody is there. */
export class PeerNumbers {
  readonly #numbers = new Map<string, number>()
  readonly #addresses = new Map<number, SocketAddress>()
  #changed = false

  /** The number of a VTEP, a new one if need be. */
  of(address: SocketAddress): number {
    const key = formatSocketAddress(address)
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    let number = 0
    while (this.#addresses.has(number)) number++
    this.#numbers.set(key, number)
    this.#addresses.set(number, address)
    this.#changed = true
    return number
  }

  /** Know every peer of a state, and forget those that nobody has any more. */
  follow(state: Pick<AcceptedState, 'peers'>): void {
    const wanted = new Set<string>()
    for (const { tunnel } of state.peers.values()) {
      wanted.add(formatSocketAddress(tunnel))
      this.of(tunnel)
    }
    for (const [key, number] of this.#numbers) {
      if (wanted.has(key)) continue
      this.#numbers.delete(key)
      this.#addresses.delete(number)
      this.#changed = true
    }
  }

  /** All, or null when they are as at the last call. */
  takeChanged(): ReadonlyMap<number, SocketAddress> | null {
    if (!this.#changed) return null
    this.#changed = false
    return new Map(this.#addresses)
  }
}

/** What a network's subnets are made from. */
export interface PlanScope {
  readonly id: NetworkId
  readonly network: AcceptedNetwork
  readonly state: AcceptedState
  readonly endpoints: Endpoints
  readonly numbers: PeerNumbers
  readonly failures: FailureLog
}

/** The subnets of a network that did not fail, for the engine. */
export function planSubnets(scope: PlanScope): ReadonlyMap<Vni, EngineSubnet> {
  const { failures, id, network } = scope
  const drafts = new Map<Vni, Draft>()
  for (const { prefixes, vni } of network.subnets) {
    if (failures.has(itemPath.subnet(id, vni))) continue
    const { encapsulation, mtu: mtuBytes } = network
    const shape = { network: id, encapsulation, mtuBytes, prefixes }
    const empty = { ports: new Map(), forwarding: new Map(), neighbours: new Map() }
    drafts.set(vni, { ...shape, ...empty })
  }
  addPorts(scope, drafts)
  addEntries(scope, drafts)
  return drafts
}

/** A subnet while it is filled. */
interface Draft extends EngineSubnet {
  readonly ports: Map<Mac, EnginePort>
  readonly forwarding: Map<Mac, number>
  readonly neighbours: Map<Ip, Mac>
}

function addPorts({ endpoints, id, network }: PlanScope, drafts: ReadonlyMap<Vni, Draft>): void {
  for (const name of network.local.keys()) {
    const plugged = endpoints.get(id, name)
    if (plugged === undefined) continue
    const { offloads, placed, port } = plugged
    const { addresses, mac, vni } = placed
    drafts.get(vni)?.ports.set(mac, { port, addresses, offloads })
  }
}

function addEntries(scope: PlanScope, drafts: ReadonlyMap<Vni, Draft>): void {
  const { network, numbers, state } = scope
  const finder = subnetFinder(network.subnets)
  for (const { addresses, mac, node } of network.remote.values()) {
    const vni = finder.subnetOf(addresses)?.vni
    const peer = state.peers.get(node)
    const draft = vni === undefined ? undefined : drafts.get(vni)
    if (draft === undefined || peer === undefined) continue
    draft.forwarding.set(mac, numbers.of(peer.tunnel))
    for (const ip of addresses) draft.neighbours.set(ip, mac)
  }
}
