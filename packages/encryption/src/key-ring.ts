/** The keys of encrypted networks, and the order in which a change of keys loses no packet. */
import { assert } from '@weft/core'
import { encryptionError } from './errors.ts'
import type { NetworkKey } from './network-key.ts'

/** Keys in one ring; Docker has three. Each costs an association with every peer. */
export const RING_KEYS_MAX = 8

/** The keys a manager hands out for one subsystem: previous, primary, next (docker-wire §5.1). */
export const DOCKER_KEYS = 3

/**
 * One step of a change of keys. `transmit` with null: nothing can be sealed from now on. `retire`
 * hands the key over: whoever performs the step zeroes it, when nothing opens with it any more.
 */
export type RotationStep =
  | { readonly kind: 'accept'; readonly key: NetworkKey }
  | { readonly kind: 'transmit'; readonly key: NetworkKey | null }
  | { readonly kind: 'retire'; readonly key: NetworkKey }

/** What may be shown of a key in a ring. */
export interface RingKeyView {
  readonly tag: number
  readonly isPrimary: boolean
}

/**
 * Docker's order: sorted by Lamport time the keys are previous, primary and next, and the primary
 * comes first: [k1, k0, k2] (docker-wire §5.2). Throws ERR_KEY_COUNT unless there are DOCKER_KEYS.
 */
export function dockerOrder(keys: readonly NetworkKey[]): readonly NetworkKey[] {
  const sorted = [...keys].sort((a, b) => (a.lamportTime < b.lamportTime ? -1 : 1))
  const [previous, primary, next] = sorted
  const isWhole = previous !== undefined && primary !== undefined && next !== undefined
  if (!isWhole || keys.length !== DOCKER_KEYS) {
    const facts = { count: keys.length, expected: DOCKER_KEYS }
    throw encryptionError('ERR_KEY_COUNT', 'not as many keys as Docker keeps', facts)
  }
  return [primary, previous, next]
}

/**
 * The keys in use: the first seals, all of them open. A ring only ever changes as a whole, and says
 * in which order the change must be carried out. Keys are known by their tags.
 */
export class KeyRing {
  #keys: readonly NetworkKey[] = []

  /** The key that seals; null while the ring is empty. */
  get primary(): NetworkKey | null {
    return this.#keys[0] ?? null
  }

  /** All keys, the primary first. */
  get keys(): readonly NetworkKey[] {
    return this.#keys
  }

  /**
   * Replace the keys, the new primary first, and return the steps: receive with what is new, then
   * send with the new primary, then retire what is gone. The ring takes the keys over; one that it
   * has already is zeroed, and the one it has stays. Throws ERR_KEYS_MAX, ERR_KEY_REPEATED or
   * ERR_KEY_CHANGED, and then nothing has changed.
   */
  replace(keys: readonly NetworkKey[]): readonly RotationStep[] {
    this.#check(keys)
    const before = this.#keys
    const kept = keys.map((key) => before.find(({ tag }) => tag === key.tag) ?? key)
    for (const key of keys) if (!kept.includes(key)) key.zero()
    const added = kept.filter((key) => !before.includes(key))
    const gone = before.filter((key) => !kept.includes(key))
    this.#keys = kept
    const primary = kept[0] ?? null
    const isSame = primary === (before[0] ?? null)
    return [
      ...added.map((key) => ({ kind: 'accept' as const, key })),
      ...(isSame ? [] : [{ kind: 'transmit' as const, key: primary }]),
      ...gone.map((key) => ({ kind: 'retire' as const, key })),
    ]
  }

  /** What may be shown: tags, never bytes. */
  toJSON(): readonly RingKeyView[] {
    return this.#keys.map(({ tag }, i) => ({ tag, isPrimary: i === 0 }))
  }

  #check(keys: readonly NetworkKey[]): void {
    if (keys.length > RING_KEYS_MAX) {
      throw encryptionError('ERR_KEYS_MAX', 'too many keys in the ring', { max: RING_KEYS_MAX })
    }
    for (const [i, key] of keys.entries()) {
      const { tag } = key
      assert(!key.isZeroed, 'a key that was zeroed is not used')
      if (keys.findIndex((other) => other.tag === tag) !== i) {
        throw encryptionError('ERR_KEY_REPEATED', 'two keys of one name', { tag })
      }
      const known = this.#keys.find((other) => other.tag === tag)
      if (known !== undefined && !known.holdsSame(key)) {
        throw encryptionError('ERR_KEY_CHANGED', 'a key of this name has other bytes', { tag })
      }
    }
  }
}
