/** A hash table in one array, for what a node keeps of each of thousands of others. */

/** Slots of a table that has next to nothing in it; a power of two. */
const SLOTS = 8

/** What a table has to know of the keys of its items. Keys of items that are in never change. */
export interface KeyLaw<Item, Key> {
  of(item: Item): Key
  /** 32 bits, well spread; the upper ones count most. */
  hash(key: Key): number
  areEqual(one: Key, other: Key): boolean
}

/**
 * As a Map with items that hold their keys, at a quarter of the memory: a Map takes 46 bytes for an
 * entry when there are 5,000, this 13. Items stand in the order of their hashes, but for collisions
 * (linear probing; Knuth, TAOCP §6.4, algorithms L and R).
 */
export class HashTable<Item, Key> {
  readonly #law: KeyLaw<Item, Key>
  #slots = emptySlots<Item>(SLOTS)
  #size = 0

  constructor(law: KeyLaw<Item, Key>) {
    this.#law = law
  }

  /** Items in the table. */
  get size(): number {
    return this.#size
  }

  get(key: Key): Item | null {
    return this.#slots[this.#find(key)] ?? null
  }

  /** Put an item in; the answer is the one with the same key that it takes the place of. */
  put(item: Item): Item | null {
    const slot = this.#find(this.#law.of(item))
    const former = this.#slots[slot] ?? null
    this.#slots[slot] = item
    if (former === null && ++this.#size * 4 > this.#slots.length * 3) this.#grow()
    return former
  }

  /** Take the item with this key out; the answer is that item. */
  delete(key: Key): Item | null {
    let hole = this.#find(key)
    const item = this.#slots[hole] ?? null
    if (item === null) return null
    this.#size--
    const mask = this.#slots.length - 1
    // Those that were pushed aside move up, so that no search ends early.
    for (let slot = hole; ; ) {
      slot = (slot + 1) & mask
      const next = this.#slots[slot] ?? null
      if (next === null) break
      const home = this.#home(this.#law.hash(this.#law.of(next)))
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      this.#slots[hole] = next
      hole = slot
    }
    this.#slots[hole] = null
    return item
  }

  /** Every item whose hash is within these bounds, both unsigned; perhaps some others too. */
  near(lowest: number, highest: number): readonly Item[] {
    const items: Item[] = []
    const mask = this.#slots.length - 1
    const first = this.#home(lowest)
    const homes = this.#home(highest) - first + 1
    for (let looked = 0; looked <= mask; looked++) {
      const item = this.#slots[(first + looked) & mask] ?? null
      if (item !== null) items.push(item)
      else if (looked >= homes) break
    }
    return items
  }

  /** Where the item with this key is, or would be put. */
  #find(key: Key): number {
    const mask = this.#slots.length - 1
    let slot = this.#home(this.#law.hash(key))
    for (;;) {
      const item = this.#slots[slot] ?? null
      if (item === null || this.#law.areEqual(this.#law.of(item), key)) return slot
      slot = (slot + 1) & mask
    }
  }

  #home(hash: number): number {
    return hash >>> (Math.clz32(this.#slots.length) + 1)
  }

  #grow(): void {
    const items = this.#slots
    this.#slots = emptySlots<Item>(2 * items.length)
    for (const item of items) {
      if (item !== null) this.#slots[this.#find(this.#law.of(item))] = item
    }
  }
}

/** 32 bits of a text (FNV-1a, and the finaliser of MurmurHash3). */
export function textHash(text: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function emptySlots<Item>(count: number): (Item | null)[] {
  return new Array<Item | null>(count).fill(null)
}
