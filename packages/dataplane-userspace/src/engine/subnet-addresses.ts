/** Who has which address in a subnet: its gateways, remote endpoints, and those here. */
import { ipBytes, ipFamily, type IpFamily, type Vni } from '@weft/core'
import type { PrefixSpec } from '@weft/dataplane'
import { gatewayMac } from './gateway-mac.ts'
import { OwnerTable } from './owner-table.ts'
import { PrefixMatch } from './prefix-match.ts'

/** Looks addresses up where they stand in packets. */
export class SubnetAddresses {
  readonly gatewayMac: Uint8Array
  /** Remote endpoints, which are answered for. */
  readonly neighbours = new OwnerTable()
  /** Endpoints here, which answer for themselves. */
  readonly local = new OwnerTable()
  #gatewayFour: Uint8Array | null = null
  #gatewaySix: Uint8Array | null = null
  #matches: readonly PrefixMatch[] = []

  constructor(vni: Vni) {
    this.gatewayMac = gatewayMac(vni)
  }

  /** Have these prefixes and gateways and no others. */
  load(prefixes: readonly PrefixSpec[]): void {
    this.#gatewayFour = null
    this.#gatewaySix = null
    this.#matches = prefixes.map(({ cidr }) => new PrefixMatch(cidr))
    for (const { gateway } of prefixes) {
      if (gateway === null) continue
      if (ipFamily(gateway) === 4) this.#gatewayFour = ipBytes(gateway)
      else this.#gatewaySix = ipBytes(gateway)
    }
  }

  /** The bytes of the gateway's address of this family, or null. */
  gatewayOf(family: IpFamily): Uint8Array | null {
    return family === 4 ? this.#gatewayFour : this.#gatewaySix
  }

  /** Whether the address at `at` is a gateway's. */
  isGateway(bytes: Uint8Array, at: number, family: IpFamily): boolean {
    const gateway = this.gatewayOf(family)
    if (gateway === null) return false
    for (let i = gateway.length - 1; i >= 0; i--) if (bytes[at + i] !== gateway[i]) return false
    return true
  }

  /** Whether the address at `at` lies in a prefix of the subnet. */
  covers(bytes: Uint8Array, at: number, family: IpFamily): boolean {
    for (const match of this.#matches) {
      if (match.family === family && match.holds(bytes, at)) return true
    }
    return false
  }

  /** The MAC to answer with for the address at `at`: the gateway's, a remote one's, or none. */
  answerFor(bytes: Uint8Array, at: number, family: IpFamily): Uint8Array | null {
    if (this.isGateway(bytes, at, family)) return this.gatewayMac
    return this.#neighbour(bytes, at, family)
  }

  /** The MAC of whoever has the address at `at`, here or elsewhere. */
  ownerOf(bytes: Uint8Array, at: number, family: IpFamily): Uint8Array | null {
    const { local } = this
    const mac = family === 4 ? local.find4(bytes, at) : local.find6(bytes, at)
    return mac ?? this.#neighbour(bytes, at, family)
  }

  #neighbour(bytes: Uint8Array, at: number, family: IpFamily): Uint8Array | null {
    const { neighbours } = this
    return family === 4 ? neighbours.find4(bytes, at) : neighbours.find6(bytes, at)
  }
}
