/** Keys of encrypted networks as a dataplane sees them, and what is wrong with a set of them. */
import type { Problem } from './item-checks.ts'

/** AES-128, in bytes (docker-wire §5.1). */
export const TUNNEL_KEY_BYTES = 16

/** Keys at one time; each costs an association with every peer. */
export const TUNNEL_KEYS_MAX = 8

/**
 * A key that shows its name and never its bytes. `NetworkKey` of @weft/encryption is one; this
 * package cannot see that one.
 */
export interface TunnelKey {
  /** Names the key for ever: SPIs are made with it (docker-wire §5.3). */
  readonly tag: number
  readonly byteLength: number
  /** True once its bytes are gone. */
  readonly isZeroed: boolean
  /** Write key and salt at `start`, and return how many bytes; the caller zeroes them. */
  writeKeyMaterial(target: Uint8Array, start: number, salt: number): number
}

/** Why no network can be encrypted with these keys; null when one can. */
export function keysProblem(keys: readonly TunnelKey[]): Problem | null {
  if (keys.length === 0) {
    return { problem: 'there is no key to encrypt with', expected: 'one key or more' }
  }
  if (keys.length > TUNNEL_KEYS_MAX) {
    return { problem: 'there are too many keys', expected: `at most ${TUNNEL_KEYS_MAX}` }
  }
  if (keys.some(({ byteLength }) => byteLength !== TUNNEL_KEY_BYTES)) {
    return { problem: 'a key is of the wrong size', expected: `keys of ${TUNNEL_KEY_BYTES} bytes` }
  }
  if (keys.some(({ isZeroed }) => isZeroed)) {
    return { problem: 'a key was zeroed', expected: 'keys that are kept while they are desired' }
  }
  const isRepeated = new Set(keys.map(({ tag }) => tag)).size < keys.length
  return isRepeated ? { problem: 'two keys have one tag', expected: 'different tags' } : null
}
