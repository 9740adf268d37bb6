/** The keys that seal gossip: one seals, all of them open (docker-wire §2.11, §5.2). */
import { assert, defineErrors, equalBytes, type ErrorFactory } from '@weft/core'

/** AES-128, AES-192 or AES-256. */
export const KEY_BYTES = [16, 24, 32] as const

/** Keys in one ring; Docker has three. Every key more is one more attempt at a forged packet. */
export const KEYS_MAX = 8

/** Errors of key rings. */
export type KeyRingErrors = {
  ERR_KEY_SIZE: { readonly bytes: number; readonly allowed: readonly number[] }
  ERR_KEY_UNKNOWN: { readonly tag: string }
  ERR_KEY_PRIMARY: { readonly tag: string }
  ERR_KEYS_MAX: { readonly max: number }
}

/** Makes the errors of key rings. */
export const keyRingError: ErrorFactory<KeyRingErrors> = defineErrors<KeyRingErrors>()

/** A key and the name it is spoken of by: for Docker its Lamport time. Only that is shown. */
export interface GossipKey {
  readonly tag: string
  readonly bytes: Uint8Array
}

/** What may be shown of a key. */
export interface KeyView {
  readonly tag: string
  readonly isPrimary: boolean
}

/**
 * Keys in the order in which they are tried; the first seals. A key is installed everywhere before
 * it is used anywhere, and used everywhere before its predecessor is removed: no message is lost.
 */
export class KeyRing {
  #keys: readonly GossipKey[]
  /** Asked for with every datagram. */
  #bytes: readonly Uint8Array[]

  /** The first key is primary. No keys: nothing is sealed. Throws ERR_KEY_SIZE, ERR_KEYS_MAX. */
  constructor(keys: readonly GossipKey[]) {
    this.#keys = wholeRing(keys, [])
    this.#bytes = this.#keys.map((key) => key.bytes)
  }

  /** The key that seals, or null when the ring is empty. Not the caller's to change. */
  primary(): Uint8Array | null {
    return this.#bytes[0] ?? null
  }

  /** The keys that open, in the order in which they are tried. */
  all(): readonly Uint8Array[] {
    return this.#bytes
  }

  /** Add a key behind the others; one that is there already is left alone. */
  install(key: GossipKey): void {
    const added = copyOf(key)
    if (this.#keys.some((known) => equalBytes(known.bytes, added.bytes))) return
    assert(!this.#keys.some(({ tag }) => tag === added.tag), ONE_KEY)
    if (this.#keys.length === KEYS_MAX) {
      throw keyRingError('ERR_KEYS_MAX', 'too many keys in the ring', { max: KEYS_MAX })
    }
    this.#set([...this.#keys, added])
  }

  /** Seal with this key from now on. Throws ERR_KEY_UNKNOWN. */
  use(tag: string): void {
    const key = this.#find(tag)
    this.#set([key, ...this.#keys.filter((other) => other !== key)])
  }

  /** Stop opening with this key. Throws ERR_KEY_UNKNOWN, ERR_KEY_PRIMARY. */
  remove(tag: string): void {
    const key = this.#find(tag)
    if (key === this.#keys[0]) {
      throw keyRingError('ERR_KEY_PRIMARY', 'the key that seals cannot be removed', { tag })
    }
    this.#set(this.#keys.filter((other) => other !== key))
    key.bytes.fill(0)
  }

  /**
   * Hold these keys and no others, the first of them sealing. Keys are compared by their bytes too:
   * a manager that was restored from a backup gives other keys the tags that it gave before. Throws
   * ERR_KEY_SIZE or ERR_KEYS_MAX, and then nothing has changed.
   */
  replace(keys: readonly GossipKey[]): void {
    assert(keys.length > 0, 'a ring that seals does not stop to')
    const before = this.#keys
    const after = wholeRing(keys, before)
    this.#set(after)
    for (const key of before) if (!after.includes(key)) key.bytes.fill(0)
  }

  /** What may be shown: tags, never bytes. */
  toJSON(): readonly KeyView[] {
    return this.#keys.map(({ tag }, i) => ({ tag, isPrimary: i === 0 }))
  }

  #set(keys: readonly GossipKey[]): void {
    this.#keys = keys
    this.#bytes = keys.map((key) => key.bytes)
  }

  #find(tag: string): GossipKey {
    const key = this.#keys.find((one) => one.tag === tag)
    if (key === undefined) throw keyRingError('ERR_KEY_UNKNOWN', 'no such key', { tag })
    return key
  }
}

/** Or the ring would go on sealing with one key while the caller means another. */
const ONE_KEY = 'a tag names one key'

/** These keys, as they are held already or as copies. */
function wholeRing(
  keys: readonly GossipKey[],
  held: readonly GossipKey[],
): readonly GossipKey[] {
  if (keys.length > KEYS_MAX) {
    throw keyRingError('ERR_KEYS_MAX', 'too many keys in the ring', { max: KEYS_MAX })
  }
  assert(new Set(keys.map(({ tag }) => tag)).size === keys.length, ONE_KEY)
  return keys.map((key) => held.find((one) => isSame(one, key)) ?? copyOf(key))
}

function isSame(a: GossipKey, b: GossipKey): boolean {
  return a.tag === b.tag && equalBytes(a.bytes, b.bytes)
}

function copyOf(key: GossipKey): GossipKey {
  assert(key.tag !== '', 'a key has a tag')
  const bytes = key.bytes.length
  if (!KEY_BYTES.some((size) => size === bytes)) {
    const facts = { bytes, allowed: KEY_BYTES }
    throw keyRingError('ERR_KEY_SIZE', 'not the size of an AES key', facts)
  }
  return { tag: key.tag, bytes: key.bytes.slice() }
}
