/** What can go wrong in address management, each naming what was wrong. */
import { defineErrors, valueError, type ErrorFactory, type IpFamily } from '@weft/core'

/** Codes and facts of this package. Malformed texts are core's ERR_INVALID_VALUE. */
export type IpamErrors = {
  /** No pool of the family has a free block of this size; `pools` lists those asked. */
  ERR_POOL_EXHAUSTED: {
    readonly family: IpFamily
    /** Null when the pools' own sizes were asked for and there is no pool. */
    readonly prefixLength: number | null
    readonly pools: readonly string[]
  }
  /** `subnet` shares addresses with `other`, which belongs to `owner`. */
  ERR_OVERLAP: { readonly subnet: string; readonly other: string; readonly owner: string }
  /** The prefix cannot be a subnet or a pool, for `reason`. */
  ERR_SUBNET_UNUSABLE: { readonly subnet: string; readonly reason: string }
  /** Every address for dynamic leases is taken. */
  ERR_SUBNET_EXHAUSTED: {
    readonly network: string
    readonly subnets: readonly string[]
    readonly used: number
    readonly size: number
  }
  /** `holder` has the address; nobody else can lease or release it. */
  ERR_ADDRESS_TAKEN: {
    readonly network: string
    readonly address: string
    readonly holder: string
  }
  /** The address is kept for `name`: the network itself, its broadcast, gateway, or a user. */
  ERR_ADDRESS_RESERVED: {
    readonly network: string
    readonly address: string
    readonly name: string
  }
  /** The address is in none of the network's subnets. */
  ERR_ADDRESS_FOREIGN: {
    readonly network: string
    readonly address: string
    readonly subnets: readonly string[]
  }
  /** Nobody has the address: it was never leased, or is released already. */
  ERR_NOT_LEASED: { readonly network: string; readonly address: string }
  /** A holder has one address per network and family, and asked for another. */
  ERR_HOLDER_TAKEN: {
    readonly network: string
    readonly holder: string
    readonly address: string
    readonly requested: string
  }
  ERR_NETWORK_UNKNOWN: { readonly network: string }
  ERR_NETWORK_TAKEN: { readonly network: string }
  /** Leases are left: how many, and the holder of one of them. */
  ERR_NETWORK_IN_USE: { readonly network: string; readonly leases: number; readonly holder: string }
  /** The network is being removed. */
  ERR_NETWORK_CLOSING: { readonly network: string }
  ERR_VNI_TAKEN: { readonly vni: number; readonly holder: string }
  ERR_VNI_EXHAUSTED: { readonly first: number; readonly last: number }
  ERR_VNI_NOT_ALLOCATED: { readonly vni: number }
  /** What stands at `path` is not what was `expected` there. */
  ERR_SNAPSHOT_INVALID: { readonly path: string; readonly expected: string }
  ERR_SNAPSHOT_VERSION: { readonly version: number; readonly supported: number }
  /** Others kept changing the store under us. */
  ERR_CONTENTION: { readonly operation: string; readonly attempts: number }
}

/** Makes the errors of this package. */
export const ipamError: ErrorFactory<IpamErrors> = defineErrors<IpamErrors>()

/** The longest name of a network or holder, in UTF-16 units. */
export const NAME_LENGTH_MAX = 256

/** Check the name of a network or holder. Throws ERR_INVALID_VALUE. */
export function checkName(kind: string, text: string): string {
  if (text.length > 0 && text.length <= NAME_LENGTH_MAX) return text
  const expected = `1 to ${NAME_LENGTH_MAX} characters`
  throw valueError('ERR_INVALID_VALUE', 'not a usable name', { kind, text, expected })
}
