/** Packet ciphers from node:crypto: AES-128-GCM and ChaCha20-Poly1305. */
import { createCipheriv, createDecipheriv, type CipherChaCha20Poly1305Types } from 'node:crypto'
import {
  assert,
  checkKeySize,
  CIPHER_NONCE_BYTES,
  CIPHER_SUITES,
  type Cipher,
  type CipherSuite,
  type CipherSuiteName,
} from '@weft/core'

/** What OpenSSL calls them. */
const ALGORITHMS: { readonly [Name in CipherSuiteName]: string } = {
  'aes-128-gcm-8': 'aes-128-gcm',
  'aes-128-gcm-16': 'aes-128-gcm',
  'chacha20-poly1305': 'chacha20-poly1305',
}

/**
 * Every suite, by name. Node sets a cipher up for each packet and returns new arrays, so that
 * packets cost some microseconds and some garbage whatever we do.
 */
export const nodeCipherSuites: { readonly [Name in CipherSuiteName]: CipherSuite } = {
  'aes-128-gcm-8': createSuite('aes-128-gcm-8'),
  'aes-128-gcm-16': createSuite('aes-128-gcm-16'),
  'chacha20-poly1305': createSuite('chacha20-poly1305'),
}

function createSuite(name: CipherSuiteName): CipherSuite {
  const suite: CipherSuite = {
    name,
    ...CIPHER_SUITES[name],
    open(key) {
      checkKeySize(name, key.length)
      return new NodeCipher(suite, key)
    },
  }
  return suite
}

class NodeCipher implements Cipher {
  readonly suite: CipherSuite
  readonly #algorithm: CipherChaCha20Poly1305Types
  /** A tag is as long as the suite says: OpenSSL would take a shorter one too. */
  readonly #options: { readonly authTagLength: number }
  readonly #key: Uint8Array
  #isClosed = false

  constructor(suite: CipherSuite, key: Uint8Array) {
    this.suite = suite
    // Node's types have an overload for each kind of algorithm; this one asks all that any needs.
    this.#algorithm = ALGORITHMS[suite.name] as CipherChaCha20Poly1305Types
    this.#options = { authTagLength: suite.tagBytes }
    this.#key = key.slice()
  }

  seal(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): void {
    assert(start <= end && end + this.suite.tagBytes <= bytes.length, 'room for a tag')
    this.#check(nonce)
    const cipher = createCipheriv(this.#algorithm, this.#key, nonce, this.#options)
    cipher.setAAD(associated, { plaintextLength: end - start })
    const sealed = cipher.update(bytes.subarray(start, end))
    // Stream modes: `final` has no bytes left, it only makes the tag.
    cipher.final()
    bytes.set(sealed, start)
    bytes.set(cipher.getAuthTag(), end)
  }

  open(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): boolean {
    this.#check(nonce)
    const tagAt = end - this.suite.tagBytes
    if (tagAt < start) return false
    const decipher = createDecipheriv(this.#algorithm, this.#key, nonce, this.#options)
    decipher.setAAD(associated, { plaintextLength: tagAt - start })
    decipher.setAuthTag(bytes.subarray(tagAt, end))
    const plain = decipher.update(bytes.subarray(start, tagAt))
    try {
      decipher.final()
    } catch {
      // Not authentic: what was deciphered is dropped, unseen.
      return false
    }
    bytes.set(plain, start)
    return true
  }

  close(): void {
    this.#key.fill(0)
    this.#isClosed = true
  }

  #check(nonce: Uint8Array): void {
    assert(!this.#isClosed, 'a cipher that was closed is not used')
    assert(nonce.length === CIPHER_NONCE_BYTES, 'a nonce has CIPHER_NONCE_BYTES')
  }
}
