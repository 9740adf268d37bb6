/** Addresses and routes that an endpoint's interface gets (docker-wire §6.4). */
import {
  addressOf,
  ipFamily,
  prefixLength,
  type Cidr,
  type InterfaceAddress,
  type Ip,
  type Vni,
} from '@weft/core'
import type { SubnetSpec } from '@weft/dataplane'

/** A route inside a container. */
export interface EndpointRoute {
  readonly destination: Cidr
  readonly via: Ip
}

/** Where an endpoint is. */
export interface EndpointPlace {
  readonly vni: Vni
  readonly addresses: readonly Ip[]
}

/** An endpoint's addresses with the prefix lengths of its subnet. */
export function addressesOf(
  subnets: readonly SubnetSpec[],
  { addresses, vni }: EndpointPlace,
): readonly InterfaceAddress[] {
  const own = subnets.find((subnet) => subnet.vni === vni)
  return addresses.flatMap((ip) => {
    const prefix = own?.prefixes.find(({ cidr }) => familyOf(cidr) === ipFamily(ip))
    return prefix === undefined ? [] : [`${ip}/${prefixLength(prefix.cidr)}` as InterfaceAddress]
  })
}

/**
 * One route per prefix of every other subnet, through the gateway of the endpoint's own subnet of
 * that family, where there is one and the endpoint has an address of the family.
 */
export function routesOf(
  subnets: readonly SubnetSpec[],
  { addresses, vni }: EndpointPlace,
): readonly EndpointRoute[] {
  const own = subnets.find((subnet) => subnet.vni === vni)
  if (own === undefined) return []
  const families = new Set(addresses.map(ipFamily))
  const others = subnets.filter((subnet) => subnet.vni !== vni)
  return others.flatMap(({ prefixes }) =>
    prefixes.flatMap(({ cidr }) => {
      const family = familyOf(cidr)
      const via = own.prefixes.find((prefix) => familyOf(prefix.cidr) === family)?.gateway ?? null
      return via === null || !families.has(family) ? [] : [{ destination: cidr, via }]
    }),
  )
}

function familyOf(cidr: Cidr): 4 | 6 {
  return ipFamily(addressOf(cidr))
}
