/** Which networks and subnets can be programmed: shapes, MTUs, prefixes, VNIs across the node. */
import { cidrsOverlap, addressOf, parseCidr, type Cidr, type IpFamily, type Vni } from '@weft/core'
import { capabilityName } from './capability-name.ts'
import { dataplaneError, type Capabilities } from './dataplane.ts'
import type { NetworkId, NetworkSpec, PrefixSpec, SubnetSpec } from './desired-state.ts'
import { nameProblem, unicastProblem, vniProblem, type Problem } from './item-checks.ts'
import { conflictError, invalidItem, unsupportedError, type ItemError } from './item-errors.ts'
import { itemPath } from './items.ts'
import { readIpText } from './ip-text.ts'
import { MTU_MIN_BYTES, overlayMtu } from './mtu.ts'
import { SubnetFinder } from './subnet-finder.ts'
import { keysProblem, type TunnelKey } from './tunnel-key.ts'

/** What bounds a network on this node. */
export interface NetworkBounds {
  readonly capabilities: Capabilities
  readonly underlayMtuBytes: number
  /** As in NodeFacts. */
  readonly sealExtraBytes: number
  readonly underlayFamily: IpFamily
  readonly keys: readonly TunnelKey[]
}

/** A network before its endpoints are looked at. */
export interface NetworkFrame {
  readonly mtu: number
  /** In the order of the desired state. */
  readonly subnets: readonly SubnetSpec[]
}

/** The MTU of a network here, or why the network as such cannot be. */
export function networkMtu(
  id: NetworkId,
  network: NetworkSpec,
  bounds: NetworkBounds,
): number | ItemError {
  const item = itemPath.network(id)
  const named = nameProblem(id)
  if (named !== null) return invalidItem(item, named)
  const { capabilities, underlayFamily } = bounds
  if (!capabilities.encapsulations.has(network.encapsulation)) {
    return unsupportedError(item, capabilityName.encapsulation(network.encapsulation))
  }
  if (network.subnets.length === 0) {
    return invalidItem(item, {
      problem: 'the network has no subnet',
      expected: 'one subnet or more',
    })
  }
  const { encapsulation } = network
  if (encapsulation === 'vxlan-esp') {
    const problem = keysProblem(bounds.keys)
    if (problem !== null) return invalidItem(item, problem)
  }
  const extra = encapsulation === 'vxlan-esp' ? bounds.sealExtraBytes : 0
  const left = overlayMtu(bounds.underlayMtuBytes - extra, underlayFamily, encapsulation)
  const mtuMax = Math.min(left, capabilities.mtuMaxBytes)
  const mtuMin = MTU_MIN_BYTES[hasIpv6(network) ? 6 : 4]
  return settleMtu(item, { mtu: network.mtu, mtuMin, mtuMax })
}

function settleMtu(
  item: string,
  { mtu, mtuMin, mtuMax }: { mtu: number | null; mtuMin: number; mtuMax: number },
): number | ItemError {
  if (mtu !== null && !(Number.isInteger(mtu) && mtu >= mtuMin)) {
    const expected = `a whole number of at least ${mtuMin} bytes, or null`
    return invalidItem(item, { problem: 'the MTU is too small', expected })
  }
  const wanted = mtu ?? mtuMax
  if (wanted <= mtuMax && wanted >= mtuMin) return wanted
  return dataplaneError('ERR_MTU', 'the underlay cannot carry the MTU', {
    item,
    mtu: Math.max(wanted, mtuMin),
    mtuMax,
  })
}

function hasIpv6(network: NetworkSpec): boolean {
  return network.subnets.some(({ prefixes }) => prefixes.some(({ cidr }) => cidr.includes(':')))
}

/** Subnets of one network that can be, and why the others cannot. */
export interface SubnetVerdicts {
  readonly good: readonly SubnetSpec[]
  readonly errors: ReadonlyMap<SubnetSpec, ItemError>
}

/**
 * Checks the subnets of all networks. Networks by name, then subnets by VNI, claim VNIs and address
 * space; whoever comes later loses, and whoever is not well-formed claims nothing.
 */
export function subnetVerdicts(
  networks: readonly (readonly [NetworkId, NetworkSpec])[],
  capabilities: Capabilities,
): ReadonlyMap<NetworkId, SubnetVerdicts> {
  const owners = new Map<Vni, string>()
  const verdicts = new Map<NetworkId, SubnetVerdicts>()
  for (const [id, network] of [...networks].sort(([a], [b]) => (a < b ? -1 : 1))) {
    verdicts.set(id, verdictsInNetwork(id, network, { capabilities, owners }))
  }
  return verdicts
}

