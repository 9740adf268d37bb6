/** One broadcast domain as the switch looks things up in it. */
import {
  ipBytes,
  ipFamily,
  MAC_BYTES,
  macFromBytes,
  writeMac,
  type Ip,
  type IpFamily,
  type Mac,
  type Vni,
} from '@weft/core'
import { ByteTable } from './byte-table.ts'
import type { EnginePort, EngineSubnet } from './engine-state.ts'
import { gatewayMac } from './gateway-mac.ts'
import { OwnerTable } from './owner-table.ts'
import { PrefixMatch } from './prefix-match.ts'
import type { NetworkCounts } from './switch-counts.ts'

const NOTHING: EngineSubnet = {
  network: '',
  encapsulation: 'vxlan',
  mtuBytes: 0,
  prefixes: [],
  ports: new Map(),
  forwarding: new Map(),
  neighbours: new Map(),
}

/**
 * Tables of a subnet. `load` compares with what was loaded before and changes what differs, so that
 * one endpoint more among thousands costs a look at each, and no table is made anew.
 */
export class SwitchSubnet {
  readonly vni: Vni
  readonly gatewayMac: Uint8Array
  /** Local endpoints: MAC to port number. */
  readonly local = new ByteTable(MAC_BYTES)
  /** Remote endpoints: MAC to peer number. */
  readonly remote = new ByteTable(MAC_BYTES)
  counts: NetworkCounts
  /** Numbers of all ports, for what goes to each. */
  ports: Int32Array = new Int32Array(0)
  readonly #neighbours = new OwnerTable()
  readonly #localAddresses = new OwnerTable()
  #matches: readonly PrefixMatch[] = []
  #gatewayFour: Uint8Array | null = null
  #gatewaySix: Uint8Array | null = null
  #spec = NOTHING

  constructor(vni: Vni, counts: NetworkCounts) {
    this.vni = vni
    this.gatewayMac = gatewayMac(vni)
    this.counts = counts
  }

  /** What was loaded last. */
  get spec(): EngineSubnet {
    return this.#spec
  }

  /** The MAC to answer with for the address at `at`: a gateway's, a remote endpoint's, or none. */
  answerFor(bytes: Uint8Array, at: number, family: IpFamily): Uint8Array | null {
    return this.isGateway(bytes, at, family) ? this.gatewayMac : this.#neighbour(bytes, at, family)
  }

  /** The MAC of whoever has the address at `at`, here or elsewhere. */
  ownerOf(bytes: Uint8Array, at: number, family: IpFamily): Uint8Array | null {
    const local = this.#localAddresses
    const mac = family === 4 ? local.find4(bytes, at) : local.find6(bytes, at)
    return mac ?? this.#neighbour(bytes, at, family)
  }

  /** Whether the address at `at` is a gateway of this subnet. */
  isGateway(bytes: Uint8Array, at: number, family: IpFamily): boolean {
    const gateway = this.gatewayOf(family)
    if (gateway === null) return false
    for (let i = gateway.length - 1; i >= 0; i--) if (bytes[at + i] !== gateway[i]) return false
    return true
  }

  /** The bytes of a gateway's address of this family, or null. */
  gatewayOf(family: IpFamily): Uint8Array | null {
    return family === 4 ? this.#gatewayFour : this.#gatewaySix
  }

  /** Whether the address at `at` lies in a prefix of this subnet. */
  covers(bytes: Uint8Array, at: number, family: IpFamily): boolean {
    for (const match of this.#matches) {
      if (match.family === family && match.holds(bytes, at)) return true
    }
    return false
  }

  /** Be as this says. */
  load(spec: EngineSubnet): void {
    const before = this.#spec
    this.#spec = spec
    if (before.prefixes !== spec.prefixes) this.#loadPrefixes(spec)
    if (before.ports !== spec.ports) this.#loadPorts(before.ports, spec.ports)
    if (before.forwarding !== spec.forwarding) {
      changes(before.forwarding, spec.forwarding, {
        remove: (mac) => this.remote.delete(macBytes(mac)),
        set: (mac, peer) => this.remote.set(macBytes(mac), peer),
      })
    }
    if (before.neighbours !== spec.neighbours) {
      changes(before.neighbours, spec.neighbours, {
        remove: (ip) => this.#neighbours.delete(ip),
        set: (ip, mac) => this.#neighbours.set(ip, mac),
      })
    }
  }

  /** What the tables say; beside them there are only shape and offloads, as they were told. */
  read(): EngineSubnet {
    const addresses = Map.groupBy(this.#localAddresses.entries(), ([, mac]) => macFromBytes(mac))
    const ports = [...this.local.entries()].map(([key, port]): [Mac, EnginePort] => {
      const mac = macFromBytes(key)
      const offloads = this.#spec.ports.get(mac)?.offloads ?? 0
      const own = (addresses.get(mac) ?? []).map(([ip]): Ip => ip)
      return [mac, { port, addresses: own, offloads }]
    })
    const forwarding = [...this.remote.entries()].map(
      ([key, peer]) => [macFromBytes(key), peer] as const,
    )
    const neighbours = [...this.#neighbours.entries()].map(([ip, mac]) => {
      return [ip, macFromBytes(mac)] as const
    })
    return {
      ...this.#spec,
      ports: new Map(ports),
      forwarding: new Map(forwarding),
      neighbours: new Map(neighbours),
    }
  }

  #loadPrefixes({ prefixes }: EngineSubnet): void {
    this.#gatewayFour = null
    this.#gatewaySix = null
    for (const { gateway } of prefixes) {
      if (gateway === null) continue
      if (ipFamily(gateway) === 4) this.#gatewayFour = ipBytes(gateway)
      else this.#gatewaySix = ipBytes(gateway)
    }
    this.#matches = prefixes.map(({ cidr }) => new PrefixMatch(cidr))
  }

  #neighbour(bytes: Uint8Array, at: number, family: IpFamily): Uint8Array | null {
    const neighbours = this.#neighbours
    return family === 4 ? neighbours.find4(bytes, at) : neighbours.find6(bytes, at)
  }

  #loadPorts(before: EngineSubnet['ports'], ports: EngineSubnet['ports']): void {
    changes(before, ports, {
      remove: (mac, { addresses }) => {
        this.local.delete(macBytes(mac))
        for (const ip of addresses) this.#localAddresses.delete(ip)
      },
      set: (mac, { port, addresses }) => {
        this.local.set(macBytes(mac), port)
        for (const ip of addresses) this.#localAddresses.set(ip, mac)
      },
    })
    this.ports = Int32Array.from(ports.values(), ({ port }) => port)
  }
}

function macBytes(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(MAC_BYTES)
  writeMac(bytes, 0, mac)
  return bytes
}

/** Carry out what leads from one map to the other: removals first, for values may change hands. */
function changes<Key, Value>(
  before: ReadonlyMap<Key, Value>,
  after: ReadonlyMap<Key, Value>,
  operations: { remove(key: Key, value: Value): void; set(key: Key, value: Value): void },
): void {
  for (const [key, value] of before) {
    if (after.get(key) !== value) operations.remove(key, value)
  }
  for (const [key, value] of after) {
    if (before.get(key) !== value) operations.set(key, value)
  }
}
