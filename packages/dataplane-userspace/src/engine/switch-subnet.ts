/** One broadcast domain as the switch looks things up in it. */
import {
  ipBytes,
  ipFamily,
  ipFromBytes,
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
import { gatewayMacNumber, macNumber, writeMacNumber } from './mac-number.ts'
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

/** Tables of addresses of both families. */
class AddressTables {
  readonly #four = new ByteTable(4)
  readonly #six = new ByteTable(16)

  of(family: IpFamily): ByteTable {
    return family === 4 ? this.#four : this.#six
  }

  set(ip: Ip, value: number): void {
    this.of(ipFamily(ip)).set(ipBytes(ip), value)
  }

  delete(ip: Ip): void {
    this.of(ipFamily(ip)).delete(ipBytes(ip))
  }

  *entries(): IterableIterator<readonly [ip: Ip, value: number]> {
    for (const [key, value] of this.#four.entries()) yield [ipFromBytes(key, 0, 4), value]
    for (const [key, value] of this.#six.entries()) yield [ipFromBytes(key, 0, 6), value]
  }
}

/**
 * Tables of a subnet. `load` compares with what was loaded before and changes what differs, so that
 * one endpoint more among thousands costs a look at each, and no table is made anew.
 */
export class SwitchSubnet {
  readonly vni: Vni
  readonly gatewayMac: number
  /** Local endpoints: MAC to port number. */
  readonly local = new ByteTable(MAC_BYTES)
  /** Remote endpoints: MAC to peer number. */
  readonly remote = new ByteTable(MAC_BYTES)
  counts: NetworkCounts
  /** Numbers of all ports, for what goes to each. */
  ports: Int32Array = new Int32Array(0)
  readonly #neighbours = new AddressTables()
  readonly #localAddresses = new AddressTables()
  readonly #gateways = new AddressTables()
  #matches: readonly PrefixMatch[] = []
  #gatewayFour: Uint8Array | null = null
  #gatewaySix: Uint8Array | null = null
  #spec = NOTHING

  constructor(vni: Vni, counts: NetworkCounts) {
    this.vni = vni
    this.gatewayMac = gatewayMacNumber(vni)
    this.counts = counts
  }

  /** What was loaded last. */
  get spec(): EngineSubnet {
    return this.#spec
  }

  /** The MAC to answer with for the address at `at`: a gateway's or a remote endpoint's; or -1. */
  answerFor(bytes: Uint8Array, at: number, family: IpFamily): number {
    if (this.isGateway(bytes, at, family)) return this.gatewayMac
    return this.#neighbours.of(family).find(bytes, at)
  }

  /** The MAC of whoever has the address at `at`, here or elsewhere; or -1. */
  ownerOf(bytes: Uint8Array, at: number, family: IpFamily): number {
    const local = this.#localAddresses.of(family).find(bytes, at)
    return local >= 0 ? local : this.#neighbours.of(family).find(bytes, at)
  }

  /** Whether the address at `at` is a gateway of this subnet. */
  isGateway(bytes: Uint8Array, at: number, family: IpFamily): boolean {
    return this.#gateways.of(family).find(bytes, at) >= 0
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
    if (before.prefixes !== spec.prefixes) this.#loadPrefixes(before, spec)
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
        set: (ip, mac) => this.#neighbours.set(ip, macNumber(macBytes(mac), 0)),
      })
    }
  }

  /** What the tables say; beside them there are only shape and offloads, as they were told. */
  read(): EngineSubnet {
    const text = (mac: number): Mac => {
      const bytes = new Uint8Array(MAC_BYTES)
      writeMacNumber(bytes, 0, mac)
      return macFromBytes(bytes)
    }
    const addresses = new Map<Mac, Ip[]>()
    for (const [ip, mac] of this.#localAddresses.entries()) {
      addresses.set(text(mac), [...(addresses.get(text(mac)) ?? []), ip])
    }
    const ports = [...this.local.entries()].map(([key, port]): [Mac, EnginePort] => {
      const mac = macFromBytes(key)
      const offloads = this.#spec.ports.get(mac)?.offloads ?? 0
      return [mac, { port, addresses: addresses.get(mac) ?? [], offloads }]
    })
    const forwarding = [...this.remote.entries()].map(
      ([key, peer]) => [macFromBytes(key), peer] as const,
    )
    const neighbours = [...this.#neighbours.entries()].map(([ip, mac]) => [ip, text(mac)] as const)
    return {
      ...this.#spec,
      ports: new Map(ports),
      forwarding: new Map(forwarding),
      neighbours: new Map(neighbours),
    }
  }

  #loadPrefixes(before: EngineSubnet, { prefixes }: EngineSubnet): void {
    for (const { gateway } of before.prefixes) if (gateway !== null) this.#gateways.delete(gateway)
    this.#gatewayFour = null
    this.#gatewaySix = null
    for (const { gateway } of prefixes) {
      if (gateway === null) continue
      this.#gateways.set(gateway, 0)
      if (ipFamily(gateway) === 4) this.#gatewayFour = ipBytes(gateway)
      else this.#gatewaySix = ipBytes(gateway)
    }
    this.#matches = prefixes.map(({ cidr }) => new PrefixMatch(cidr))
  }

  #loadPorts(before: EngineSubnet['ports'], ports: EngineSubnet['ports']): void {
    changes(before, ports, {
      remove: (mac, { addresses }) => {
        this.local.delete(macBytes(mac))
        for (const ip of addresses) this.#localAddresses.delete(ip)
      },
      set: (mac, { port, addresses }) => {
        this.local.set(macBytes(mac), port)
        for (const ip of addresses) this.#localAddresses.set(ip, macNumber(macBytes(mac), 0))
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
