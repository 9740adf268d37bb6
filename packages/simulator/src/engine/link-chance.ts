/** Chance on a million links: each packet's draws follow from its link and its number on it. */
import { assert, SeededRandom } from '@weft/core'

const WORD = 0x1_0000_0000

/**
 * A stream of chance for each direction of each link, without a generator for each: the draws of a
 * packet are a hash of (seed, sender, recipient, number of the packet on this link). So traffic
 * elsewhere never moves what happens here, and a link costs four bytes.
 */
export class LinkChance {
  readonly #seed: number
  readonly #hostsMax: number
  readonly #counts: (Uint32Array | undefined)[] = []

  /** For hosts numbered from 0 to `hostsMax` - 1. */
  constructor(seed: string, hostsMax: number) {
    this.#seed = new SeededRandom(`${seed}/links`).below(WORD)
    this.#hostsMax = hostsMax
  }

  /** The next packet from `from` to `to`: what `draw` takes. */
  ticket(from: number, to: number): number {
    assert(from < this.#hostsMax && to < this.#hostsMax, 'hosts are numbered below hostsMax')
    const counts = (this.#counts[from] ??= new Uint32Array(this.#hostsMax))
    const count = counts[to] ?? 0
    counts[to] = count + 1
    const link = avalanche(this.#seed ^ avalanche(Math.imul(from + 1, 0x9e3779b1) ^ (to + 1)))
    return avalanche(link ^ Math.imul(count + 1, 0x85ebca77))
  }
}

/** The `index`th draw of a ticket: a whole number from 0 to 2^32 - 1. */
export function draw(ticket: number, index: number): number {
  return avalanche(ticket + Math.imul(index + 1, 0x9e3779b9)) >>> 0
}

/** The finaliser of MurmurHash3: every input bit moves every output bit. */
function avalanche(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}
