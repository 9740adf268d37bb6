/** The suite of libcrypto, where it proves itself. */
import { CIPHER_NONCE_BYTES, equalBytes, type CipherSuite } from '@weft/core'
import { libcryptoSuite } from '@weft/linux/packets'
import type { EspOptions } from './options.ts'

/** libcrypto's suite of this name, or another that shall be tried; null when it is not sound. */
export function soundLibrary(
  name: EspOptions['suite'],
  library: CipherSuite | null = libcryptoSuite(name),
): CipherSuite | null {
  return library !== null && isSound(library) ? library : null
}

/** A block of zeros under a key and a nonce of zeros, and its tag. */
const ZEROS_SEALED = Uint8Array.of(
  ...[0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92, 0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe],
  ...[0x78, 0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd, 0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57],
  ...[0xbd, 0xdf],
)
const BLOCK_BYTES = 16

/**
 * Whether a suite of AES-128-GCM seals a text that is known (test case 2 of the GCM specification),
 * opens it, and refuses it with a changed tag.
 */
export function isSound(suite: CipherSuite): boolean {
  const length = BLOCK_BYTES + suite.tagBytes
  const bytes = new Uint8Array(length)
  const nonce = new Uint8Array(CIPHER_NONCE_BYTES)
  const nothing = new Uint8Array(0)
  const cipher = suite.open(new Uint8Array(suite.keyBytes))
  try {
    cipher.seal(bytes, 0, BLOCK_BYTES, nonce, nothing)
    if (!equalBytes(bytes, ZEROS_SEALED.subarray(0, length))) return false
    bytes[length - 1] = (bytes[length - 1] ?? 0) ^ 1
    if (cipher.open(bytes, 0, length, nonce, nothing)) return false
    bytes[length - 1] = (bytes[length - 1] ?? 0) ^ 1
    return cipher.open(bytes, 0, length, nonce, nothing)
  } finally {
    cipher.close()
  }
}
