/** Packet ciphers as a port: a suite opened with a key, which seals and opens where bytes stand. */
import { defineErrors, type ErrorFactory } from './errors.ts'

/** Bytes of a nonce in every suite: a salt of 4 and an initialisation vector of 8 (RFC 4106 §4). */
export const CIPHER_NONCE_BYTES = 12

/** Suites by name; the number behind AES-GCM is the length of its tag in bytes. */
export type CipherSuiteName = 'aes-128-gcm-8' | 'aes-128-gcm-16' | 'chacha20-poly1305'

/** Bytes of the keys and tags of each suite (RFC 4106 §§6 and 8.1, RFC 8439 §2.8). */
export const CIPHER_SUITES: {
  readonly [Name in CipherSuiteName]: { readonly keyBytes: number; readonly tagBytes: number }
} = {
  'aes-128-gcm-8': { keyBytes: 16, tagBytes: 8 },
  'aes-128-gcm-16': { keyBytes: 16, tagBytes: 16 },
  'chacha20-poly1305': { keyBytes: 32, tagBytes: 16 },
}

/** Errors of cipher suites. */
export type CipherErrors = {
  ERR_KEY_SIZE: {
    readonly suite: CipherSuiteName
    readonly bytes: number
    readonly expected: number
  }
}

/** Makes the errors of cipher suites. */
export const cipherError: ErrorFactory<CipherErrors> = defineErrors<CipherErrors>()

/** A suite as some library implements it. */
export interface CipherSuite {
  readonly name: CipherSuiteName
  readonly keyBytes: number
  readonly tagBytes: number
  /** A cipher with a copy of this key. Throws ERR_KEY_SIZE. */
  open(key: Uint8Array): Cipher
}

/**
 * One key in use. It differs from `Aead` in what packets need: the key is set up once and zeroed at
 * the end, tags may be short, and texts are sealed where they stand, without a new array for each.
 * Nonces are CIPHER_NONCE_BYTES long; no two texts are sealed under one.
 */
export interface Cipher {
  readonly suite: CipherSuite
  /** Seal the window where it stands and write the tag into the `tagBytes` behind it. */
  seal(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): void
  /**
   * Open the window, whose last `tagBytes` are the tag, where it stands. False when key, nonce,
   * associated data or bytes are not those of `seal`: then the bytes stay as they are.
   */
  open(
    bytes: Uint8Array,
    start: number,
    end: number,
    nonce: Uint8Array,
    associated: Uint8Array,
  ): boolean
  /** Zero the key. What is closed neither seals nor opens: asking it is a bug. */
  close(): void
}

/** Refuse a key whose length is not the suite's. Throws ERR_KEY_SIZE. */
export function checkKeySize(name: CipherSuiteName, bytes: number): void {
  const expected = CIPHER_SUITES[name].keyBytes
  if (bytes === expected) return
  throw cipherError('ERR_KEY_SIZE', 'not the size of a key', { suite: name, bytes, expected })
}
