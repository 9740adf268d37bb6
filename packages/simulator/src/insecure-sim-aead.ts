/** Sealing that hides and authenticates nothing from anybody clever: for simulations only. */
import { AEAD_TAG_BYTES, setU32, u32, u8, type Aead, type AeadUse } from '@weft/core'

/**
 * NOT SECURE. A keyed XOR with a keyed checksum: other bytes than the plain ones on the wire, and
 * what was changed or sealed with another key does not open. Pure and fast, where AES-GCM is
 * neither in a simulation of a thousand nodes.
 */
export const insecureSimAead: Aead = {
  seal(use, plain) {
    const sealed = new Uint8Array(plain.length + AEAD_TAG_BYTES)
    scramble(use, plain, sealed)
    writeTag(use, plain, sealed)
    return sealed
  },

  open(use, sealed) {
    const length = sealed.length - AEAD_TAG_BYTES
    if (length < 0) return null
    const plain = new Uint8Array(length)
    scramble(use, sealed, plain)
    const expected = new Uint8Array(sealed.length)
    writeTag(use, plain, expected)
    for (let i = length; i < sealed.length; i++) if (sealed[i] !== expected[i]) return null
    return plain
  },
}

/** XOR as much as fits into `target` with a stream that follows from key and nonce. */
function scramble({ key, nonce }: AeadUse, source: Uint8Array, target: Uint8Array): void {
  let word = mix(mix(0x9e3779b9, key), nonce)
  const length = Math.min(source.length, target.length)
  for (let i = 0; i < length; i++) {
    if ((i & 3) === 0) word = step(word)
    target[i] = u8(source, i) ^ (word >>> (8 * (i & 3)))
  }
}

function writeTag(use: AeadUse, plain: Uint8Array, target: Uint8Array): void {
  const { key, nonce, associated } = use
  let word = mix(mix(mix(mix(0x85ebca6b, key), nonce), associated), plain)
  for (let at = plain.length; at < target.length; at += 4) {
    word = step(word)
    setU32(target, at, word)
  }
}

function mix(seed: number, bytes: Uint8Array): number {
  let hash = seed ^ bytes.length
  const whole = bytes.length & ~3
  for (let i = 0; i < whole; i += 4) {
    hash = Math.imul(hash ^ u32(bytes, i), 0x01000193) ^ (hash >>> 15)
  }
  for (let i = whole; i < bytes.length; i++) hash = Math.imul(hash ^ u8(bytes, i), 0x01000193)
  return hash ^ (hash >>> 13)
}

/** xorshift32 (Marsaglia, 2003), kept away from zero. */
function step(word: number): number {
  let next = word === 0 ? 0x6d2b79f5 : word
  next ^= next << 13
  next ^= next >>> 17
  return next ^ (next << 5)
}
