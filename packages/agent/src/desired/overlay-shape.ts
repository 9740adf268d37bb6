/** What a manager's Network object means for a dataplane (docker-wire §6.5 to §6.7). */
import {
  ipFamily,
  parseCidr,
  parseIp,
  vni,
  VNI_MAX,
  type Cidr,
  type Ip,
  type IpFamily,
} from '@weft/core'
import {
  nameProblem,
  overlayMtu,
  SubnetFinder,
  type Encapsulation,
  type PrefixSpec,
  type SubnetSpec,
} from '@weft/dataplane'
import { swarmError, type IPAMConfig, type Network } from '@weft/swarm'

/** Docker's base when no option says otherwise (docker-wire §6.6). */
const UNDERLAY_MTU_BYTES = 1500

const VNI_LIST_OPTION = 'com.docker.network.driver.overlay.vxlanid_list'
const MTU_OPTION = 'com.docker.network.driver.mtu'
const ENCRYPTED_OPTION = 'encrypted'

/** Subnets that one network may have; each costs every node two devices. */
export const SUBNETS_MAX = 64

/** Largest MTU that an option may ask for, in bytes: IP's own. */
export const MTU_OPTION_BYTES_MAX = 65_535

/** A network as the dataplane is told of it, without its endpoints. */
export interface OverlayShape {
  readonly networkId: string
  readonly name: string
  readonly encapsulation: Encapsulation
  /** In bytes, of the underlay that the network is made for; the rest follows from its family. */
  readonly underlayMtu: number
  readonly subnets: readonly SubnetSpec[]
  readonly finder: SubnetFinder
}

/** Largest packet in the network over an underlay of this family, in bytes. */
export function shapeMtu(
  { encapsulation, underlayMtu }: Pick<OverlayShape, 'encapsulation' | 'underlayMtu'>,
  underlay: IpFamily,
): number {
  return overlayMtu(underlayMtu, underlay, encapsulation)
}

/**
 * Throws ERR_PRECONDITION for a network that is no overlay network, or that its manager has not
 * laid out: what is unclear is refused, never guessed.
 */
export function overlayShape(network: Network): OverlayShape {
  const { id, spec, driverState } = network
  const name = spec?.annotations?.name ?? ''
  if (nameProblem(id) !== null) throw unfit(network, 'its ID is not well-formed')
  const kind = driverState?.name ?? spec?.driverConfig?.name ?? ''
  if (kind !== 'overlay') throw unfit(network, `its driver is "${kind}"`)
  const options = { ...spec?.driverConfig?.options, ...driverState?.options }
  const subnets = subnetsOf(network, vnisIn(network, options[VNI_LIST_OPTION] ?? ''))
  return {
    networkId: id,
    name,
    encapsulation: ENCRYPTED_OPTION in options ? 'vxlan-esp' : 'vxlan',
    underlayMtu: underlayMtuOf(network, options[MTU_OPTION] ?? ''),
    subnets,
    finder: new SubnetFinder(subnets),
  }
}

function unfit(network: Network, problem: string): Error {
  const subject = network.spec?.annotations?.name ?? network.id
  return swarmError('ERR_PRECONDITION', `network cannot be used: ${problem}`, { subject })
}

function vnisIn(network: Network, list: string): readonly number[] {
  const texts = list === '' ? [] : list.split(',')
  return texts.map((text) => {
    const number = /^[0-9]{1,8}$/.test(text.trim()) ? Number(text) : 0
    if (number < 1 || number > VNI_MAX) throw unfit(network, 'its list of VNIs is not one')
    return number
  })
}

/** The i-th VNI belongs to the i-th prefix of each family. */
function subnetsOf(network: Network, vnis: readonly number[]): readonly SubnetSpec[] {
  const configs = network.ipam?.configs ?? []
  if (configs.length > 2 * SUBNETS_MAX) throw unfit(network, 'it has too many subnets')
  const prefixes = configs.map((config) => prefixOf(network, config))
  const ofFamily = (family: IpFamily): PrefixSpec[] =>
    prefixes.filter(({ cidr }) => ipFamily(cidr.slice(0, cidr.indexOf('/')) as Ip) === family)
  const [four, six] = [ofFamily(4), ofFamily(6)]
  const count = Math.max(four.length, six.length)
  if (count === 0) throw unfit(network, 'it has no subnet')
  if (count > SUBNETS_MAX) throw unfit(network, 'it has too many subnets')
  if (vnis.length < count) throw unfit(network, 'it has fewer VNIs than subnets')
  if (new Set(vnis).size < vnis.length) throw unfit(network, 'it has a VNI twice')
  return Array.from({ length: count }, (_, i) => ({
    vni: vni(vnis[i] ?? 0),
    prefixes: [four[i], six[i]].filter((prefix) => prefix !== undefined),
  }))
}

function prefixOf(network: Network, { subnet, gateway }: IPAMConfig): PrefixSpec {
  let cidr: Cidr
  let ip: Ip | null
  try {
    cidr = parseCidr(subnet)
    ip = gateway === '' ? null : parseIp(gateway.split('/')[0] ?? '')
  } catch (error) {
    const subject = network.spec?.annotations?.name ?? network.id
    const problem = 'network cannot be used: a subnet is not well-formed'
    throw swarmError('ERR_PRECONDITION', problem, { subject }, error)
  }
  return { cidr, gateway: ip }
}

function underlayMtuOf(network: Network, option: string): number {
  const asked = option === '' ? 0 : Number(option)
  if (!Number.isInteger(asked) || asked < 0 || asked > MTU_OPTION_BYTES_MAX) {
    throw unfit(network, 'its MTU is not a number of bytes')
  }
  return asked > 0 ? asked : UNDERLAY_MTU_BYTES
}
