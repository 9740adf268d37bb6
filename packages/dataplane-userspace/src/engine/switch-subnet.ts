/** One broadcast domain as the switch looks things up in it. */
import {
  MAC_BYTES,
  macFromBytes,
  writeMac,
  type Ip,
  type Mac,
  type Vni,
} from '@weft/core'
import { ByteTable } from './byte-table.ts'
import type { EnginePort, EngineSubnet } from './engine-state.ts'
import { SubnetAddresses } from './subnet-addresses.ts'
import type { NetworkCounts } from './switch-counts.ts'

/** Of an endpoint that is elsewhere. */
const NO_PORT = -1

/** An address that has a MAC now which it did not have. */
export interface Newcomer {
  readonly ip: Ip
  readonly mac: Mac
  /** Where it is plugged in; negative when it is elsewhere. */
  readonly port: number
}

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
  readonly addresses: SubnetAddresses
  /** Local endpoints: MAC to port number. */
  readonly local = new ByteTable(MAC_BYTES)
  /** Remote endpoints: MAC to peer number. */
  readonly remote = new ByteTable(MAC_BYTES)
  counts: NetworkCounts
  /** Numbers of all ports, for what goes to each. */
  ports: Int32Array = new Int32Array(0)
  #spec = NOTHING

  constructor(vni: Vni, counts: NetworkCounts) {
    this.vni = vni
    this.addresses = new SubnetAddresses(vni)
    this.counts = counts
  }

  /** What was loaded last. */
  get spec(): EngineSubnet {
    return this.#spec
  }

  /** Be as this says. Returns who came. */
  load(spec: EngineSubnet): readonly Newcomer[] {
    const newcomers: Newcomer[] = []
    const before = this.#spec
    this.#spec = spec
    if (before.prefixes !== spec.prefixes) this.addresses.load(spec.prefixes)
    if (before.ports !== spec.ports) this.#loadPorts(before.ports, spec.ports, newcomers)
    if (before.forwarding !== spec.forwarding) {
      changes(before.forwarding, spec.forwarding, {
        remove: (mac) => this.remote.delete(macBytes(mac)),
        set: (mac, peer) => this.remote.set(macBytes(mac), peer),
      })
    }
    if (before.neighbours !== spec.neighbours) {
      changes(before.neighbours, spec.neighbours, {
        remove: (ip) => this.addresses.neighbours.delete(ip),
        set: (ip, mac) => {
          this.addresses.neighbours.set(ip, mac)
          newcomers.push({ ip, mac, port: NO_PORT })
        },
      })
    }
    return newcomers
  }

  /** What the tables say; beside them there are only shape and offloads, as they were told. */
  read(): EngineSubnet {
    const addresses = Map.groupBy(this.addresses.local.entries(), ([, mac]) => macFromBytes(mac))
    const ports = [...this.local.entries()].map(([key, port]): [Mac, EnginePort] => {
      const mac = macFromBytes(key)
      const offloads = this.#spec.ports.get(mac)?.offloads ?? 0
      const own = (addresses.get(mac) ?? []).map(([ip]): Ip => ip)
      return [mac, { port, addresses: own, offloads }]
    })
    const forwarding = [...this.remote.entries()].map(
      ([key, peer]) => [macFromBytes(key), peer] as const,
    )
    const neighbours = [...this.addresses.neighbours.entries()].map(([ip, mac]) => {
      return [ip, macFromBytes(mac)] as const
    })
    return {
      ...this.#spec,
      ports: new Map(ports),
      forwarding: new Map(forwarding),
      neighbours: new Map(neighbours),
    }
  }

  #loadPorts(
    before: EngineSubnet['ports'],
    ports: EngineSubnet['ports'],
    newcomers: Newcomer[],
  ): void {
    changes(before, ports, {
      remove: (mac, { addresses }) => {
        this.local.delete(macBytes(mac))
        for (const ip of addresses) this.addresses.local.delete(ip)
      },
      set: (mac, { port, addresses }) => {
        this.local.set(macBytes(mac), port)
        for (const ip of addresses) {
          this.addresses.local.set(ip, mac)
          // A port that is told anew is most often as it was.
          if (before.get(mac)?.addresses.includes(ip) !== true) newcomers.push({ ip, mac, port })
        }
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
