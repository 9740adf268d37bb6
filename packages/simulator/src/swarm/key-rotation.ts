/** Keys of a ring: installed everywhere before they are used anywhere, removed last. */
import type { Random } from '@weft/core'
import type { GossipKey, KeyRing } from '@weft/gossip'

const KEY_LENGTH = 16

/** What a ring's nodes hold at present, and the next step of replacing it. */
export class KeyRotation {
  readonly #random: Random
  #keys: readonly GossipKey[] = []
  #made = 0

  /** Without keys unless `isSealed`. */
  constructor(random: Random, isSealed: boolean) {
    this.#random = random
    if (isSealed) this.#keys = [this.#make()]
  }

  /** In the order of the ring: the first seals. */
  get keys(): readonly GossipKey[] {
    return this.#keys
  }

  /** Install a key, use it, or remove its predecessor, in turns. Null: nothing is sealed. */
  next(): ((ring: KeyRing) => void) | null {
    const [first, second] = this.#keys
    if (first === undefined) return null
    if (second === undefined) {
      const key = this.#make()
      this.#keys = [first, key]
      return (ring) => ring.install(key)
    }
    if (this.#isNewest(second)) {
      this.#keys = [second, first]
      return (ring) => ring.use(second.tag)
    }
    this.#keys = [first]
    return (ring) => ring.remove(second.tag)
  }

  #isNewest(key: GossipKey): boolean {
    return key.tag === `key ${this.#made}`
  }

  #make(): GossipKey {
    const bytes = Uint8Array.from({ length: KEY_LENGTH }, () => this.#random.below(256))
    return { tag: `key ${++this.#made}`, bytes }
  }
}
