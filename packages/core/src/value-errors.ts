/** What can be wrong with a value given as text or number. */
import { defineErrors } from './errors.ts'

/** Errors of parsing addresses, prefixes, VNIs and the like. */
export type ValueErrors = {
  /** `text` is not a well-formed `kind`; `expected` says what one looks like. */
  ERR_INVALID_VALUE: { readonly kind: string; readonly text: string; readonly expected: string }
}

/** Makes the errors of malformed values. */
export const valueError = defineErrors<ValueErrors>()
