/** Routes of an endpoint to the other subnets of its network (docker-wire §6.4). */
import { addressOf, ipFamily, type Cidr, type Ip, type Vni } from '@weft/core'
import type { SubnetSpec } from '@weft/dataplane'

/** A route inside a container. */
export interface EndpointRoute {
  readonly destination: Cidr
  readonly via: Ip
}

/**
 * One route per prefix of every other subnet, through the gateway of the endpoint's own subnet of
 * that family. Where the own subnet has no gateway of the family, or the endpoint no address of
 * it, there is no way to the other.
 */
export function routesOf(
  subnets: readonly SubnetSpec[],
  { vni, addresses }: { readonly vni: Vni; readonly addresses: readonly Ip[] },
): readonly EndpointRoute[] {
  const own = subnets.find((subnet) => subnet.vni === vni)
  if (own === undefined) return []
  const families = new Set(addresses.map(ipFamily))
  return subnets
    .filter((subnet) => subnet.vni !== vni)
    .flatMap((subnet) => subnet.prefixes)
    .flatMap(({ cidr }) => {
      const family = ipFamily(addressOf(cidr))
      const via = own.prefixes.find((p) => ipFamily(addressOf(p.cidr)) === family)?.gateway ?? null
      return via === null || !families.has(family) ? [] : [{ destination: cidr, via }]
    })
}
