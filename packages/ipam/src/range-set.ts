/** Prefixes that share no address, in order: who owns what, and where the gaps are. */
import {
  addressOf,
  assert,
  cidrRange,
  ipFamily,
  ipFromBigInt,
  parseCidr,
  type Cidr,
  type IpFamily,
} from '@weft/core'

interface Entry {
  readonly cidr: Cidr
  readonly first: bigint
  readonly last: bigint
  readonly owner: string
}

/** Owned prefixes of both families. Invariant: sorted by first address, and none overlap. */
export class RangeSet {
  readonly #entries: Record<IpFamily, Entry[]> = { 4: [], 6: [] }

  /** An owned prefix that shares addresses with this one, or null. */
  overlapping(cidr: Cidr): { readonly cidr: Cidr; readonly owner: string } | null {
    const { first, last } = cidrRange(cidr)
    const entries = this.#entries[familyOf(cidr)]
    const entry = entries[lowerBound(entries, first)]
    return entry !== undefined && entry.first <= last ? entry : null
  }

  add(cidr: Cidr, owner: string): void {
    assert(this.overlapping(cidr) === null, 'owned prefixes share no address')
    const range = cidrRange(cidr)
    const entries = this.#entries[familyOf(cidr)]
    entries.splice(lowerBound(entries, range.first), 0, { cidr, owner, ...range })
  }

  remove(cidr: Cidr): void {
    const entries = this.#entries[familyOf(cidr)]
    const at = lowerBound(entries, cidrRange(cidr).first)
    assert(entries[at]?.cidr === cidr, 'only an owned prefix is given up')
    entries.splice(at, 1)
  }

  /** The first aligned block of this length in `pool`, from `from` on, that nobody owns any of. */
  firstGap(pool: Cidr, length: number, from: bigint): Cidr | null {
    const family = familyOf(pool)
    const size = 1n << BigInt((family === 4 ? 32 : 128) - length)
    const { last } = cidrRange(pool)
    const entries = this.#entries[family]
    let block = alignUp(from, size)
    for (let at = lowerBound(entries, block); block + size - 1n <= last; at++) {
      const entry = entries[at]
      if (entry === undefined || entry.first > block + size - 1n) {
        return parseCidr(`${ipFromBigInt(block, family)}/${length}`)
      }
      block = alignUp(entry.last + 1n, size)
    }
    return null
  }

  /** How many addresses of `cidr` are owned. */
  ownedIn(cidr: Cidr): bigint {
    const { first, last } = cidrRange(cidr)
    const entries = this.#entries[familyOf(cidr)]
    let owned = 0n
    for (let at = lowerBound(entries, first); at < entries.length; at++) {
      const entry = entries[at]
      if (entry === undefined || entry.first > last) break
      const from = entry.first > first ? entry.first : first
      owned += (entry.last < last ? entry.last : last) - from + 1n
    }
    return owned
  }
}

function familyOf(cidr: Cidr): IpFamily {
  return ipFamily(addressOf(cidr))
}

function alignUp(value: bigint, size: bigint): bigint {
  return ((value + size - 1n) / size) * size
}

/** The first entry that ends at or after `address`. */
function lowerBound(entries: readonly Entry[], address: bigint): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]
    if (entry !== undefined && entry.last < address) low = middle + 1
    else high = middle
  }
  return low
}
