/** What a subnet is to be: its prefix, gateway, range for dynamic leases, and what is kept back. */
import {
  addressOf,
  cidrContains,
  cidrRange,
  cidrsOverlap,
  interfaceAddress,
  ipFamily,
  ipFromBigInt,
  parseCidr,
  parseIp,
  prefixLength,
  type Cidr,
  type InterfaceAddress,
  type Ip,
} from '@weft/core'
import { checkName, ipamError } from './ipam-errors.ts'

/** The longest prefixes of a subnet: two addresses for holders beside the ones never leased. */
export const SUBNET_PREFIX_MAX = { 4: 30, 6: 126 } as const

/** Addresses kept back under a name, as Docker's `--aux-address` does. */
export interface Reservation {
  readonly name: string
  /** One address, or a prefix. */
  readonly addresses: string
}

/** A subnet as a user asks for it. */
export interface SubnetRequest {
  readonly cidr: string
  /** The first usable address when not given; null for none. */
  readonly gateway?: string | null
  /** Where dynamic leases come from, as Docker's `--ip-range`; the whole subnet when not given. */
  readonly range?: string
  readonly reserved?: readonly Reservation[]
}

/** A checked subnet. */
export interface SubnetSpec {
  readonly cidr: Cidr
  readonly gateway: Ip | null
  readonly range: Cidr
  readonly reserved: readonly { readonly name: string; readonly prefix: Cidr }[]
}

/** Prefixes that cannot be overlay subnets, and why. */
const UNUSABLE: readonly (readonly [Cidr, string])[] = [
  [parseCidr('0.0.0.0/8'), 'addresses of this network (RFC 1122)'],
  [parseCidr('127.0.0.0/8'), 'loopback addresses'],
  [parseCidr('224.0.0.0/4'), 'multicast addresses'],
  [parseCidr('255.255.255.255/32'), 'the broadcast address'],
  [parseCidr('::/127'), 'the unspecified and the loopback address'],
  [parseCidr('fe80::/10'), 'link-local addresses, which every interface has'],
  [parseCidr('ff00::/8'), 'multicast addresses'],
]

/** Refuse prefixes without addresses for endpoints. Throws ERR_SUBNET_UNUSABLE. */
export function checkUsable(cidr: Cidr): void {
  const refuse = (reason: string): Error =>
    ipamError('ERR_SUBNET_UNUSABLE', 'not usable as a subnet', { subnet: cidr, reason })
  if (prefixLength(cidr) > SUBNET_PREFIX_MAX[ipFamily(addressOf(cidr))]) throw refuse('too small')
  const odd = UNUSABLE.find(([prefix]) => cidrsOverlap(prefix, cidr))
  if (odd !== undefined) throw refuse(`holds ${odd[1]}`)
}

/** Check a request. Throws ERR_INVALID_VALUE, ERR_SUBNET_UNUSABLE, ERR_ADDRESS_FOREIGN. */
export function parseSubnet(network: string, request: SubnetRequest): SubnetSpec {
  const cidr = parseCidr(request.cidr)
  checkUsable(cidr)
  const inside = (prefix: Cidr): Cidr => {
    if (cidrsOverlap(cidr, prefix) && prefixLength(prefix) >= prefixLength(cidr)) return prefix
    const facts = { network, address: prefix, subnets: [cidr] }
    throw ipamError('ERR_ADDRESS_FOREIGN', 'outside the subnet', facts)
  }
  const range = inside(request.range === undefined ? cidr : parseCidr(request.range))
  const reserved = (request.reserved ?? []).map(({ name, addresses }) => ({
    name: checkName('reservation', name),
    prefix: inside(parsePrefixOrAddress(addresses)),
  }))
  return { cidr, range, reserved, gateway: gatewayOf(network, cidr, request.gateway) }
}

/** The checked subnet as the request that makes it again. */
export function subnetRequest({ cidr, gateway, range, reserved }: SubnetSpec): SubnetRequest {
  const kept = reserved.map(({ name, prefix }) => ({ name, addresses: prefix }))
  return { cidr, gateway, range, reserved: kept }
}

/** An address, as a number, and what it is for. */
export interface NamedAddress {
  readonly name: string
  readonly at: bigint
}

/** Addresses that are never leased: the network's own, and the broadcast address of IPv4. */
export function ownAddresses(cidr: Cidr): readonly NamedAddress[] {
  const { first, last } = cidrRange(cidr)
  if (ipFamily(addressOf(cidr)) === 4) {
    const network = { name: 'network address', at: first }
    return [network, { name: 'broadcast address', at: last }]
  }
  return [{ name: 'subnet-router anycast address', at: first }]
}

/** The gateway with the subnet's prefix length, as interfaces and Docker's API write it. */
export function gatewayInterface({ cidr, gateway }: SubnetSpec): InterfaceAddress | null {
  return gateway === null ? null : interfaceAddress(gateway, cidr)
}

function parsePrefixOrAddress(text: string): Cidr {
  if (text.includes('/')) return parseCidr(text)
  const address = parseIp(text)
  return parseCidr(`${address}/${ipFamily(address) === 4 ? 32 : 128}`)
}

function gatewayOf(network: string, cidr: Cidr, asked: string | null | undefined): Ip | null {
  if (asked === null) return null
  const { first } = cidrRange(cidr)
  const family = ipFamily(addressOf(cidr))
  if (asked === undefined) return ipFromBigInt(first + 1n, family)
  const gateway = parseIp(asked)
  if (!cidrContains(cidr, gateway)) {
    const facts = { network, address: gateway, subnets: [cidr] }
    throw ipamError('ERR_ADDRESS_FOREIGN', 'outside the subnet', facts)
  }
  const own = ownAddresses(cidr).find(({ at }) => ipFromBigInt(at, family) === gateway)
  if (own === undefined) return gateway
  const facts = { network, address: gateway, name: own.name }
  throw ipamError('ERR_ADDRESS_RESERVED', 'never an endpoint address', facts)
}
