/** Which implementation of a suite seals: the one that works here and is quickest. */
import { CIPHER_NONCE_BYTES, equalBytes, type CipherSuite } from '@weft/core'
import { nodeCipherSuites } from '@weft/runtime-node'
import type { EspOptions } from './options.ts'

/** Where ciphers come from. */
export type SealingLibrary = 'libcrypto' | 'node:crypto'

/** The library that is used here, and why it is not the quickest; null when it is. */
export function sealingLibrary(): { readonly by: SealingLibrary; readonly lack: string | null } {
  return { by: 'node:crypto', lack: null }
}

/** The suite of this name. */
export function fastestSuite(name: EspOptions['suite']): CipherSuite {
  return nodeCipherSuites[name]
}

/** Plain text of the trial, and what the tag is cut from: AES-128-GCM of zeros under zeros. */
const ZEROS_SEALED = Uint8Array.of(
  ...[0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92, 0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe],
  ...[0x78, 0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd, 0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57],
  ...[0xbd, 0xdf],
)
const BLOCK_BYTES = 16

/** Whether a suite seals and opens a text that is known (test case 2 of the GCM specification). */
export function isSuiteSound(name: EspOptions['suite']): boolean {
  const suite = fastestSuite(name)
  const cipher = suite.open(new Uint8Array(suite.keyBytes))
  const length = BLOCK_BYTES + suite.tagBytes
  const bytes = new Uint8Array(length)
  const nonce = new Uint8Array(CIPHER_NONCE_BYTES)
  const nothing = new Uint8Array(0)
  cipher.seal(bytes, 0, BLOCK_BYTES, nonce, nothing)
  const isSealed = equalBytes(bytes, ZEROS_SEALED.subarray(0, length))
  const isOpened = cipher.open(bytes, 0, length, nonce, nothing)
  cipher.close()
  return isSealed && isOpened
}
