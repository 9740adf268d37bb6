/** Errors of membership: what the caller asked for that cannot be. */
import { defineErrors, type ErrorFactory } from '@weft/core'

/** Errors and their facts. */
export type MembershipErrors = {
  /** A name of no bytes, or of more than NAME_BYTES_MAX. */
  ERR_NAME_SIZE: { readonly bytes: number; readonly max: number }
  /** Metadata of more than META_BYTES_MAX bytes. */
  ERR_META_TOO_LARGE: { readonly bytes: number; readonly max: number }
}

/** Makes errors of membership. */
export const membershipError: ErrorFactory<MembershipErrors> = defineErrors<MembershipErrors>()
