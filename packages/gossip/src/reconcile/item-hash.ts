/** What identifies an item of a set, as 64 bits that every node computes alike. */

/**
 * A 64-bit hash of what identifies an item (not of its version), as two signed 32-bit halves.
 * Among n items two share a hash with odds of about n² / 2^65: one in 10^11 for 20,000 rows. What
 * shares one, by chance or by design, is compared as one item: of the two, one may converge by
 * gossip and bulk sync only. Nothing else comes of it.
 */
export interface ItemHash {
  readonly high: number
  readonly low: number
}

/**
 * The hash of up to three texts, in order; absent ones are ''. Where one ends and the next begins
 * counts. Two lanes in the manner of MurmurHash3, over UTF-16 units: no bytes are made of the text.
 */
export function itemHash(first: string, second: string, third: string): ItemHash {
  high = first.length
  low = second.length ^ 0x9e37_79b9
  absorbText(first)
  absorbText(second)
  absorbText(third)
  return finish()
}

/**
 * A number that stands for a hash among those of its bucket: a whole one of 53 bits. The bucket
 * has eight bits of the hash, this the rest but three: items that differ in these alone are one.
 */
export function hashKey(hash: ItemHash): number {
  return hash.high * 0x20_0000 + (hash.low >>> 11)
}

/** Mixes a version into a hash: what the sums of a digest add up. `low` goes into its bucket. */
export function versionHash(hash: ItemHash, version: number): ItemHash {
  high = hash.high
  low = hash.low
  absorb(version | 0)
  absorb(Math.trunc(version / 0x1_0000_0000))
  return finish()
}

// The lanes, outside of the functions so that a hash costs no object but its result.
let high = 0
let low = 0

function absorbText(text: string): void {
  const { length } = text
  let i = 0
  for (; i + 1 < length; i += 2) absorb(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16))
  absorb((i < length ? text.charCodeAt(i) : 0) ^ Math.imul(length, 0x2545_f491))
}

function absorb(word: number): void {
  let mixed = Math.imul(word, 0x239b_961b)
  mixed = (mixed << 15) | (mixed >>> 17)
  high ^= Math.imul(mixed, 0xab0e_9789)
  high = (high << 19) | (high >>> 13)
  high = (Math.imul(high + low, 5) + 0x561c_cd1b) | 0
  mixed = Math.imul(word, 0x38b3_4ae5)
  mixed = (mixed << 17) | (mixed >>> 15)
  low ^= Math.imul(mixed, 0xa1e3_8b93)
  low = (low << 13) | (low >>> 19)
  low = (Math.imul(low + high, 5) + 0x32ac_3b17) | 0
}

function finish(): ItemHash {
  const a = avalanche((high + low) | 0)
  const b = avalanche((low + Math.imul(a, 3)) | 0)
  return { high: (a + b) | 0, low: b }
}

/** The finaliser of MurmurHash3: every input bit moves every output bit. */
function avalanche(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2_ae35)
  return twice ^ (twice >>> 16)
}
