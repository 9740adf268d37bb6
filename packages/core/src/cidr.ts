/** Address prefixes: a network (`10.0.1.0/24`), an interface's address in one (`10.0.1.2/24`). */
import { ipFamily, ipFromBigInt, ipLength, ipToBigInt, readIp, type Ip } from './ip.ts'
import { valueError } from './value-errors.ts'

/** A prefix with all host bits zero, canonical: `10.0.1.0/24`. */
export type Cidr = string & { readonly __cidr: never }

/** An address together with the length of its prefix, canonical: `10.0.1.2/24`. */
export type InterfaceAddress = string & { readonly __interfaceAddress: never }

function split(text: string): { address: Ip; length: number } | null {
  const slash = text.indexOf('/')
  const lengthText = text.slice(slash + 1)
  if (slash < 0 || !/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return null
  const address = readIp(text.slice(0, slash))
  const length = Number(lengthText)
  return address === null || length > 8 * ipLength(ipFamily(address)) ? null : { address, length }
}

/** Read a prefix; host bits must be zero. Throws ERR_INVALID_VALUE. */
export function parseCidr(text: string): Cidr {
  const parts = split(text)
  const expected = 'an address prefix with no host bits set, like 10.0.1.0/24 or fd00:1::/64'
  if (parts === null || networkOf(parts.address, parts.length) !== parts.address) {
    throw valueError('ERR_INVALID_VALUE', 'not an address prefix', { kind: 'cidr', text, expected })
  }
  return `${parts.address}/${parts.length}` as Cidr
}

/** Read an address with the length of its prefix. Throws ERR_INVALID_VALUE. */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const parts = split(text)
  if (parts === null) {
    throw valueError('ERR_INVALID_VALUE', 'not an interface address', {
      kind: 'interface-address',
      text,
      expected: 'an address and a prefix length, like 10.0.1.2/24 or fd00:1::2/64',
    })
  }
  return `${parts.address}/${parts.length}` as InterfaceAddress
}

function networkOf(address: Ip, length: number): Ip {
  const family = ipFamily(address)
  const hostBits = BigInt(8 * ipLength(family) - length)
  return ipFromBigInt((ipToBigInt(address) >> hostBits) << hostBits, family)
}

/** The address part of `10.0.1.2/24` or `10.0.1.0/24`. */
export function addressOf(prefix: Cidr | InterfaceAddress): Ip {
  return prefix.slice(0, prefix.indexOf('/')) as Ip
}

/** The prefix length, in bits. */
export function prefixLength(prefix: Cidr | InterfaceAddress): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1))
}

/** The network an interface address lies in: `10.0.1.2/24` gives `10.0.1.0/24`. */
export function cidrOf(address: InterfaceAddress): Cidr {
  const length = prefixLength(address)
  return `${networkOf(addressOf(address), length)}/${length}` as Cidr
}

/** An address inside a network as an interface address. */
export function interfaceAddress(address: Ip, network: Cidr): InterfaceAddress {
  return `${address}/${prefixLength(network)}` as InterfaceAddress
}

/** First and last address of a prefix, as numbers. */
export function cidrRange(cidr: Cidr): { readonly first: bigint; readonly last: bigint } {
  const address = addressOf(cidr)
  const first = ipToBigInt(address)
  const hostBits = BigInt(8 * ipLength(ipFamily(address)) - prefixLength(cidr))
  return { first, last: first + (1n << hostBits) - 1n }
}

/** True when the address lies in the prefix; families never match each other. */
export function cidrContains(cidr: Cidr, address: Ip): boolean {
  if (ipFamily(address) !== ipFamily(addressOf(cidr))) return false
  const { first, last } = cidrRange(cidr)
  const value = ipToBigInt(address)
  return first <= value && value <= last
}

/** True when two prefixes share an address. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  const [wide, narrow] = prefixLength(a) <= prefixLength(b) ? [a, b] : [b, a]
  return cidrContains(wide, addressOf(narrow))
}
