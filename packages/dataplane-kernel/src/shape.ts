/**
 * What our devices look like, in one place, so that making them and judging them cannot disagree
 * (docker-wire §6.1-6.2, except that learning and miss reports are off).
 */
import {
  addressOf,
  interfaceAddress,
  ipFamily,
  prefixLength,
  type InterfaceAddress,
  type Ip,
  type SocketAddress,
  type Vni,
} from '@weft/core'
import type { EndpointId, NetworkId, PrefixSpec } from '@weft/dataplane'
import {
  neighbourState,
  type BridgePortAttributes,
  type Link,
  type LinkSpec,
  type VxlanAttributes,
} from '@weft/linux'
import { formatMark } from './mark.ts'
import { bridgeLinkLocal, bridgeMac, deviceName } from './names.ts'

/** Nothing is learned and unknown unicast is not flooded: all that may pass has a static entry. */
export const PORT_SHAPE = { learning: false, unicastFlood: false } as const

/**
 * State of forwarding entries: the bridge takes NOARP as static (PERMANENT would mean its own
 * address), the VXLAN device wants REACHABLE, and neither ages an entry that has both.
 */
export const FORWARDING_STATE = neighbourState.noArp | neighbourState.reachable

/** Whose devices. */
export interface Ownership {
  readonly instance: string
  readonly network: NetworkId
}

/** A subnet's devices to be. */
export interface SubnetSpecOf extends Ownership {
  readonly vni: Vni
  readonly slot: number
  readonly mtuBytes: number
  readonly prefixes: readonly PrefixSpec[]
  readonly tunnel: SocketAddress
}

/** The bridge. Its MAC is given so that it does not change with its ports. */
export function bridgeSpec(subnet: SubnetSpecOf): LinkSpec {
  const { instance, network, vni, prefixes } = subnet
  const cidrs = prefixes.map(({ cidr }) => cidr)
  return {
    kind: 'bridge',
    name: deviceName.bridge(subnet.slot),
    mac: bridgeMac(vni),
    mtuBytes: subnet.mtuBytes,
    bridge: { multicastSnooping: false, stpState: 0, forwardDelayCs: 0 },
    alias: formatMark(instance, { kind: 'bridge', network, vni, cidrs }),
    up: true,
  }
}

/** The VXLAN device as it is born, from the underlay into the network's namespace. */
export function tunnelSpec(subnet: SubnetSpecOf): LinkSpec {
  return {
    kind: 'vxlan',
    name: deviceName.vxlan(subnet.slot),
    mtuBytes: subnet.mtuBytes,
    vxlan: tunnelAttributes(subnet.vni, subnet.tunnel),
  }
}

/** Source ports are left to the kernel, which spreads flows over its local range (RFC 7348 §5). */
export function tunnelAttributes(vni: Vni, { ip, port }: SocketAddress): VxlanAttributes {
  return { vni, port, local: ip, learning: false, proxy: true, l2miss: false, l3miss: false }
}

/** The alias of a subnet's VXLAN device. */
export function tunnelMark({ instance, network }: Ownership, vni: Vni): string {
  return formatMark(instance, { kind: 'tunnel', network, vni })
}

/** The alias of both ends of an endpoint's veth. */
export function endpointMark({ instance, network }: Ownership, endpoint: EndpointId): string {
  return formatMark(instance, { kind: 'local', network, endpoint })
}

/** The addresses a subnet's bridge carries: gateways, and what routing IPv6 needs. */
export function bridgeAddresses(
  vni: Vni,
  prefixes: readonly PrefixSpec[],
): readonly InterfaceAddress[] {
  const gateways = prefixes.flatMap(({ cidr, gateway }) =>
    gateway === null ? [] : [interfaceAddress(gateway, cidr)],
  )
  const sixth = gateways.some((address) => ipFamily(addressOf(address)) === 6)
  return sixth ? [...gateways, linkLocalOf(vni)] : gateways
}

/** The link-local address of a subnet's bridge, with its prefix length. */
export function linkLocalOf(vni: Vni): InterfaceAddress {
  return `${bridgeLinkLocal(vni)}/64` as InterfaceAddress
}

/** An endpoint's addresses with the prefix lengths of its subnet. */
export function endpointAddresses(
  addresses: readonly Ip[],
  prefixes: readonly PrefixSpec[],
): readonly InterfaceAddress[] {
  return addresses.flatMap((ip) => {
    const prefix = prefixes.find(({ cidr }) => ipFamily(addressOf(cidr)) === ipFamily(ip))
    return prefix === undefined ? [] : [`${ip}/${prefixLength(prefix.cidr)}` as InterfaceAddress]
  })
}

/** True when a link is a port of this bridge in the way ports of ours are. */
export function isSoundPort(link: Link, bridgeIndex: number): boolean {
  return link.up && link.masterIndex === bridgeIndex && hasPortShape(link.bridgePort)
}

function hasPortShape(port: BridgePortAttributes | null): boolean {
  return port?.learning === PORT_SHAPE.learning && port.unicastFlood === PORT_SHAPE.unicastFlood
}

/** True when a VXLAN device has the switches that ours have; they cannot all be changed later. */
export function isSoundTunnel({ vxlan }: Link): boolean {
  if (vxlan === null) return false
  const on = (value: boolean | undefined): boolean => value === true
  return on(vxlan.proxy) && !on(vxlan.learning) && !on(vxlan.l2miss) && !on(vxlan.l3miss)
}
