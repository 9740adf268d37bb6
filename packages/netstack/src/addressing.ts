/** Who we are on the network, and which way leads where. */
import {
  addressOf,
  cidrContains,
  cidrOf,
  cidrRange,
  ipBytes,
  ipFamily,
  ipToBigInt,
  isGroupMac,
  isMulticastIp,
  parseCidr,
  parseIp,
  prefixLength,
  u8,
  valueError,
  type Cidr,
  type InterfaceAddress,
  type Ip,
  type IpFamily,
  type Mac,
} from '@weft/core'
import { MTU_MIN_BYTES } from '@weft/dataplane'
import { ALL_NODES, solicitedNode, ZERO_MAC } from '@weft/wire'
import type { RouteProblem } from './stack-errors.ts'

/** Addresses of one stack; a network gives one of each family. */
export const ADDRESSES_MAX = 16

/** Largest MTU, in bytes: the length fields of IP have 16 bits. */
export const MTU_MAX_BYTES = 65_535

/** What an attachment tells a stack. */
export interface StackConfig {
  readonly mac: Mac
  /** At least one, at most ADDRESSES_MAX. */
  readonly addresses: readonly InterfaceAddress[]
  /** Next hops for what is on no prefix of ours: at most one of each family. */
  readonly gateways: readonly Ip[]
  /** Largest IP packet, in bytes. */
  readonly mtuBytes: number
}

/** The first step to a destination. */
export interface Route {
  readonly source: Ip
  /** Whose MAC is needed: a neighbour, or ourselves. */
  readonly nextHop: Ip
}

const LINK_LOCAL = parseCidr('fe80::/10')
const ANY_IPV6 = parseIp('::')
const LOOPBACK_IPV6 = parseIp('::1')

interface Prefix {
  readonly own: Ip
  readonly cidr: Cidr
}

/** A configuration that was checked, and questions to it. */
export class Addressing {
  readonly mac: Mac
  readonly mtuBytes: number
  readonly #prefixes: readonly Prefix[]
  readonly #own: ReadonlySet<Ip>
  readonly #groups: ReadonlySet<Ip>
  readonly #gateways: ReadonlyMap<IpFamily, Ip>

  /** Throws ERR_INVALID_VALUE. */
  constructor({ mac, addresses, gateways, mtuBytes }: StackConfig) {
    this.mac = mac
    this.mtuBytes = mtuBytes
    this.#prefixes = addresses.map((text) => ({ own: addressOf(text), cidr: cidrOf(text) }))
    const own = this.#prefixes.map((prefix) => prefix.own)
    this.#own = new Set(own)
    this.#groups = new Set([ALL_NODES, ...own.filter(isIpv6).map(solicitedNode)])
    this.#gateways = new Map(gateways.map((ip) => [ipFamily(ip), ip]))
    this.#check(gateways)
  }

  isOwn(ip: Ip): boolean {
    return this.#own.has(ip)
  }

  /** IPv6 groups that neighbour discovery needs: all nodes, and the solicited ones of ours. */
  isGroup(ip: Ip): boolean {
    return this.#groups.has(ip)
  }

  isOnLink(ip: Ip): boolean {
    return isUnicast(ip) && (cidrContains(LINK_LOCAL, ip) || this.#prefixOf(ip) !== undefined)
  }

  /** True for an address that a packet from somebody else may come from, and go back to. */
  isPeer(ip: Ip): boolean {
    return isUnicast(ip) && !this.isOwn(ip) && !this.#isBroadcast(ip)
  }

  /** How to reach an address. */
  route(destination: Ip): Route | RouteProblem {
    if (!isUnicast(destination) || this.#isBroadcast(destination)) return 'not-unicast'
    if (this.isOwn(destination)) return { source: destination, nextHop: destination }
    const family = ipFamily(destination)
    const first = this.#prefixes.find(({ own }) => ipFamily(own) === family)
    if (first === undefined) return 'no-address'
    const near = this.#prefixOf(destination)
    if (near !== undefined) return { source: near.own, nextHop: destination }
    if (cidrContains(LINK_LOCAL, destination)) return { source: first.own, nextHop: destination }
    const gateway = this.#gateways.get(family)
    if (gateway === undefined) return 'no-gateway'
    return { source: (this.#prefixOf(gateway) ?? first).own, nextHop: gateway }
  }

  #prefixOf(ip: Ip): Prefix | undefined {
    return this.#prefixes.find(({ cidr }) => cidrContains(cidr, ip))
  }

  /** The first and last address of an IPv4 prefix stand for all of it (RFC 1122 §3.2.1.3). */
  #isBroadcast(ip: Ip): boolean {
    const cidr = this.#prefixOf(ip)?.cidr
    if (cidr === undefined || ipFamily(ip) === 6 || prefixLength(cidr) > 30) return false
    const { first, last } = cidrRange(cidr)
    const value = ipToBigInt(ip)
    return value === first || value === last
  }

  #check(gateways: readonly Ip[]): void {
    const count = this.#prefixes.length
    if (count < 1 || count > ADDRESSES_MAX) {
      throw unfit('addresses', String(count), `1 to ${ADDRESSES_MAX} addresses`)
    }
    for (const { own } of this.#prefixes) {
      const isHost = isUnicast(own) && !this.#isBroadcast(own)
      if (!isHost) throw unfit('address', own, 'an address of one host')
    }
    if (isGroupMac(this.mac) || this.mac === ZERO_MAC) {
      throw unfit('mac', this.mac, 'the MAC of one station')
    }
    this.#checkMtu()
    if (gateways.length > this.#gateways.size) {
      throw unfit('gateways', gateways.join(' '), 'at most one of each family')
    }
    for (const ip of gateways) {
      const isFit = this.isPeer(ip) && this.isOnLink(ip)
      if (!isFit) throw unfit('gateway', ip, 'another host on a prefix of ours')
    }
  }

  #checkMtu(): void {
    const least = MTU_MIN_BYTES[this.#prefixes.some(({ own }) => isIpv6(own)) ? 6 : 4]
    const { mtuBytes } = this
    const isFit = Number.isInteger(mtuBytes) && mtuBytes >= least && mtuBytes <= MTU_MAX_BYTES
    if (!isFit) throw unfit('mtu', String(mtuBytes), `${least} to ${MTU_MAX_BYTES} bytes`)
  }
}

function unfit(kind: string, text: string, expected: string): Error {
  return valueError('ERR_INVALID_VALUE', 'a stack cannot be configured so', {
    kind,
    text,
    expected,
  })
}

function isIpv6(ip: Ip): boolean {
  return ipFamily(ip) === 6
}

/** Neither a group, nor unspecified, nor loopback (RFC 1122 §3.2.1.3, RFC 4291 §2.5). */
function isUnicast(ip: Ip): boolean {
  if (isIpv6(ip)) return ip !== ANY_IPV6 && ip !== LOOPBACK_IPV6 && !isMulticastIp(ip)
  const first = u8(ipBytes(ip), 0)
  return first !== 0 && first !== 127 && first < 224
}
