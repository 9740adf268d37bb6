/** The underlay as a plan: which hosts, subnets, addresses and devices there are, all by rule. */
import {
  addressOf,
  assert,
  interfaceAddress,
  ipFromBigInt,
  ipToBigInt,
  ipFamily,
  parseCidr,
  parseMac,
  type Cidr,
  type InterfaceAddress,
  type Ip,
  type IpFamily,
  type Mac,
} from '@weft/core'
import { labError } from './lab-errors.ts'

/** Hosts in one lab; more would only repeat what sixteen show. */
export const LAB_HOSTS_MAX = 16

/** Bytes of an Ethernet MTU. */
export const UNDERLAY_MTU_DEFAULT_BYTES = 1500

/** RFC 791 for the least a host must take; a veth carries up to 65,535. */
export const UNDERLAY_MTU_RANGE_BYTES = { least: 576, most: 65_535 } as const

/** Below this, RFC 8200 §5 forbids IPv6 on a link, and the kernel switches it off. */
const IPV6_MTU_LEAST_BYTES = 1280

/** What to ask of an underlay. */
export interface UnderlayOptions {
  /** Hosts to begin with, 0 to 16. */
  readonly hosts: number
  /** `routed`: two subnets joined by a router. `flat`: one subnet. Routed when left out. */
  readonly layout?: 'routed' | 'flat'
  /** MTU of every interface, in bytes; 1500 when left out. */
  readonly mtuBytes?: number
  /** Put in front of every namespace's name, to tell labs on one machine apart. */
  readonly prefix?: string
}

/** One broadcast domain of the underlay: a bridge in the router. */
export interface SubnetPlan {
  /** Name of the bridge, in the router's namespace. */
  readonly bridge: string
  readonly prefixes: { readonly [family in IpFamily]: Cidr }
  /** The router's addresses in it. */
  readonly gateways: { readonly [family in IpFamily]: Ip }
  readonly mac: Mac
}

/** One host: a namespace with one interface and a default route by its subnet's gateway. */
export interface HostPlan {
  /** `host-1`, `host-2`, … */
  readonly name: string
  /** Its namespace's name: the prefix and the name. */
  readonly namespace: string
  /** Index of its subnet in the plan. */
  readonly subnet: number
  readonly ifname: 'eth0'
  readonly mac: Mac
  readonly ips: { readonly [family in IpFamily]: Ip }
  readonly addresses: { readonly [family in IpFamily]: InterfaceAddress }
  /** The other end of its cable, a port of the bridge in the router's namespace. */
  readonly port: string
}

/** An underlay before it is built. */
export interface UnderlayPlan {
  readonly prefix: string
  readonly router: string
  readonly mtuBytes: number
  /** 6 is left out when the MTU is too small for IPv6. */
  readonly families: readonly IpFamily[]
  readonly subnets: readonly SubnetPlan[]
  readonly hosts: readonly HostPlan[]
}

/** Docker's classic pair of hosts, 172.31.1.0/24 and 192.168.1.0/24, and their like in IPv6. */
const SUBNETS: readonly { readonly 4: string; readonly 6: string }[] = [
  { 4: '172.31.1.0/24', 6: 'fd00:172:31:1::/64' },
  { 4: '192.168.1.0/24', 6: 'fd00:192:168:1::/64' },
]

/** Host `i` of any subnet ends in 10 + i, so that a captured address tells the host. */
const HOST_NUMBER_BASE = 10

/**
 * Plan an underlay. Hosts take the subnets in turn: host-1 and host-3 in the first, host-2 in the
 * second. Throws ERR_LAB_REQUEST.
 */
export function planUnderlay(options: UnderlayOptions): UnderlayPlan {
  const { hosts, layout = 'routed', mtuBytes = UNDERLAY_MTU_DEFAULT_BYTES, prefix = '' } = options
  requireRange('hosts', hosts, { least: 0, most: LAB_HOSTS_MAX })
  requireRange('underlay MTU in bytes', mtuBytes, UNDERLAY_MTU_RANGE_BYTES)
  const texts = layout === 'flat' ? SUBNETS.slice(0, 1) : SUBNETS
  const plan = {
    prefix,
    router: `${prefix}router`,
    mtuBytes,
    families: mtuBytes < IPV6_MTU_LEAST_BYTES ? ([4] as const) : ([4, 6] as const),
    subnets: texts.map(planSubnet),
  }
  return { ...plan, hosts: Array.from({ length: hosts }, (_, i) => planHost(plan, i + 1)) }
}

function requireRange(
  what: string,
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw labError('ERR_LAB_REQUEST', 'not a possible underlay', {
    problem: `${what}: ${value}`,
    expected: `a whole number from ${least} to ${most}`,
  })
}

function planSubnet(texts: { readonly 4: string; readonly 6: string }, index: number): SubnetPlan {
  const prefixes = { 4: parseCidr(texts[4]), 6: parseCidr(texts[6]) }
  return {
    bridge: `net-${index + 1}`,
    prefixes,
    gateways: { 4: nthAddress(prefixes[4], 1), 6: nthAddress(prefixes[6], 1) },
    mac: parseMac(`02:57:45:46:ff:0${index + 1}`),
  }
}

/** One more host for a plan: the host of this number, from 1. Throws ERR_LAB_REQUEST. */
export function planHost(plan: Omit<UnderlayPlan, 'hosts'>, number: number): HostPlan {
  requireRange('host number', number, { least: 1, most: LAB_HOSTS_MAX })
  const index = (number - 1) % plan.subnets.length
  const subnet = plan.subnets[index]
  assert(subnet !== undefined, 'an underlay has a subnet')
  const address = (family: IpFamily): Ip =>
    nthAddress(subnet.prefixes[family], family === 4 ? HOST_NUMBER_BASE + number : hexLike(number))
  const ips = { 4: address(4), 6: address(6) }
  return {
    name: `host-${number}`,
    namespace: `${plan.prefix}host-${number}`,
    subnet: index,
    ifname: 'eth0',
    mac: parseMac(`02:57:45:46:00:${number.toString(16).padStart(2, '0')}`),
    ips,
    addresses: {
      4: interfaceAddress(ips[4], subnet.prefixes[4]),
      6: interfaceAddress(ips[6], subnet.prefixes[6]),
    },
    port: `port-${number}`,
  }
}

/** The number whose hexadecimal digits look like 10 + i: `::11` beside `.11`. */
function hexLike(number: number): number {
  return parseInt(String(HOST_NUMBER_BASE + number), 16)
}

function nthAddress(cidr: Cidr, n: number): Ip {
  const base = addressOf(cidr)
  return ipFromBigInt(ipToBigInt(base) + BigInt(n), ipFamily(base))
}
