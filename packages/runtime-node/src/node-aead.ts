/** AES-GCM from node:crypto. */
import { createCipheriv, createDecipheriv, type CipherGCMTypes } from 'node:crypto'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, assert, type Aead, type AeadUse } from '@weft/core'

/** AES-128, AES-192 and AES-256 in Galois counter mode, by the length of the key. */
export const nodeAead: Aead = {
  seal(use, plain) {
    const cipher = createCipheriv(algorithmOf(use), use.key, use.nonce, OPTIONS)
    if (use.associated.length > 0) cipher.setAAD(use.associated)
    const sealed = new Uint8Array(plain.length + AEAD_TAG_BYTES)
    sealed.set(cipher.update(plain))
    // A stream mode: `final` has no bytes left, it only makes the tag.
    cipher.final()
    sealed.set(cipher.getAuthTag(), plain.length)
    return sealed
  },

  open(use, sealed) {
    const length = sealed.length - AEAD_TAG_BYTES
    const algorithm = algorithmOf(use)
    if (length < 0) return null
    const decipher = createDecipheriv(algorithm, use.key, use.nonce, OPTIONS)
    if (use.associated.length > 0) decipher.setAAD(use.associated)
    decipher.setAuthTag(sealed.subarray(length))
    const plain = decipher.update(sealed.subarray(0, length))
    try {
      decipher.final()
    } catch {
      return null
    }
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length)
  },
}

/** A tag is whole or wrong: OpenSSL would take a shorter one, which is easier to forge. */
const OPTIONS = { authTagLength: AEAD_TAG_BYTES } as const

const ALGORITHMS: ReadonlyMap<number, CipherGCMTypes> = new Map([
  [16, 'aes-128-gcm'],
  [24, 'aes-192-gcm'],
  [32, 'aes-256-gcm'],
])

function algorithmOf({ key, nonce }: AeadUse): CipherGCMTypes {
  const algorithm = ALGORITHMS.get(key.length)
  assert(algorithm !== undefined, 'an AES key has 16, 24 or 32 bytes')
  assert(nonce.length === AEAD_NONCE_BYTES, 'a nonce has AEAD_NONCE_BYTES')
  return algorithm
}
