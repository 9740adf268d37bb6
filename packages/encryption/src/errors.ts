/** What can go wrong with keys and associations; packets have faults instead. */
import { defineErrors, type ErrorFactory } from '@weft/core'

/** Errors of this package beyond those of cipher suites and of values, which are core's. */
export type EncryptionErrors = {
  /** Another key of the same list has the tag. */
  ERR_KEY_REPEATED: { readonly tag: number }
  /** The ring has a key with this tag and other bytes: a tag names one key for ever. */
  ERR_KEY_CHANGED: { readonly tag: number }
  /** The list is longer than a ring. */
  ERR_KEYS_MAX: { readonly max: number }
  /** Docker's order is one of exactly so many keys (docker-wire §5.2). */
  ERR_KEY_COUNT: { readonly count: number; readonly expected: number }
  /** No more peers can have associations. */
  ERR_PEERS_MAX: { readonly max: number }
  /** libsodium cannot run here; the cause says why. */
  ERR_SODIUM_UNUSABLE: { readonly missing: readonly string[] }
}

/** Makes the errors of this package. */
export const encryptionError: ErrorFactory<EncryptionErrors> = defineErrors<EncryptionErrors>()