function verdictsInNetwork(
  id: NetworkId,
  network: NetworkSpec,
  { capabilities, owners }: { capabilities: Capabilities; owners: Map<Vni, string> },
): SubnetVerdicts {
  const errors = new Map<SubnetSpec, ItemError>()
  const good: SubnetSpec[] = []
  for (const subnet of [...network.subnets].sort((a, b) => a.vni - b.vni)) {
    const item = itemPath.subnet(id, subnet.vni)
    const error =
      subnetError(item, subnet, capabilities) ??
      twinError(item, subnet, network) ??
      claimError(item, subnet, { id, owners, good })
    if (error !== null) errors.set(subnet, error)
    else {
      owners.set(subnet.vni, item)
      good.push(subnet)
    }
  }
  if (errors.size === 0) return { good: network.subnets, errors }
  return { good: network.subnets.filter((subnet) => !errors.has(subnet)), errors }
}

/** Two subnets with one VNI have one name: neither can be meant. */
function twinError(item: string, subnet: SubnetSpec, network: NetworkSpec): ItemError | null {
  const alone = network.subnets.every((other) => other === subnet || other.vni !== subnet.vni)
  const expected = 'a VNI for each subnet'
  return alone ? null : invalidItem(item, { problem: 'two subnets have this VNI', expected })
}

function claimError(
  item: string,
  subnet: SubnetSpec,
  claims: { id: NetworkId; owners: ReadonlyMap<Vni, string>; good: readonly SubnetSpec[] },
): ItemError | null {
  const owner = claims.owners.get(subnet.vni)
  if (owner !== undefined) return conflictError(item, owner)
  const overlaps = (other: SubnetSpec): boolean =>
    other.prefixes.some((a) => subnet.prefixes.some((b) => cidrsOverlap(a.cidr, b.cidr)))
  const holder = claims.good.find(overlaps)
  return holder === undefined ? null : conflictError(item, itemPath.subnet(claims.id, holder.vni))
}

function subnetError(
  item: string,
  subnet: SubnetSpec,
  capabilities: Capabilities,
): ItemError | null {
  const malformed = vniProblem(subnet.vni) ?? prefixesProblem(subnet.prefixes)
  if (malformed !== null) return invalidItem(item, malformed)
  const families = subnet.prefixes.map(({ cidr }) => familyOf(cidr))
  const missing = families.find((family) => !capabilities.overlayFamilies.has(family))
  if (missing !== undefined) return unsupportedError(item, capabilityName.overlayFamily(missing))
  for (const prefix of subnet.prefixes) {
    const problem = gatewayProblem(subnet, prefix)
    if (problem !== null) return invalidItem(item, problem)
  }
  return null
}

function familyOf(cidr: Cidr): IpFamily {
  return cidr.includes(':') ? 6 : 4
}

function prefixesProblem(prefixes: readonly PrefixSpec[]): Problem | null {
  const expected = 'one prefix, or one of each family'
  if (prefixes.length === 0) return { problem: 'the subnet has no prefix', expected }
  for (const { cidr } of prefixes) {
    if (!isCidr(cidr)) {
      const like = 'an address prefix with no host bits set, like 10.0.1.0/24'
      return { problem: 'the prefix is not well-formed', expected: like }
    }
    const special = unicastProblem(addressOf(cidr))
    if (special !== null) {
      return { problem: 'the prefix is not for unicast', expected: special.expected }
    }
  }
  const families = new Set(prefixes.map(({ cidr }) => familyOf(cidr)))
  if (families.size === prefixes.length) return null
  return { problem: 'the subnet has two prefixes of a family', expected }
}

function isCidr(text: string): boolean {
  try {
    return parseCidr(text) === text
  } catch {
    return false
  }
}

function gatewayProblem(subnet: SubnetSpec, { cidr, gateway }: PrefixSpec): Problem | null {
  if (gateway === null) return null
  const problem = unicastProblem(gateway)
  if (problem !== null) return { ...problem, problem: `gateway: ${problem.problem}` }
  const match = new SubnetFinder([subnet]).find(gateway)
  const expected = `an address in ${cidr}`
  if (match === null || match.prefix.cidr !== cidr || readIpText(gateway) === 0) {
    return { problem: 'the gateway is outside its prefix', expected }
  }
  if (match.edge === null) return null
  return { problem: `the gateway is the ${match.edge} address of its prefix`, expected }
}
