/** A hash table from bytes of one length to small numbers, looked up where the bytes stand. */
import { assert, u16 } from '@weft/core'

const CAPACITY_MIN = 8

/**
 * Open addressing with linear probing, at most half full. Keys come from the one who configures,
 * never from packets, so nobody can choose keys that collide.
 */
export class ByteTable {
  readonly #keyBytes: number
  #keys: Uint8Array
  #values: Int32Array
  #used: Uint8Array
  #size = 0

  /** A table of keys of this many bytes, an even number. */
  constructor(keyBytes: number) {
    assert(keyBytes % 2 === 0, 'keys are made of 16-bit words')
    this.#keyBytes = keyBytes
    this.#keys = new Uint8Array(CAPACITY_MIN * keyBytes)
    this.#values = new Int32Array(CAPACITY_MIN)
    this.#used = new Uint8Array(CAPACITY_MIN)
  }

  /** Entries in the table. */
  get size(): number {
    return this.#size
  }

  /** The value of the key that stands at `at`; -1 when there is none. Values are not negative. */
  find(bytes: Uint8Array, at: number): number {
    const slot = this.#slotOf(bytes, at)
    return this.#used[slot] === 1 ? (this.#values[slot] as number) : -1
  }

  /** Enter a value, or replace it. */
  set(key: Uint8Array, value: number): void {
    assert(value >= 0, 'a value is not negative')
    if (2 * (this.#size + 1) > this.#used.length) this.#grow()
    const slot = this.#slotOf(key, 0)
    if (this.#used[slot] === 0) {
      this.#used[slot] = 1
      this.#keys.set(key, slot * this.#keyBytes)
      this.#size++
    }
    this.#values[slot] = value
  }

  /** Remove a key, if it is there. */
  delete(key: Uint8Array): void {
    let hole = this.#slotOf(key, 0)
    if (this.#used[hole] === 0) return
    this.#used[hole] = 0
    this.#size--
    // Entries behind the hole move up, unless they are at home between hole and themselves.
    const mask = this.#used.length - 1
    for (let slot = (hole + 1) & mask; this.#used[slot] === 1; slot = (slot + 1) & mask) {
      const home = this.#hash(this.#keys, slot * this.#keyBytes) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      this.#keys.copyWithin(
        hole * this.#keyBytes,
        slot * this.#keyBytes,
        (slot + 1) * this.#keyBytes,
      )
      this.#values[hole] = this.#values[slot] as number
      this.#used[hole] = 1
      this.#used[slot] = 0
      hole = slot
    }
  }

  /** Every key, copied, with its value; in no order that means anything. */
  *entries(): IterableIterator<readonly [key: Uint8Array, value: number]> {
    const length = this.#keyBytes
    for (let slot = 0; slot < this.#used.length; slot++) {
      if (this.#used[slot] === 0) continue
      const key = this.#keys.slice(slot * length, (slot + 1) * length)
      yield [key, this.#values[slot] as number]
    }
  }

  /** Where the key is, or where it would go. */
  #slotOf(bytes: Uint8Array, at: number): number {
    const mask = this.#used.length - 1
    let slot = this.#hash(bytes, at) & mask
    while (this.#used[slot] === 1 && !this.#holds(slot, bytes, at)) slot = (slot + 1) & mask
    return slot
  }

  #holds(slot: number, bytes: Uint8Array, at: number): boolean {
    const length = this.#keyBytes
    const from = slot * length
    // Addresses of one network differ at the end.
    for (let i = length - 1; i >= 0; i--) if (this.#keys[from + i] !== bytes[at + i]) return false
    return true
  }

  #hash(bytes: Uint8Array, at: number): number {
    let hash = 0
    for (let i = 0; i < this.#keyBytes; i += 2) {
      hash = Math.imul(hash ^ u16(bytes, at + i), 0x9e37_79b1)
      hash ^= hash >>> 15
    }
    return hash
  }

  #grow(): void {
    const [keys, values, used] = [this.#keys, this.#values, this.#used]
    const capacity = 2 * used.length
    this.#keys = new Uint8Array(capacity * this.#keyBytes)
    this.#values = new Int32Array(capacity)
    this.#used = new Uint8Array(capacity)
    for (let slot = 0; slot < used.length; slot++) {
      if (used[slot] === 0) continue
      const to = this.#slotOf(keys, slot * this.#keyBytes)
      this.#used[to] = 1
      this.#values[to] = values[slot] as number
      const from = slot * this.#keyBytes
      for (let i = 0; i < this.#keyBytes; i++) {
        this.#keys[to * this.#keyBytes + i] = keys[from + i] as number
      }
    }
  }
}
