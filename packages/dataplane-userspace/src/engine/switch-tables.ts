/** All that a switch knows: peers, subnets and ports, loaded from a state and read back as one. */
import { ipBytes, ipFamily, setU32, type Ip, type SocketAddress, type Vni } from '@weft/core'
import type { NetworkId } from '@weft/dataplane'
import { ByteTable } from './byte-table.ts'
import type { EngineState, UnderlaySource } from './engine-state.ts'
import type { SwitchCounts } from './switch-counts.ts'
import { SwitchSubnet, type Newcomer } from './switch-subnet.ts'

const MAPPED = 0xffff

/** A local endpoint's end of its cable. */
export interface SwitchPort {
  readonly number: number
  /** Bits of PORT_OFFLOAD. */
  readonly offloads: number
  readonly subnet: SwitchSubnet
}

/** A newcomer, and where. */
export interface Arrival extends Newcomer {
  readonly subnet: SwitchSubnet
}

/** Look-ups by what stands in packets. */
export class SwitchTables {
  readonly #counts: SwitchCounts
  readonly #peers = new ByteTable(16)
  readonly #subnets = new Map<Vni, SwitchSubnet>()
  readonly #networks = new Map<NetworkId, readonly SwitchSubnet[]>()
  readonly #key = new Uint8Array(16)
  #ports: (SwitchPort | undefined)[] = []
  #vteps: (SocketAddress | undefined)[] = []
  #state: EngineState = { peers: new Map(), subnets: new Map() }

  constructor(counts: SwitchCounts) {
    this.#counts = counts
  }

  /** Networks that have a subnet here. */
  get networks(): ReadonlySet<NetworkId> {
    return new Set(this.#networks.keys())
  }

  /** The port of this number, if it is plugged in; a negative one is nobody's. */
  port(number: number): SwitchPort | undefined {
    return number < 0 ? undefined : this.#ports[number]
  }

  /** The subnet with this VNI. */
  subnet(vni: Vni): SwitchSubnet | undefined {
    return this.#subnets.get(vni)
  }

  /** All subnets of the network that this one is of. */
  beside({ spec }: SwitchSubnet): readonly SwitchSubnet[] {
    return this.#networks.get(spec.network) ?? []
  }

  /** The VTEP of a peer, by its number. */
  peer(number: number): SocketAddress | undefined {
    return this.#vteps[number]
  }

  /** The number of a peer that has the address, -1 for nobody's. */
  peerAt(from: UnderlaySource): number {
    setU32(this.#key, 0, from.word0)
    setU32(this.#key, 4, from.word1)
    setU32(this.#key, 8, from.word2)
    setU32(this.#key, 12, from.word3)
    return this.#peers.find(this.#key, 0)
  }

  /** Know this and nothing else. Returns who came. */
  load(state: EngineState): readonly Arrival[] {
    const arrivals: Arrival[] = []
    const before = this.#state
    this.#state = state
    if (before.peers !== state.peers) this.#loadPeers(before.peers, state.peers)
    if (before.subnets === state.subnets) return arrivals
    for (const vni of before.subnets.keys()) if (!state.subnets.has(vni)) this.#subnets.delete(vni)
    for (const [vni, spec] of state.subnets) {
      const counts = this.#counts.ofNetwork(spec.network)
      const subnet = this.#subnets.get(vni) ?? new SwitchSubnet(vni, counts)
      subnet.counts = counts
      this.#subnets.set(vni, subnet)
      if (subnet.spec === spec) continue
      for (const newcomer of subnet.load(spec)) arrivals.push({ ...newcomer, subnet })
    }
    this.#index()
    return arrivals
  }

  /** What the tables say. */
  read(): EngineState {
    // Several peers may have one address and differ in ports, which the table does not hold.
    const peers = [...this.#state.peers].filter(([, { ip }]) => this.#peers.find(keyOf(ip), 0) >= 0)
    const subnets = [...this.#subnets].map(([vni, subnet]) => [vni, subnet.read()] as const)
    return { peers: new Map(peers), subnets: new Map(subnets) }
  }

  #loadPeers(before: EngineState['peers'], peers: EngineState['peers']): void {
    for (const { ip } of before.values()) this.#peers.delete(keyOf(ip))
    this.#vteps = []
    for (const [number, address] of peers) {
      this.#peers.set(keyOf(address.ip), number)
      this.#vteps[number] = address
    }
  }

  #index(): void {
    this.#networks.clear()
    this.#ports = []
    for (const subnet of this.#subnets.values()) {
      const { network, ports } = subnet.spec
      this.#networks.set(network, [...(this.#networks.get(network) ?? []), subnet])
      for (const { port, offloads } of ports.values()) {
        this.#ports[port] = { number: port, offloads, subnet }
      }
    }
  }
}

function keyOf(ip: Ip): Uint8Array {
  const bytes = ipBytes(ip)
  if (ipFamily(ip) === 6) return bytes
  const key = new Uint8Array(16)
  setU32(key, 8, MAPPED)
  key.set(bytes, 12)
  return key
}
