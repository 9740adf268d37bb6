/** `--subnet`, `--ip-range`, `--gateway` and `--aux-address` of `network create`, put together. */
import {
  addressOf,
  cidrContains,
  cidrOf,
  cidrsOverlap,
  hasCode,
  parseInterfaceAddress,
  parseIp,
  type Cidr,
  type Ip,
} from '@weft/core'
import type { IpamConfigJson } from '@weft/engine-api/client'
import { CommandFailure } from '../command-failure.ts'

/** What the user said of a network's addresses. */
export interface AddressOptions {
  readonly subnets: readonly string[]
  readonly ranges: readonly string[]
  readonly gateways: readonly string[]
  readonly auxiliary: Readonly<Record<string, string>>
}

interface Subnet {
  readonly cidr: Cidr
  readonly config: {
    Subnet: string
    IPRange?: string
    Gateway?: string
    AuxiliaryAddresses: Record<string, string>
  }
}

/** One entry for each subnet, with what lies in it. Throws CommandFailure with Docker's words. */
export function planAddresses(given: AddressOptions): IpamConfigJson[] {
  const { subnets, ranges, gateways, auxiliary } = given
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new CommandFailure('every ip-range or gateway must have a corresponding subnet')
  }
  const plan = subnets.map((text): Subnet => {
    return { cidr: subnetOf(text), config: { Subnet: text, AuxiliaryAddresses: {} } }
  })
  refuseOverlaps(plan)
  for (const range of ranges) {
    place(plan, { text: range, what: 'range' }, ({ config }) => {
      refuseSecond({ what: 'ranges', joint: 'on', first: config.IPRange, second: range, config })
      config.IPRange = range
    })
  }
  for (const gateway of gateways) {
    place(plan, { text: gateway, what: 'gateway' }, ({ config }) => {
      const first = config.Gateway
      refuseSecond({ what: 'gateways', joint: 'for', first, second: gateway, config })
      config.Gateway = gateway
    })
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    place(plan, { text: address, what: 'aux-address' }, ({ config }) => {
      config.AuxiliaryAddresses[name] = address
    })
  }
  return plan.map(({ config }) => config)
}

function place(
  plan: readonly Subnet[],
  { text, what }: { readonly text: string; readonly what: string },
  put: (subnet: Subnet) => void,
): void {
  const address = addressIn(text)
  const matches = plan.filter(({ cidr }) => address !== null && cidrContains(cidr, address))
  if (matches.length === 0) throw new CommandFailure(`no matching subnet for ${what} ${text}`)
  matches.forEach(put)
}

function refuseSecond(pair: {
  readonly what: string
  readonly joint: string
  readonly first: string | undefined
  readonly second: string
  readonly config: { readonly Subnet: string }
}): void {
  if (pair.first === undefined) return
  const { what, joint, first, second, config } = pair
  const where = `${joint} the same subnet (${config.Subnet})`
  throw new CommandFailure(`cannot configure multiple ${what} (${second}, ${first}) ${where}`)
}

function refuseOverlaps(plan: readonly Subnet[]): void {
  plan.forEach((one, index) => {
    if (!plan.slice(0, index).some((other) => cidrsOverlap(one.cidr, other.cidr))) return
    throw new CommandFailure('multiple overlapping subnet configuration is not supported')
  })
}

/** Go takes `10.0.0.1/24` for 10.0.0.0/24; the daemon is sent what the user wrote. */
function subnetOf(text: string): Cidr {
  const address = valueOrNull(() => parseInterfaceAddress(text))
  if (address !== null) return cidrOf(address)
  throw new CommandFailure(`invalid subnet: invalid CIDR address: ${text}`)
}

/** Null for what is no address at all: it matches no subnet. */
function addressIn(text: string): Ip | null {
  if (!text.includes('/')) return valueOrNull(() => parseIp(text))
  const address = valueOrNull(() => parseInterfaceAddress(text))
  if (address !== null) return addressOf(address)
  throw new CommandFailure(`invalid CIDR address: ${text}`)
}

function valueOrNull<Value>(parse: () => Value): Value | null {
  try {
    return parse()
  } catch (error) {
    if (hasCode(error, 'ERR_INVALID_VALUE')) return null
    throw error
  }
}
