/** Which subnet of a network an address lies in, fast enough to ask for every remote endpoint. */
import { addressOf, prefixLength, type Ip } from '@weft/core'
import type { PrefixSpec, SubnetSpec } from './desired-state.ts'
import { ipWords, readIpText } from './ip-text.ts'

/** A prefix as words and masks. */
interface PrefixRange {
  readonly subnet: SubnetSpec
  readonly spec: PrefixSpec
  readonly family: 4 | 6
  readonly words: readonly number[]
  readonly masks: readonly number[]
  readonly hasEdges: boolean
}

/** Where an address was found. */
export interface SubnetMatch {
  readonly subnet: SubnetSpec
  readonly prefix: PrefixSpec
  /**
   * Whether the address is the prefix's first ('network'; in IPv6 the subnet-router anycast
   * address, RFC 4291 §2.6.1) or its IPv4 broadcast address. Prefixes of one or two addresses
   * have neither (RFC 3021, RFC 6164).
   */
  readonly edge: 'network' | 'broadcast' | null
}

/** Looks up addresses in a list of subnets; the list must not change. */
export class SubnetFinder {
  readonly #ranges: readonly PrefixRange[]

  /** Prefixes that are not well-formed hold nothing. */
  constructor(subnets: readonly SubnetSpec[]) {
    this.#ranges = subnets.flatMap((subnet) =>
      subnet.prefixes.flatMap((spec) => rangeOf(subnet, spec) ?? []),
    )
  }

  /** The subnet and prefix that hold the address; null when none does. */
  find(address: Ip): SubnetMatch | null {
    const family = readIpText(address)
    for (const range of this.#ranges) {
      if (range.family === family && inRange(range)) {
        return { subnet: range.subnet, prefix: range.spec, edge: edgeOf(range) }
      }
    }
    return null
  }

  /** The subnet that holds all these addresses; null when none does, or when there are none. */
  subnetOf(addresses: readonly Ip[]): SubnetSpec | null {
    let found: SubnetSpec | null = null
    for (const address of addresses) {
      const here = this.#subnetHolding(address)
      if (here === null || (found !== null && found !== here)) return null
      found = here
    }
    return found
  }

  #subnetHolding(address: Ip): SubnetSpec | null {
    const family = readIpText(address)
    for (const range of this.#ranges) {
      if (range.family === family && inRange(range)) return range.subnet
    }
    return null
  }
}

/** True when the address in `ipWords` lies in the prefix. */
function inRange({ words, masks }: PrefixRange): boolean {
  for (let i = 0; i < 4; i++) {
    if (((ipWords[i] as number) & (masks[i] as number)) >>> 0 !== words[i]) return false
  }
  return true
}

/** Which edge of the prefix that holds it the address in `ipWords` is. */
function edgeOf({ family, masks, hasEdges }: PrefixRange): SubnetMatch['edge'] {
  if (!hasEdges) return null
  let first = true
  let last = true
  for (let i = 0; i < 4; i++) {
    const hostMask = ~(masks[i] as number) >>> 0
    const host = ((ipWords[i] as number) & hostMask) >>> 0
    if (host !== 0) first = false
    if (host !== hostMask) last = false
  }
  if (first) return 'network'
  return last && family === 4 ? 'broadcast' : null
}

function rangeOf(subnet: SubnetSpec, spec: PrefixSpec): PrefixRange | null {
  const family = readIpText(addressOf(spec.cidr))
  if (family === 0) return null
  // IPv4 lives in the last of four words, so its prefix begins 96 bits later.
  const length = prefixLength(spec.cidr) + (family === 4 ? 96 : 0)
  const masks = [0, 1, 2, 3].map((i) => maskOf(length - 32 * i))
  return { subnet, spec, family, words: [...ipWords], masks, hasEdges: length < 127 }
}

function maskOf(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - bits)) >>> 0
}

const finders = new WeakMap<readonly SubnetSpec[], SubnetFinder>()

/** The finder of this very list, made once. */
export function subnetFinder(subnets: readonly SubnetSpec[]): SubnetFinder {
  const known = finders.get(subnets)
  if (known !== undefined) return known
  const made = new SubnetFinder(subnets)
  finders.set(subnets, made)
  return made
}
