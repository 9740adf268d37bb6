/** The subnets a network is asked to have: checks of its IPAM configuration, in Docker's words. */
import {
  addressOf,
  cidrContains,
  cidrOf,
  ipFamily,
  parseInterfaceAddress,
  parseIp,
  type Cidr,
  type Ip,
  type IpFamily,
} from '@weft/core'
import type { AutoSubnet, SubnetRequest } from '@weft/ipam'
import type { IPAMConfig, NetworkSpec } from '@weft/swarm'
import { invalid } from './network-spec.ts'

/** Addresses and prefixes kept back in one subnet. */
export const RESERVATIONS_MAX = 256

/** Docker's name of an auxiliary address that asks for the gateway (docker-wire §6.7). */
const GATEWAY_REQUEST = 'com.docker.network.gateway'

/** A subnet to be planned. */
export type SubnetWish = (SubnetRequest | AutoSubnet) & { readonly family: IpFamily }

/**
 * Subnets in the order of the configuration, and one of IPv4 from the pools when none was given.
 * The i-th of IPv6 shares the VNI of the i-th of IPv4, so there are at most as many. Throws
 * ERR_INVALID_ARGUMENT.
 */
export function checkSubnets(spec: NetworkSpec): readonly SubnetWish[] {
  const wishes = (spec.ipam?.configs ?? []).map(checkConfig)
  const ipv6 = wishes.filter(({ family }) => family === 6).length
  const ipv4 = wishes.length - ipv6
  const first: readonly SubnetWish[] = ipv4 === 0 ? [{ family: 4 }] : []
  if (ipv6 > 0 && !spec.ipv6Enabled) {
    throw invalid('an IPv6 subnet needs a network with IPv6 enabled', 'ipv6')
  }
  if (ipv6 === 0 && spec.ipv6Enabled) {
    const message = 'could not find an available, non-overlapping IPv6 address pool'
    throw invalid(`${message}: give a subnet`, 'ipv6')
  }
  if (ipv6 > ipv4 + first.length) {
    throw invalid('a network has at most as many IPv6 subnets as IPv4 subnets', 'ipv6')
  }
  return [...first, ...wishes]
}

function checkConfig(config: IPAMConfig): SubnetWish {
  const { subnet } = config
  if (subnet === '') return checkAutomatic(config)
  const cidr = readCidr(subnet)
  if (cidr === null) throw invalid(`ipam configuration: invalid subnet ${subnet}`, subnet)
  const family = ipFamily(addressOf(cidr))
  if (config.family !== 0 && config.family !== family) {
    throw invalid(`ipam configuration: subnet ${subnet} is not of IPv${config.family}`, subnet)
  }
  const range = checkRange(config, cidr)
  const { gateway, reserved } = checkReserved(config)
  return {
    family,
    cidr,
    ...(range === null ? {} : { range }),
    ...(gateway === null ? {} : { gateway }),
    reserved,
  }
}

/** Without a subnet, what depends on it has nothing to stand in. */
function checkAutomatic({ family, gateway, range, reserved }: IPAMConfig): SubnetWish {
  const dependent = gateway !== '' || range !== '' || Object.keys(reserved).length > 0
  if (dependent || family === 6) throw invalid('ipam configuration: invalid subnet ', 'subnet')
  return { family: 4 }
}

function checkRange({ range, subnet }: IPAMConfig, cidr: Cidr): Cidr | null {
  if (range === '') return null
  const parsed = readCidr(range)
  if (parsed === null) throw invalid(`ipam configuration: invalid range ${range}`, range)
  if (cidrContains(cidr, addressOf(parsed))) return parsed
  throw invalid(`ipam configuration: subnet ${subnet} does not contain range ${range}`, range)
}

function checkReserved(config: IPAMConfig): {
  readonly gateway: Ip | null
  readonly reserved: { name: string; addresses: string }[]
} {
  const { subnet, gateway } = config
  const entries = Object.entries(config.reserved)
  if (entries.length > RESERVATIONS_MAX) {
    const message = `ipam configuration: more than ${RESERVATIONS_MAX} auxiliary addresses`
    throw invalid(message, subnet)
  }
  let asked = gateway === '' ? null : addressIn(config, gateway, 'gateway')
  const reserved: { name: string; addresses: string }[] = []
  for (const [name, text] of entries) {
    const address = addressIn(config, text, 'auxiliary address')
    if (name === GATEWAY_REQUEST) asked ??= address
    else reserved.push({ name, addresses: address })
  }
  return { gateway: asked, reserved }
}

function addressIn({ subnet }: IPAMConfig, text: string, what: string): Ip {
  const address = readIp(text)
  if (address === null) throw invalid(`ipam configuration: invalid ${what} ${text}`, text)
  const cidr = readCidr(subnet)
  if (cidr !== null && cidrContains(cidr, address)) return address
  throw invalid(`ipam configuration: subnet ${subnet} does not contain ${what} ${text}`, text)
}

/** Host bits are let go, as Docker does. */
function readCidr(text: string): Cidr | null {
  try {
    return cidrOf(parseInterfaceAddress(text))
  } catch {
    return null
  }
}

/** An address in its canonical form; null when it is none. */
export function readIp(text: string): Ip | null {
  try {
    return parseIp(text)
  } catch {
    return null
  }
}
