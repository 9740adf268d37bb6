/** What a network may be asked to be: the checks of a spec, in Docker's words. */
import { toBinary } from '@bufbuild/protobuf'
import { VNI_MAX } from '@weft/core'
import { NetworkSpecSchema, swarmError, type Driver, type NetworkSpec } from '@weft/swarm'

/**
 * Bytes of a spec on the wire. It travels in every task, most of it twice, and nodes take networks
 * of 32 KiB.
 */
export const NETWORK_SPEC_BYTES_MAX = 13 << 10

/** Characters of a name: a DNS label's (RFC 1035 §2.3.4). */
export const NETWORK_NAME_LENGTH_MAX = 63

/** Subnets of one network. */
export const NETWORK_SUBNETS_MAX = 64

/** The largest MTU of an underlay, in bytes: what an IPv4 packet holds. */
export const UNDERLAY_MTU_MAX = 65_535

/** What must be left of it for the network (RFC 791; RFC 8200 §5). */
const OVERLAY_MTU_MIN = { 4: 68, 6: 1280 } as const

/** Docker's options of the overlay driver (docker-wire §6.7). */
export const VNI_LIST_OPTION = 'com.docker.network.driver.overlay.vxlanid_list'
const MTU_OPTION = 'com.docker.network.driver.mtu'
const ENCRYPTED_OPTION = 'encrypted'

const NAME_FORM = /^[a-zA-Z0-9](?:[-_a-zA-Z0-9]*[a-zA-Z0-9])?$/
const PREDEFINED_NAMES = ['bridge', 'host', 'none', 'default']

/** What the checks found out. */
export interface NetworkWish {
  readonly name: string
  /** VNIs the user chose, for the first so many IPv4 subnets. */
  readonly vnis: readonly number[]
  /** Options of the driver as they are handed on, without the VNIs. */
  readonly options: { readonly [name: string]: string }
}

/** Check everything but addresses. Throws ERR_INVALID_ARGUMENT, ERR_UNIMPLEMENTED. */
export function checkNetworkSpec(spec: NetworkSpec): NetworkWish {
  const name = checkNetworkName(spec.annotations?.name ?? '')
  if (toBinary(NetworkSpecSchema, spec).length > NETWORK_SPEC_BYTES_MAX) {
    const message = `labels and options exceed ${NETWORK_SPEC_BYTES_MAX} bytes`
    throw invalid(`network ${name}: ${message}`, name)
  }
  if (spec.configFrom.case !== undefined) {
    const message = 'overlay networks do not take their configuration from other networks'
    throw swarmError('ERR_UNIMPLEMENTED', message, { subject: name })
  }
  checkIngress(spec, name)
  checkDriver(spec.driverConfig, 'overlay')
  checkDriver(spec.ipam?.driver, 'default')
  const ipamOption = Object.keys(spec.ipam?.driver?.options ?? {})[0]
  if (ipamOption !== undefined) throw invalid(`unknown IPAM option: ${ipamOption}`, ipamOption)
  if ((spec.ipam?.configs.length ?? 0) > NETWORK_SUBNETS_MAX) {
    throw invalid(`network ${name}: more than ${NETWORK_SUBNETS_MAX} subnets`, name)
  }
  const wish = checkOptions(spec.driverConfig?.options ?? {})
  checkMtu(wish.options, spec.ipv6Enabled)
  return { name, ...wish }
}

function checkNetworkName(name: string): string {
  if (name === '') throw invalid('meta: name must be provided', 'name')
  if (name.length > NETWORK_NAME_LENGTH_MAX) {
    throw invalid(`name must be ${NETWORK_NAME_LENGTH_MAX} characters or fewer`, 'name')
  }
  if (!NAME_FORM.test(name)) throw invalid('name must be valid as a DNS name component', name)
  if (PREDEFINED_NAMES.includes(name)) {
    throw invalid(`operation is not permitted on predefined ${name} network`, name)
  }
  return name
}

function checkIngress(spec: NetworkSpec, name: string): void {
  if (!spec.ingress) return
  if (spec.attachable) throw invalid('ingress network cannot be manually attachable', name)
  if (spec.internal) throw invalid('ingress network cannot be an internal network', name)
}

function checkDriver(driver: Driver | undefined, known: string): void {
  if (driver === undefined || driver.name === known) return
  if (driver.name === '') {
    if (Object.keys(driver.options).length === 0) return
    throw invalid('driver name: if driver is specified name is required', 'driver')
  }
  throw invalid(`driver ${driver.name} not supported: there is ${known}`, driver.name)
}

function checkOptions(given: Driver['options']): Omit<NetworkWish, 'name'> {
  let vnis: readonly number[] = []
  const options: { [name: string]: string } = {}
  for (const [name, value] of Object.entries(given)) {
    if (name === VNI_LIST_OPTION) vnis = checkVnis(value)
    else if (name === MTU_OPTION) options[name] = value
    else if (name === ENCRYPTED_OPTION) options[name] = checkEncrypted(value)
    else throw invalid(`unknown driver option: ${name}`, name)
  }
  return { vnis, options }
}

/** Tunnels take their bytes off it (docker-wire §6.6); 0 says that Docker's 1500 will do. */
function checkMtu(options: NetworkWish['options'], ipv6: boolean): void {
  const value = options[MTU_OPTION]
  if (value === undefined) return
  const encrypted = options[ENCRYPTED_OPTION] !== undefined
  const wanted = OVERLAY_MTU_MIN[ipv6 ? 6 : 4] + 50
  const min = encrypted ? wanted + 26 + 3 : wanted
  const mtu = /^[0-9]{1,5}$/.test(value) ? Number(value) : -1
  if (mtu === 0 || (mtu >= min && mtu <= UNDERLAY_MTU_MAX)) return
  const expected = `expected ${min} to ${UNDERLAY_MTU_MAX}`
  throw invalid(`invalid value "${value}" for ${MTU_OPTION}: ${expected}`, MTU_OPTION)
}

/**
 * Docker 20.10 encrypts whatever stands there, later ones not for `false`: whoever says that may
 * mean either, and is asked.
 */
function checkEncrypted(value: string): string {
  if (['', '1', 't', 'T', 'true', 'True', 'TRUE'].includes(value)) return value
  throw invalid(`invalid value "${value}" for encrypted: leave the option out`, ENCRYPTED_OPTION)
}

function checkVnis(value: string): readonly number[] {
  const vnis = value.split(',').map((text) => {
    const id = /^[0-9]{1,8}$/.test(text) ? Number(text) : 0
    if (id >= 1 && id <= VNI_MAX) return id
    throw invalid(`invalid vxlan id value "${text}" passed`, VNI_LIST_OPTION)
  })
  if (new Set(vnis).size === vnis.length) return vnis
  throw invalid(`vxlan id list "${value}" names one twice`, VNI_LIST_OPTION)
}

/** A request that is wrong in itself. */
export function invalid(message: string, subject: string): Error {
  return swarmError('ERR_INVALID_ARGUMENT', message, { subject })
}
