/** Authenticated encryption as a port: AES-GCM comes from the machine, never from our own code. */

/** Bytes a sealed text is longer than its plain text: the tag. */
export const AEAD_TAG_BYTES = 16

/** Bytes of a nonce. One key never seals two texts under one nonce. */
export const AEAD_NONCE_BYTES = 12

/** What a text is sealed with. */
export interface AeadUse {
  /** 16, 24 or 32 bytes: AES-128, AES-192 or AES-256. */
  readonly key: Uint8Array
  /** AEAD_NONCE_BYTES long. */
  readonly nonce: Uint8Array
  /** Authenticated, not sealed; may be empty. */
  readonly associated: Uint8Array
}

/** AES-GCM (NIST SP 800-38D) with a 12-byte nonce and a 16-byte tag. */
export interface Aead {
  /** The ciphertext with its tag behind it. */
  seal(use: AeadUse, plain: Uint8Array): Uint8Array
  /** The plain text, or null when key, nonce, associated data or bytes are not those of `seal`. */
  open(use: AeadUse, sealed: Uint8Array): Uint8Array | null
}
